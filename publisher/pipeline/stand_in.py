"""A rehearsal with a stand-in: the same manifest, with base, tokenizer and data that are made by script.

What it asks for is asked of a small random model of the same architecture; repo ids end in `-stand-in`, and nothing of
it may reach a Hub that is not on this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.artifact import ArtifactSettings
from publisher.manifest.dataset import DatasetSettings, ScenesSettings
from publisher.manifest.enhance import LOOPBACK
from publisher.manifest.evaluation import EvaluateSettings
from publisher.manifest.schema import BaseSettings, Manifest, repo_refs
from publisher.manifest.training import TrainSettings
from publisher.pipeline.base_package import package_file
from publisher.records.artifacts import RepoRef
from publisher.records.benchmarks import PREFIX as LM_EVAL
from publisher.records.facts import Fact
from publisher.records.forms import FORMS
from publisher.records.stand_in import SUFFIX
from publisher.weights.gguf import GgufError, header_of
from publisher.weights.stand_in import is_marked

SEED = 7
SCENES = 8
STEPS = 2  # of the optimizer: enough that the adapter changes what the model says
ROWS, ANSWERS = 8, 4  # of the evaluation, whose outcome is refused
LENGTH = 4096  # tokens of an example: another tokenizer counts otherwise than the manifest's

# Bases that hand out no file before their terms are accepted, their configuration neither: the first that fits a name.
GATED = (
    (r"gemma-3-(270m|1b)", "gemma3_text"),
    (r"gemma-3-\d+b", "gemma3"),
    (r"gemma-2-\d+b", "gemma2"),
    (r"(meta-)?llama-(2|3|3\.1|3\.3)-\d+b|llama-3\.2-[13]b", "llama"),
)
# Others of which no file need be here to know what they are.
KNOWN = (
    *GATED,
    (r"smollm2-", "llama"),
    (r"sam-vit-", "sam"),
    (r"clipseg-", "clipseg"),
)


@dataclass(frozen=True)
class Rehearsal:
    """A manifest as it is rehearsed, and what is other in it, in words."""

    manifest: Manifest
    swapped: tuple[str, ...]


def rehearsal_of(manifest: Manifest, name: str) -> Rehearsal:
    """Swap what a stand-in cannot be made of; whatever else the manifest says is rehearsed as it stands."""
    refs = repo_refs(manifest, name)
    made = {kind: ref for kind, ref in refs.items() if kind not in FORMS}
    elsewhere = ", ".join(kind for kind in refs if kind in FORMS)
    train, base = _shortened(manifest), manifest.base
    data = _synthetic(manifest)
    changed: dict[str, Any] = {
        "artifacts": {kind: _artifact(manifest.artifacts[kind], ref) for kind, ref in made.items()},
        "dataset": data,
        "train": train,
        "adapter": None,
        "training_run": (),
        "lm_eval": {},
        "gates": {
            fact_id: gate for fact_id, gate in manifest.gates.items() if not fact_id.startswith(LM_EVAL)
        },
        "supersedes": {},
        "sign": None,
        "evaluate": _evaluation(manifest),
        "collection": f"{manifest.collection}{SUFFIX}" if manifest.collection else None,
        "card": manifest.card.model_copy(update={"results": ()}),
    }
    said = [
        *([f"base: a random model of its architecture, in place of {_called(base)}"] if base else []),
        *([f"dataset: {SCENES} drawn scenes"] if data is not None and data.build else []),
        *(["dataset.enhance: no endpoint is asked in a rehearsal"] if _asks(manifest) else []),
        *([f"train: {train.steps} steps"] if train is not None else []),
        *([f"{elsewhere}: left out, made elsewhere"] if elsewhere else []),
        *(["sign: left out, whoever trusts a key trusts what it signed"] if manifest.sign else []),
        "smoke answers, evaluation and gates: refused, they would say nothing of the model",
    ]  # fmt: skip
    return Rehearsal(manifest.model_copy(update=changed), tuple(said))


def model_type_of(base: BaseSettings, root: Path, source: Hub) -> str:
    """The architecture that a base has, as `model_type` of its config.json names it.

    Args:
        base: as the manifest has it.
        root: the folder of the manifest.
        source: the Hub that it is on; asked last.

    Raises:
        HubpubError: HP-M10, nobody knows it.
    """
    found = (
        (_in_config(root / base.folder / "config.json") if base.folder else None)
        or (_in_package(base) if base.package else None)
        or _by_name(base, KNOWN)
        or (_on_hub(source, base) if base.model else None)
    )
    if found is None:
        raise HubpubError(
            "HP-M10",
            f"nothing here tells the architecture of {_called(base)}, so there is no stand-in for it",
            where="release.yaml: base",
            hint="name a folder with its config.json, weights are not needed: base: {model: …, folder: …}",
        )
    return found


def is_gated_by_name(base: BaseSettings) -> bool:
    """Whether a base is known to be handed out only to who has accepted its terms; the Hub knows better, where it is asked."""
    return bool(base.model) and _by_name(base, GATED) is not None


def refuse_marked(hub: Hub, files: Iterable[Path], *, rehearsing: bool) -> None:
    """Let nothing of a stand-in go to a Hub of which not every resolved address is this machine's.

    Args:
        hub: where it would go.
        files: what would go there, or what that is made of; read only where the Hub is elsewhere.
        rehearsing: the run is a rehearsal, whatever its files say.

    Raises:
        HubpubError: HP-M12, and where the mark was found.
    """
    if hub.on_this_machine:
        return
    if rehearsing:
        raise HubpubError(
            "HP-M12",
            "a stand-in is released to a Hub on this machine only",
            where=hub.endpoint,
            hint="rehearse it with --hub local, or release the model itself without --stand-in",
        )
    for file in files:
        if file.is_file() and is_marked(file):
            raise HubpubError(
                "HP-M12",
                f"{file.name} is a stand-in's, and goes to no Hub but one on this machine",
                where=str(file),
                hint="release the model itself in its place; stand-ins are for --hub local",
            )


def as_rehearsed(result: Any) -> Any:
    """A stage's result, each of its facts saying that a stand-in was measured."""
    facts = getattr(result, "facts", None)
    if not isinstance(facts, tuple):
        return result
    return replace(result, facts=tuple(_marked(facts)))


