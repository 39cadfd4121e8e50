"""`hubpub init --from-model`: what a whole model's configuration and headers say. No torch."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from publisher.errors import HubpubError
from publisher.manifest.compose import OPEN_QUESTION, Key
from publisher.manifest.schema import SUFFIX
from publisher.manifest.section import REPO_ID
from publisher.pipeline.init.asking import Ask
from publisher.pipeline.init.bases import OpenHub
from publisher.pipeline.init.beside import licence_beside, words_beside
from publisher.pipeline.init.drafts import Model, Words
from publisher.pipeline.init.from_adapter import CHECKPOINT
from publisher.records.artifacts import README, Kind, RepoRef
from publisher.weights.describe import Config, describe_model, read_config
from publisher.weights.lora import CONFIG as ADAPTER_CONFIG
from publisher.weights.shards import PICKLE_SUFFIXES

MADE_HERE: tuple[Kind, ...] = ("nf4", "gguf")
PROSE = ("intended_use", "limitations")


def from_model(
    place: Path, folder: Path, name: str, owner: str | None, open_hub: OpenHub, ask: Ask
) -> tuple[Model, Words]:
    """Look at a whole model: a full fine-tune, or one that was trained from nothing.

    Args:
        place: its folder: config.json, safetensors, tokenizer.
        folder: where the manifest will lie; the model's path is written relative to it.
        name: the release's.
        owner: of the repos, as far as it is known.
        open_hub: for whether the model that config.json names is there.
        ask: the author, for the licence, where neither README.md nor LICENSE tells it.

    Raises:
        HubpubError: HP-M09 no folder, HP-M10 an adapter or a quantized model, HP-B04 no model there, HP-W01 … HP-W03
            its weights are damaged or pickled.
    """
    if not place.is_dir():
        raise HubpubError("HP-M09", f"{place} is no folder here", hint="--from-model FOLDER")
    here = place.resolve()
    _refuse_other(here, name)
    config = read_config(here)
    _refuse_quantized(here, config, name)
    told = _told(here)
    words = words_beside(here)
    sections = tuple(Key(f"base.{section}", f"{section}.md") for section in PROSE)
    card = (
        *words.card,
        *(Key(section, f"{section}.md") for section in PROSE),
        Key("sections", sections, note="the same words on this model's own card"),
    )
    model = Model(
        source=f"the model {here.name}",
        base=Key("base", _base(here, folder, words, config, open_hub)),
        adapter=None,
        artifacts=_artifacts(name, owner),
        told=told,
    )
    return model, replace(words, base=None, licence=licence_beside(here, words, ask), card=card)


def _refuse_other(here: Path, name: str) -> None:
    """Point to what the folder holds in place of a model."""
    if (here / "config.json").is_file():
        return
    if (here / ADAPTER_CONFIG).is_file():
        raise HubpubError(
            "HP-M10",
            f"{here.name} holds an adapter and no whole model",
            where=str(here),
            hint=f"hubpub init {name} --from-adapter {here}",
        )
    saved = {int(found[1]): path for path in here.iterdir() if (found := CHECKPOINT.fullmatch(path.name))}
    if saved and (last := saved[max(saved)] / "config.json").is_file():
        raise HubpubError(
            "HP-B04",
            f"{here.name} holds checkpoints of a training and no model of its own",
            where=str(here),
            hint=f"hubpub init {name} --from-model {last.parent}",
        )


def _refuse_quantized(here: Path, config: Config, name: str) -> None:
    if "quantization_config" in config or "quantization" in config:
        raise HubpubError(
            "HP-M10",
            f"{here.name} is quantized: it is released as what was made of another model",
            where=str(here / "config.json"),
            hint=f"hubpub init {name} --from-files {here} --source OWNER/REPO; bitsandbytes is made here from the source",
        )


def _told(here: Path) -> tuple[str, ...]:
    measured = {m.id.removeprefix("base."): m.value for m in describe_model(here, "base")}
    what = [str(measured.get("architecture") or "an unnamed architecture"), f"{measured['dtype']}"]
    if isinstance(count := measured.get("parameters"), int):
        what.insert(1, f"{count:,} parameters")
    stays = sorted(
        path.name
        for path in here.iterdir()
        if path.suffix in PICKLE_SUFFIXES or (path.is_dir() and CHECKPOINT.fullmatch(path.name))
    )
    return (
        f"{', '.join(what)}; a release measures these again, so they are not in the manifest",
        *((f"left where they are: {', '.join(stays)}",) if stays else ()),
        *((f"{README}: its front matter alone was read",) if (here / README).is_file() else ()),
    )


def _base(here: Path, folder: Path, words: Words, config: Config, open_hub: OpenHub) -> tuple[Key, ...]:
    """Where it lies, and the model that it was tuned from, as its card or its configuration names it."""
    lies = Key("folder", Path(os.path.relpath(here, folder)).as_posix())
    said = str(words.base.value) if words.base else ""
    if said.startswith(OPEN_QUESTION):  # no model that the Hub could have
        return (lies, Key("origin", "owner/name", note=f"the model that it was tuned from: {said}", off=True))
    if said:
        return (lies, Key("origin", said, note=f"what it was tuned from, as {README} says"))
    named = str(config.get("_name_or_path") or "")
    if REPO_ID.fullmatch(named):  # or a folder of two names on the trainer's machine: the Hub knows
        return (lies, _named_by_config(named, open_hub))
    offered = "the model that it was tuned from; none, where it was trained from nothing"
    return (lies, Key("origin", "owner/name", note=offered, off=True))


def _named_by_config(named: str, open_hub: OpenHub) -> Key:
    try:
        hub = open_hub()
        if hub.state(RepoRef(named)) is not None:
            return Key("origin", named, note="what it was tuned from, as config.json says")
        why = f"config.json says so, and it is not on {hub.endpoint}"
    except HubpubError as fault:
        why = f"config.json says so; not looked up: {fault.what}"
    return Key("origin", named, note=why, off=True)


def _artifacts(name: str, owner: str | None) -> Key:
    """The model under the release's own name, as a merged one would be; what is made of it is offered."""

    def repo(suffix: str) -> dict[str, str]:
        return {"repo": f"{owner}/{name}{suffix}"} if owner else {}

    note = "" if owner else f"in {name}{SUFFIX['base']}, where no repo is named"
    offered = (
        Key(kind, repo(SUFFIX[kind]), note="made here, from this model", off=True) for kind in MADE_HERE
    )
    return Key("artifacts", (Key("base", repo(""), note=note), *offered))
