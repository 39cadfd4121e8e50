"""The version before: which one it is, and what its repo held, as far as its small files tell."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from publisher.hub.port import Hub, RemoteFile
from publisher.hub.retry import retried
from publisher.manifest.lock import write_whole
from publisher.records.artifacts import TENSORS_FILE, Kind
from publisher.records.changes import Earlier, Tensor
from publisher.records.digest import canonical_json
from publisher.records.facts import Fact, Json
from publisher.records.forms import FORMS
from publisher.records.versions import precedence
from publisher.release.compare import contents_of

TENSORS_SCHEMA = "hubpub/tensors/1"
FACTS_FILE = "evidence/facts.json"

# What a kind's users load it by.
CONFIG_FILE: dict[Kind, str] = {
    "base": "config.json",
    "adapter": "adapter_config.json",
    "merged": "config.json",
    "nf4": "config.json",
    **dict.fromkeys(FORMS, "config.json"),
}

_VERSION_TAG = re.compile(r"v(?P<number>\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)")


@dataclass(frozen=True)
class Before:
    """What a repo held at an earlier version: its contents' files, and what it says of itself.

    `tensors`, `config` and `facts` are None where that version does not carry them, or not in a form that we know.
    """

    files: tuple[RemoteFile, ...]
    tensors: Mapping[str, Tensor] | None
    config: Mapping[str, Json] | None
    facts: Mapping[str, Fact] | None


def number_before(number: str, tags: Collection[str], withdrawn: Collection[str] = ()) -> str | None:
    """The highest version below `number` that a tag carries and that was not taken back; None for the first one."""
    found = (match["number"] for tag in tags if (match := _VERSION_TAG.fullmatch(tag)))
    lower = [other for other in found if precedence(other) < precedence(number) and other not in withdrawn]
    return max(lower, key=precedence, default=None)


def read_before(hub: Hub, earlier: Earlier, kind: Kind, memo: Path) -> Before:
    """Read what a commit says of itself. It never changes, so `memo` keeps it: a later run asks the Hub nothing.

    Raises:
        HubpubError: as the port says.
    """
    file = memo / f"{earlier.commit}.json"
    if file.is_file():
        try:
            return TypeAdapter(Before).validate_json(file.read_bytes())
        except ValidationError:
            pass  # kept by another version of hubpub
    tree = hub.tree(earlier.ref, earlier.commit)
    there = {entry.path for entry in tree}

    def told(path: str | None) -> Any:
        return _json(hub, earlier, path) if path in there else None

    before = Before(
        files=tuple(contents_of(tree)),
        tensors=_valid(Mapping[str, Tensor], _part(told(TENSORS_FILE), "tensors")),
        config=_valid(Mapping[str, Json], told(CONFIG_FILE.get(kind))),
        facts=_by_id(_valid(tuple[Fact, ...], _part(told(FACTS_FILE), "facts"))),
    )
    write_whole(file, canonical_json(before) + "\n")
    return before


def _json(hub: Hub, earlier: Earlier, path: str | None) -> Any:
    """A small file's JSON; None where it is none."""
    raw = retried(lambda: b"".join(hub.read(earlier.ref, earlier.commit, str(path))))
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _part(document: Any, key: str) -> Any:
    return document.get(key) if isinstance(document, dict) else None


def _valid(kind: Any, value: Any) -> Any:
    """The value as a record of ours; None where it is something else."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return None


def _by_id(facts: tuple[Fact, ...] | None) -> dict[str, Fact] | None:
    return None if facts is None else {fact.id: fact for fact in facts}
