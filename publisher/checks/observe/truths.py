"""What is true of a model, as far as its files tell, else its base: the measure of what a card claims.

The order of belief: the files beside the card, then the shapes of known base models. Where neither tells, nobody
knows, and a rule says so instead of guessing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from publisher.checks.known import models as known_models
from publisher.checks.known.models import Family, Mention, Shape
from publisher.checks.observe.claims import Claims
from publisher.checks.observe.jsons import AdapterConfig, GenerationConfig, ModelConfig
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.observe.tensors import AdapterTensors, Headers
from publisher.records.facts import Json

_PACKED = frozenset(
    {"U8", "I8", "I16", "I32", "U32", "F8_E4M3", "F8_E5M2", "F4"}
)  # quantised: fewer numbers than parameters


@dataclass(frozen=True)
class Truth:
    """A true value, and where it stands, as a message says it. `sure`: from a file, or from a base that exists."""

    value: float
    source: str
    sure: bool = True


class Truths:
    """Everything that can be told of one model."""

    def __init__(
        self,
        claims: Claims,
        config: ModelConfig | None,
        adapter: AdapterConfig | None,
        tensors: AdapterTensors | None,
        headers: Headers | None,
        generation: GenerationConfig | None,
    ) -> None:
        self.claims = claims
        self.config = config
        self.adapter = adapter
        self.tensors = tensors
        self.headers = headers
        self.generation = generation

    @classmethod
    def observe(cls, view: RepoView) -> Truths | Absent:
        """From what can be read; what cannot be read is unknown, and another rule reports it."""
        claims = view.observe(Claims)
        if isinstance(claims, Absent):
            return claims
        found = [
            view.observe(kind)
            for kind in (ModelConfig, AdapterConfig, AdapterTensors, Headers, GenerationConfig)
        ]
        known = [None if isinstance(each, Absent) else each for each in found]
        return cls(claims, *known)  # type: ignore[arg-type]

    @cached_property
    def base(self) -> Mention | None:
        """The one base model that the card or the adapter's configuration names; None where it names several."""
        names = [base.mention for base in self.claims.bases if base.mention is not None]
        if not names and self.adapter is not None:
            named = self.adapter.data.get("base_model_name_or_path")
            names = list(known_models.mentions(named)) if isinstance(named, str) else []
        shapes = {(name.name, name.generation, name.size) for name in names}
        return names[0] if len(shapes) == 1 else None

    def configured(self, *keys: str) -> tuple[int, ...]:
        """Whole numbers under keys of config.json, at its top or in the part for text, the text's first."""
        if self.config is None:
            return ()
        text = self.config.data.get("text_config")
        parts: list[Mapping[str, Json]] = [text] if isinstance(text, dict) else []
        parts.append(self.config.data)
        found = [part.get(key) for part in parts for key in keys]
        return tuple(value for value in found if type(value) is int)

    def shape_number(self, attribute: str, *keys: str) -> tuple[Truth, ...]:
        """A number of the architecture: from config.json, else of the base; several where the base leaves a choice."""
        values = self.configured(*keys)
        if values:
            return tuple(Truth(value, "config.json says") for value in dict.fromkeys(values))
        return tuple(
            Truth(value, f"{family.id(shape)} has", sure)
            for family, shape, sure in self.shapes
            if (value := getattr(shape, attribute)) is not None
        )

    @cached_property
    def shapes(self) -> tuple[tuple[Family, Shape, bool], ...]:
        """The base's shape. Where there is no such base: that of its size in the family's other generations."""
        if self.base is None:
            return ()
        family = self.base.family
        if self.base.shape is not None and family is not None:
            return ((family, self.base.shape, True),)
        if self.base.exists is False:
            return tuple(
                (other, shape, False) for other, shape in known_models.of_size(self.base.name, self.base.size)
            )
        return ()

    @cached_property
    def parameters(self) -> int | None:
        """Parameters in the weights beside the card; None for adapters, for packed weights and without weights."""
        if self.headers is None or self.adapter is not None:
            return None
        if any(header.faults or header.pointer for header in self.headers.files):
            return None
        tensors = {name: tensor for header in self.headers.files for name, tensor in header.tensors.items()}
        if not tensors or any(tensor.dtype in _PACKED for tensor in tensors.values()):
            return None
        if len(self.headers.files) > 1 and not all("-of-" in header.path for header in self.headers.files):
            return None  # several models, or one in several formats
        return sum(math.prod(tensor.shape) for tensor in tensors.values())

    @cached_property
    def trained(self) -> int | None:
        """Parameters in the adapter's file."""
        if self.tensors is None:
            return None
        return sum(math.prod(tensor.shape) for tensor in self.tensors.header.tensors.values())

    def lora_sizes(self, rank: int, targets: tuple[str, ...]) -> Iterator[Truth]:
        """Trainable parameters of a LoRA of that rank on those modules, for the base or what may be meant by it."""
        shapes = (
            self.shapes if self.base is not None and self.base.exists else self._same_family() + self.shapes
        )
        for family, shape, sure in shapes:
            size = lora_size(shape, rank, targets)
            if size is None:
                continue
            yield Truth(size, family.id(shape), sure)
            reads = shape.reads or family.reads
            tower = known_models.vision_tower(family.title)
            if "images" in reads and tower is not None:
                layers, hidden = tower
                inside = len({"q_proj", "k_proj", "v_proj"} & set(targets))
                yield Truth(
                    size + layers * inside * rank * 2 * hidden,
                    f"{family.id(shape)} with the vision tower's modules of the same names",
                    sure,
                )

    def _same_family(self) -> tuple[tuple[Family, Shape, bool], ...]:
        """Every size of the generation that the base would belong to."""
        family = self.base.family if self.base is not None else None
        return () if family is None else tuple((family, shape, False) for shape in family.shapes)

    @cached_property
    def samples(self) -> bool | None:
        """Whether generation_config.json makes the model sample by default; None where there is no such file."""
        return None if self.generation is None else self.generation.data.get("do_sample") is True


def lora_size(shape: Shape, rank: int, targets: tuple[str, ...]) -> int | None:
    """Parameters of A and B over all layers: rank times (in + out) of each module; None where a size is not known."""
    if None in (shape.layers, shape.hidden, shape.intermediate, shape.heads, shape.kv_heads, shape.head_dim):
        return None
    if shape.experts is not None:
        return None
    hidden, inner = shape.hidden or 0, shape.intermediate or 0
    queries, keys = (shape.heads or 0) * (shape.head_dim or 0), (shape.kv_heads or 0) * (shape.head_dim or 0)
    sides = {
        "q_proj": hidden + queries,
        "k_proj": hidden + keys,
        "v_proj": hidden + keys,
        "o_proj": queries + hidden,
        "gate_proj": hidden + inner,
        "up_proj": hidden + inner,
        "down_proj": inner + hidden,
    }
    if not set(targets) <= set(sides):
        return None
    return (shape.layers or 0) * rank * sum(sides[name] for name in targets)
