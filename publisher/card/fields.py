"""Front matter, merged three ways: field by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import AliasEvent

from publisher.card.metadata import front_matter_text
from publisher.card.readme import Readme
from publisher.records.digest import canonical_json
from publisher.records.plans import Edit

# What hubpub writes from facts: another value there is another claim, and the evidence stands behind ours.
FROM_FACTS = frozenset(
    {
        "license",
        "license_name",
        "license_link",
        "base_model",
        "base_model_relation",
        "library_name",
        "pipeline_tag",
        "size_categories",
        "model-index",
        "co2_eq_emissions",
        "configs",
    }
)


@dataclass(frozen=True)
class _Absent:
    """No such field; unlike `key:`, which is one without a value."""

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()


def merge_fields(base: Readme, ours: Readme, theirs: Readme) -> tuple[str, tuple[Edit, ...]]:
    """The block as `main` shall hold it, and what became of each edit.

    A list that others added to or took from is ours with the same done to it. Any other field that both sides
    changed is ours, and so is one that is written from facts.
    """
    block = "" if ours.yaml is None else f"---\n{ours.yaml}\n---\n"
    if theirs.fault or (theirs.yaml is None and block) or _repeats_itself(theirs.yaml or ""):
        why = "it is gone" if theirs.yaml is None else "it cannot be read"
        return block, (Edit("front matter", False, why, ours.yaml or "", theirs.yaml or ""),)
    merged: dict[str, Any] = {}
    edits: list[Edit] = []
    for key in _in_order(ours.front_matter, theirs.front_matter):
        sides = (r.front_matter.get(key, ABSENT) for r in (base, ours, theirs))
        value, edit = _field(key, *sides)
        if value is not ABSENT:
            merged[key] = value
        edits += [edit] if edit else []
    if merged == ours.front_matter:
        return block, tuple(edits)
    if merged == theirs.front_matter:
        return f"---\n{theirs.yaml}\n---\n", tuple(edits)
    return front_matter_text(merged), tuple(edits)


def _repeats_itself(block: str) -> bool:
    """Whether a block has YAML's aliases: a few lines of them can stand for more than any memory holds."""
    return any(isinstance(event, AliasEvent) for event in YAML(pure=True).parse(block))


def _in_order(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    yield from ours
    yield from (key for key in theirs if key not in ours)


def _field(key: str, base: Any, ours: Any, theirs: Any) -> tuple[Any, Edit | None]:
    if theirs in (base, ours):
        return ours, None
    if key not in FROM_FACTS and (lists := _as_lists(base, ours, theirs)):
        merged = _merged_list(*lists)
        return merged or ABSENT, None if merged == ours else _edit(key, True, "a field", ours, theirs)
    if key in FROM_FACTS and ours is not ABSENT:
        return ours, _edit(key, False, "written from facts", ours, theirs)
    if ours == base:
        return theirs, _edit(key, True, "a field", ours, theirs)
    return ours, _edit(key, False, "changed on both sides", ours, theirs)


def _edit(key: str, kept: bool, why: str, ours: Any, theirs: Any) -> Edit:
    return Edit(f"front matter: {key}", kept, why, _shown(ours), _shown(theirs))


def _shown(value: Any) -> str:
    if value is ABSENT:
        return ""
    return value if isinstance(value, str) else canonical_json(_plain(value))


def _plain(value: Any) -> Any:
    """YAML knows dates and keys that JSON does not."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | bool | int | None) else str(value)


def _as_lists(*sides: Any) -> list[list[str]] | None:
    """All sides as lists of words, if they can be read so and one is written so; a single word is a list of one."""
    if not any(isinstance(side, list) for side in sides):
        return None
    lists = [side if isinstance(side, list) else [side] if isinstance(side, str) else [] for side in sides]
    return lists if all(isinstance(item, str) for side in lists for item in side) else None


def _merged_list(base: list[str], ours: list[str], theirs: list[str]) -> list[str]:
    """Ours, less what they took out, then what they put in; as they have it where nothing changed here."""
    if ours == base:
        return theirs
    kept = [item for item in ours if item in theirs or item not in base]
    return list(dict.fromkeys([*kept, *(item for item in theirs if item not in base)]))
