"""`hubpub init --from-dataset`: a folder of Parquet or of JSON lines, released by itself. No torch."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from publisher.data.installed import installed
from publisher.data.rows import columns, parquet_splits
from publisher.data.sources.files import split_told
from publisher.data.sources.rows import OURS
from publisher.errors import HubpubError
from publisher.manifest.compose import Key, question
from publisher.manifest.schema import SUFFIX
from publisher.pipeline.init.asking import Ask
from publisher.pipeline.init.beside import licence_beside, words_beside
from publisher.pipeline.init.drafts import Model, Words
from publisher.pipeline.init.write import TODO
from publisher.records.artifacts import README

PROSE = {
    "summary": f"{TODO} say what a row is, where the rows are from, and how they were made.\n",
    "limitations": f"{TODO} say what is missing in it, and what it must not be used for.\n",
}
# Pairs of columns in other people's rows whose meaning their names tell.
KNOWN_PAIRS = (
    ("question", "answer"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("input", "output"),
    ("prompt", "response"),
)


@dataclass(frozen=True)
class _Found:
    """The rows of a folder: the manifest's `dataset`, and what is worth telling."""

    dataset: Key
    told: tuple[str, ...]


def from_dataset(place: Path, folder: Path, name: str, owner: str | None, ask: Ask) -> tuple[Model, Words]:
    """Look at a folder of rows.

    Args:
        place: with train-*.parquet, at its top or in data/; with other Parquet files; or with JSON lines.
        folder: where the manifest will lie; the rows' path is written relative to it.
        name: the release's.
        owner: of the repo, as far as it is known.
        ask: the author, for the licence, where neither README.md nor LICENSE tells it.

    Raises:
        HubpubError: HP-M09 no folder, HP-D01 no rows there, HP-D02 damaged files or other columns in one of them.
    """
    if not place.is_dir():
        raise HubpubError("HP-M09", f"{place} is no folder here", hint="--from-dataset FOLDER")
    here = place.resolve()
    found = _found(here, Path(os.path.relpath(here, folder)).as_posix())
    words = words_beside(here)
    sections = tuple(Key(f"dataset.{section}", f"dataset_{section}.md") for section in PROSE)
    seen = (f"{README}: its front matter alone was read",) if (here / README).is_file() else ()
    model = Model(
        source=f"the dataset {here.name}",
        base=None,
        adapter=None,
        artifacts=Key(
            "artifacts",
            (Key("dataset", {"repo": f"{owner}/{name}"} if owner else {}, note=_named(name, owner)),),
        ),
        dataset=found.dataset,
        told=(*found.told, *seen),
    )
    return model, replace(
        words,
        base=None,
        licence=licence_beside(here, words, ask),
        card=(*words.card, Key("sections", sections)),
        files={f"dataset_{section}.md": text for section, text in PROSE.items()},
    )


def _named(name: str, owner: str | None) -> str:
    return "" if owner else f"in {name}{SUFFIX['dataset']}, where no repo is named"


def _found(here: Path, relative: str) -> _Found:
    parquet = sorted(path for path in here.rglob("*.parquet") if path.is_file())
    if parquet:
        return _parquet(here, relative, parquet)
    lines = sorted(path for path in here.rglob("*.jsonl") if path.is_file())
    if not lines:
        raise HubpubError(
            "HP-D01",
            f"{here.name} holds neither Parquet files nor JSON lines",
            where=str(here),
            hint="name the folder that train-*.parquet or train.jsonl lies in",
        )
    return _json_lines(here, relative, lines)


def _parquet(here: Path, relative: str, files: list[Path]) -> _Found:
    """As it is, where the files are named as the Hub has them; else built anew under such names."""
    try:
        splits = parquet_splits(here)
    except HubpubError:
        splits = {}
    if sorted(path for paths in splits.values() for path in paths) == files:
        named = columns(here)
        told = f"{', '.join(sorted(splits))} of {len(files)} Parquet files, with {', '.join(named)}"
        return _Found(Key("dataset", (Key("folder", relative),)), (told,))
    recipe = {"from": "parquet", "folder": relative, **_columns(_parquet_columns(files[0]))}
    return _Found(Key("dataset", (Key("build", recipe),)), (f"{len(files)} Parquet files become splits",))


def _parquet_columns(file: Path) -> list[str]:
    """The columns of one file, by the reader that every dataset is read with."""
    try:
        return list(installed("pyarrow.parquet").read_schema(file).names)
    except (installed("pyarrow").ArrowInvalid, OSError) as damaged:
        raise HubpubError(
            "HP-D02",
            f"{file.name} cannot be read as Parquet",
            where=str(file),
            hint="write the file again, or leave it out",
        ) from damaged


def _json_lines(here: Path, relative: str, files: list[Path]) -> _Found:
    """One file, or one beside what is held out; where there are more, every file of the folder."""
    columns_of = _columns(_keys_of(files[0]))
    sides: dict[str | None, list[Path]] = {}
    for path in files:
        sides.setdefault(split_told(path.relative_to(here)), []).append(path)
    named = f"{len(files)} file{'s' * (len(files) > 1)} of JSON lines"
    held_out = sides.get("validation", [])
    trained = [path for side in ("train", None) for path in sides.get(side, [])]
    if len(trained) == 1 and len(held_out) < 2 and len(files) == len(trained) + len(held_out):
        recipe: dict[str, Any] = {"from": "jsonl", "file": _inside(relative, here, trained[0])}
        if held_out:
            recipe["validation"] = _inside(relative, here, held_out[0])
    else:
        recipe = {"from": "parquet", "folder": relative}  # reads JSON lines where no Parquet lies
    return _Found(Key("dataset", (Key("build", recipe | columns_of),)), (named,))


def _inside(relative: str, here: Path, file: Path) -> str:
    return f"{relative}/{file.relative_to(here).as_posix()}"


def _keys_of(file: Path) -> list[str]:
    """The columns of the first row."""
    with file.open(encoding="utf-8-sig") as lines:
        try:
            row = json.loads(next((line for line in lines if line.strip()), "null"))
        except ValueError:
            row = None
    if not isinstance(row, dict):
        raise HubpubError(
            "HP-D02",
            f"the first line of {file.name} is no JSON object",
            where=str(file),
            hint='an object a line: {"prompt": "…", "completion": "…"}',
        )
    return list(row)


def _columns(names: list[str]) -> dict[str, Any]:
    """`columns` of a recipe: nothing where they are ours, a known pair by its names, else a question."""
    if "messages" in names or {"prompt", "completion"} <= set(names):
        return {}
    lower = {name.lower(): name for name in names}
    for prompt, completion in KNOWN_PAIRS:
        if prompt in lower and completion in lower:
            pair = {"prompt": lower[prompt], "completion": lower[completion]}
            return {"columns": {ours: theirs for ours, theirs in pair.items() if ours != theirs}}
    asked = question(f"which of {', '.join(names)}; or messages in place of both")
    return {"columns": dict.fromkeys(OURS[:2], asked)}