def _marked(facts: Iterable[Fact]) -> Iterator[Fact]:
    for fact in facts:
        yield replace(fact, stand_in=True)


def _artifact(settings: ArtifactSettings, ref: RepoRef) -> ArtifactSettings:
    """Its files are made here, under an id of their own."""
    return settings.model_copy(update={"repo": f"{ref.repo_id}{SUFFIX}", "files": None, "mmproj": None})


def _synthetic(manifest: Manifest) -> DatasetSettings | None:
    """Drawn scenes in place of rows that are built, brought or, with an adapter from elsewhere, unknown."""
    data = manifest.dataset
    if (data is None or data.link) and manifest.adapter is None:
        return data
    build = data.build if data is not None else None
    asked = getattr(build, "enhance", None)
    kept = {
        "seed": build.seed_of_split if build is not None else SEED,
        "format": getattr(build, "format", "text"),
        "enhance": asked if asked is not None and _is_here(asked.base_url) else None,
    }
    scenes = ScenesSettings.model_validate({"from": "scenes", "scenes": SCENES})
    return DatasetSettings(build=scenes.model_copy(update=kept))


def _asks(manifest: Manifest) -> bool:
    """Whether the manifest has an endpoint asked that a rehearsal leaves alone."""
    asked = getattr(manifest.dataset.build if manifest.dataset else None, "enhance", None)
    return asked is not None and not _is_here(asked.base_url)


def _is_here(address: str) -> bool:
    return urlsplit(address).hostname in LOOPBACK


def _shortened(manifest: Manifest) -> TrainSettings | None:
    """The training as the manifest has it, for a few steps; a short one in place of an adapter from elsewhere."""
    if manifest.train is None and manifest.adapter is None:
        return None
    settings = manifest.train or TrainSettings()
    steps = min(settings.steps or STEPS, STEPS)
    changed = {"steps": steps, "epochs": None, "max_length": max(settings.max_length, LENGTH)}
    return settings.model_copy(update={k: v for k, v in changed.items() if k in type(settings).model_fields})


def _evaluation(manifest: Manifest) -> EvaluateSettings | None:
    asked = manifest.evaluate
    if asked is None:
        return None
    return asked.model_copy(update={"rows": min(asked.rows, ROWS), "answers": min(asked.answers, ANSWERS)})


def _called(base: BaseSettings) -> str:
    return str(base.model or base.origin or base.folder or base.package)


def _by_name(base: BaseSettings, known: Iterable[tuple[str, str]]) -> str | None:
    name = str(base.model or base.origin or "").rpartition("/")[2].lower()
    return next((kind for pattern, kind in known if re.match(pattern, name)), None)


def _in_config(file: Path) -> str | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    named = content.get("model_type") if isinstance(content, dict) else None
    return named if isinstance(named, str) else None


def _in_package(base: BaseSettings) -> str | None:
    """GGUF names architectures as transformers does, the text part of Gemma 3 excepted."""
    try:
        named = header_of(package_file(base)).text("general.architecture")
    except (OSError, GgufError, HubpubError):  # not installed: a rehearsal does not need it
        return None
    return {"gemma3": "gemma3_text"}.get(named or "", named)


def _on_hub(hub: Hub, base: BaseSettings) -> str | None:
    """What the base's own configuration says, where the Hub hands it out."""
    ref = RepoRef(str(base.model))
    try:
        content = json.loads(b"".join(hub.read(ref, base.revision or "main", "config.json")))
    except (HubpubError, ValueError):
        return None
    named = content.get("model_type") if isinstance(content, dict) else None
    return named if isinstance(named, str) else None
