"""A draft becomes `model_cards/NAME/`: written aside, then put in place in one step. Nothing is ever overwritten."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError
from publisher.manifest.compose import OPEN_QUESTION, Key, compose
from publisher.manifest.load import load_manifest
from publisher.manifest.project import Project
from publisher.pipeline.init.drafts import Draft
from publisher.pipeline.init.from_card import stated_keys

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,80}")
TODO = "TODO:"
# Each is one line that `hubpub check` reports until it is written.
TO_WRITE = {
    "intended_use": f"{TODO} say what the model is for, for whom, and in which form it wants its input.\n",
    "limitations": f"{TODO} say where it fails, and what nobody has tried.\n",
}
SMOKE = {
    "prompt": "What can you do? Answer in one sentence.",
    "expect": {"min_tokens": 3, "max_repetition": 0.5},
}


@dataclass(frozen=True)
class Written:
    """What `init` wrote, and what of it is open: the faults that the manifest has until its author answers."""

    folder: Path
    files: tuple[Path, ...]
    open: tuple[HubpubError, ...]
    to_write: tuple[str, ...]  # prose files that hold nothing but a TODO


def refuse_taken(project: Project, name: str) -> None:
    """Refuse a name that is none, or that is taken.

    Raises:
        HubpubError: HP-M09.
    """
    if not NAME.fullmatch(name):
        raise HubpubError(
            "HP-M09",
            f"{name!r} cannot be a release's name",
            hint="letters, digits, dots, dashes: hubpub init my-model-lora",
        )
    folder = project.release(name).folder
    if folder.exists() or folder.is_symlink():
        raise HubpubError(
            "HP-M09",
            f"{name} is there already, and nothing is overwritten",
            where=str(folder),
            hint=f"another name, or edit it: hubpub status {name}",
        )


def write_release(project: Project, draft: Draft) -> Written:
    """Write manifest and prose files.

    Raises:
        HubpubError: HP-M09 where the name is taken.
    """
    refuse_taken(project, draft.name)
    prose = dict(draft.words.files) or {f"{section}.md": text for section, text in TO_WRITE.items()}
    project.cards.mkdir(parents=True, exist_ok=True)
    folder = project.release(draft.name).folder
    aside = Path(tempfile.mkdtemp(prefix=f".{draft.name}-", dir=project.cards))
    try:
        for file, text in {"release.yaml": manifest_text(draft), **prose}.items():
            (aside / file).write_text(text, encoding="utf-8", newline="\n")
        aside.chmod(0o755)
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return Written(
        folder,
        tuple(folder / file for file in ("release.yaml", *prose)),
        tuple(_open(project, draft.name)),
        tuple(file for file, text in prose.items() if text.startswith(TODO)),
    )


def manifest_text(draft: Draft) -> str:
    """`release.yaml`."""
    model, words = draft.model, draft.words
    from_card = f" and the card {words.name}" if words.name and words.name not in model.source else ""
    above = [f"{draft.name}, made by hubpub init from {model.source}{from_card}."]
    groups = list(_groups(draft))
    if _asks(groups):
        above.append("`?? …` waits for an answer: until then every command refuses this manifest.")
    return compose(above, groups)


def _groups(draft: Draft) -> Iterator[list[Key]]:
    model, words = draft.model, draft.words
    visibility = (
        Key("visibility", "private", note="public, when it shall be")
        if model.public is None
        else Key("visibility", "public" if model.public else "private", note="as it is now")
    )
    licence = words.licence or (
        Key("licence", "apache-2.0", off=True, note="the base's own where it is left out"),
    )
    yield [Key("manifest", 1), *([draft.owner] if draft.owner else []), visibility, *licence]
    dataset = model.dataset or words.dataset
    yield [key for key in (model.base, model.adapter, model.run, dataset) if key is not None]
    yield [model.artifacts]
    if model.base is not None:
        yield [_smoke()]
    yield [Key("card", words.card or tuple(Key(section, f"{section}.md") for section in TO_WRITE))]
    if claims := stated_keys(words):
        reasons = (
            f"What {words.name} claims and no file proves. Put its source in place of `?? …`, and the card prints it as stated",
            "by you; or delete the entry. None of it is in the prose files, and what hubpub measures itself needs no entry.",
        )
        yield [Key("stated", claims, above=reasons)]


def _smoke() -> Key:
    why = "Every model answers this before the upload, and the card's snippets ask it. Edit: a question of your users."
    return Key("smoke", [SMOKE], above=(why,))


def _asks(value: Any) -> bool:
    """Whether something in a value waits for an answer."""
    if isinstance(value, Key):
        return _asks(value.value)
    if isinstance(value, Mapping):
        return any(map(_asks, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_asks, value))
    return isinstance(value, str) and value.startswith(OPEN_QUESTION)


def _open(project: Project, name: str) -> list[HubpubError]:
    try:
        load_manifest(project, name)
    except HubpubError as first:
        return list(first.data.get("all", [first]))
    return []
