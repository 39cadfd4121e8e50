"""Which modules of a base get LoRA matrices: those that are named, in the text part, and in the vision tower on demand.

The obvious names of a text model's projections also name layers of vision towers, audio towers and projectors. peft
would adapt them all, unseen: 96.9 in place of 84.9 million parameters at rank 64 on gemma-3-12b.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from publisher.engine.load import Model
from publisher.errors import HubpubError

_VISION = re.compile(r"vision|visual")


@dataclass(frozen=True)
class Targets:
    """The modules that are adapted.

    Attributes:
        modules: full names, in the model's order.
        vision: of the vision tower, those that bear the same names, adapted or not.
        setting: what adapter_config.json says, so that peft finds exactly `modules`: names for a model of text, else a
            regular expression.
    """

    modules: tuple[str, ...]
    vision: tuple[str, ...]
    setting: str | list[str]


def find_targets(model: Model, names: Sequence[str], *, vision_tower: bool) -> Targets:
    """Find the modules that a training adapts.

    Args:
        model: the base, on any device, `meta` included.
        names: last parts of modules' names, such as `q_proj`.
        vision_tower: adapt those of the vision tower as well.

    Raises:
        HubpubError: HP-A05, a name is not in the model's text part; HP-M10, `vision_tower` and the model has none, or
            none of its layers bears such a name.
    """
    every = [name for name, _ in model.named_modules()]
    named = [name for name in every if any(_ends(name, target) for target in names)]
    part = _text_part(model)
    text = [name for name in named if part is None or f".{part}." in f".{name}."]
    vision = [name for name in named if name not in text and _VISION.search(name)]
    if absent := [target for target in names if not any(_ends(name, target) for name in text)]:
        # peft complains only when NONE of the targets is there.
        raise HubpubError(
            "HP-A05",
            f"the base has no module called {', '.join(absent)}" + (" in its text part" if part else ""),
            hint="name modules of the base under `target_modules`, such as q_proj",
            modules=absent,
        )
    if vision_tower and not vision:
        raise HubpubError(
            "HP-M10",
            f"the base has no vision tower with modules called {', '.join(names)}",
            hint="leave `vision_tower` out, or name its modules under `target_modules`",
        )
    modules = tuple(name for name in named if name in text or (vision_tower and name in vision))
    if part is None:
        return Targets(modules, (), sorted(names))
    parts = sorted({part, *(_tower(name) for name in vision if vision_tower)})
    return Targets(modules, tuple(vision), _setting(every, modules, parts, names))


def count_parameters(model: Model, modules: Iterable[str], r: int) -> int:
    """Parameters of the matrices A (r, in) and B (out, r) of these linear modules."""
    shapes = (model.get_submodule(name) for name in modules)
    return sum(r * (module.in_features + module.out_features) for module in shapes)


def _setting(
    every: Sequence[str], modules: tuple[str, ...], parts: Sequence[str], names: Sequence[str]
) -> str | list[str]:
    """A pattern for these modules; their full names where no pattern of our form means exactly them."""
    ends = "|".join(map(re.escape, sorted(names)))
    part = parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"
    pattern = rf".*{part}\.(?:.*\.)?(?:{ends})"
    found = tuple(name for name in every if re.fullmatch(pattern, name))
    return pattern if found == modules else sorted(modules)


def _text_part(model: Any) -> str | None:
    """The last part of the name of a multimodal model's decoder; None for a model of text alone."""
    if not hasattr(model.config, "vision_config"):
        return None
    decoder = model.get_decoder()
    full: str = next(name for name, module in model.named_modules() if module is decoder)
    return full.rpartition(".")[2]


def _tower(name: str) -> str:
    """The part of a module's name that says it is the vision tower's: `vision_tower`, `visual`."""
    return next(part for part in name.split(".") if _VISION.search(part))


def _ends(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")
