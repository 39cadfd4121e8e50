"""Writing `release.yaml` as a person would: keys in reading order, a comment where one helps, and nothing typed twice.

What nobody has confirmed yet is written as `?? …`; such a manifest is refused until it is answered.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OPEN_QUESTION = "??"


@dataclass(frozen=True)
class Key:
    """One key of a manifest.

    Attributes:
        name: the key.
        value: what it holds; a tuple of keys is a mapping with a line for each.
        above: comment lines above it.
        note: a comment behind it.
        off: commented out: an offer, no setting.
    """

    name: str
    value: Any
    above: tuple[str, ...] = ()
    note: str = ""
    off: bool = False


def question(what: str) -> str:
    """A value that its author has to give."""
    return f"{OPEN_QUESTION} {what}"


def compose(above: Sequence[str], groups: Sequence[Sequence[Key]]) -> str:
    """Write a manifest: comment lines, then groups of keys with a blank line between them."""
    texts = ["".join(f"# {line}\n" for line in above)]
    texts[0] += "".join(_lines(key, "") for key in groups[0])
    texts += ["".join(_lines(key, "") for key in group) for group in groups[1:] if group]
    return "\n".join(texts)


def add_stated(text: str, entries: Mapping[str, Mapping[str, Any]]) -> str:
    """A manifest with more `stated:` entries at the end of the others; everything else stays as it was written.

    A manifest that is written in another way than line by line is written anew by its parser, comments included.
    """
    if not entries:
        return text
    body = text if text.endswith("\n") else f"{text}\n"
    keys = tuple(Key(fact_id, dict(entry)) for fact_id, entry in entries.items())
    document = _load(text)
    wanted = {**_plain(document), "stated": {**_plain(document.get("stated") or {}), **_plain(entries)}}
    for candidate in _candidates(body, document, keys):
        if _reads_as(candidate, wanted):
            return candidate
    if not document.get("stated"):
        document["stated"] = {}
    for fact_id, entry in entries.items():
        document["stated"][fact_id] = dict(entry)
    return _dumped(document)


def _candidates(body: str, document: Any, keys: Sequence[Key]) -> list[str]:
    if not document.get("stated"):
        return [f"{body}\n{_lines(Key('stated', tuple(keys)), '')}"] if "stated" not in document else []
    lines = body.splitlines(keepends=True)
    first = document.lc.key("stated")[0]
    inside = document["stated"].lc.col
    end = next((n for n in range(first + 1, len(lines)) if _begins_a_key(lines[n])), len(lines))
    while end > first + 1 and _belongs_below(lines[end - 1]):  # what stands above the next key stays with it
        end -= 1
    added = "".join(_lines(key, " " * inside) for key in keys)
    return ["".join([*lines[:end], added, *lines[end:]])]


def _begins_a_key(line: str) -> bool:
    return bool(line.strip()) and not line[0].isspace() and not line.startswith("#")


def _belongs_below(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _reads_as(text: str, wanted: Any) -> bool:
    from ruamel.yaml.error import YAMLError

    try:
        return bool(_plain(_load(text)) == wanted)
    except YAMLError:
        return False


def _lines(key: Key, indent: str) -> str:
    """A key's lines, its comments included."""
    off = "# " if key.off else ""
    above = "".join(f"{indent}# {line}\n" for line in key.above)
    note = f"  # {key.note}" if key.note else ""
    if isinstance(key.value, tuple) and key.value and all(isinstance(one, Key) for one in key.value):
        inside = "".join(_lines(one, f"{indent}  ") for one in key.value)
        inside = "".join(f"# {line}" for line in inside.splitlines(keepends=True)) if key.off else inside
        return f"{above}{indent}{off}{key.name}:{note}\n{inside}"
    written = _dumped({key.name: _short(key.value)}).rstrip("\n").split("\n")
    body = "\n".join(f"{indent}{off}{line}" for line in written)
    return f"{above}{body}{note}\n"


def _short(value: Any) -> Any:
    """Mappings and lists on one line; a list of mappings one line each."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, Mapping):
        short = CommentedMap({name: _short(item) for name, item in value.items()})
        short.fa.set_flow_style()
        return short
    if isinstance(value, list | tuple):
        items = CommentedSeq([_short(item) for item in value])
        if not any(isinstance(item, Mapping) for item in value):
            items.fa.set_flow_style()
        return items
    return _quoted(value)


def _quoted(value: Any) -> Any:
    """Sentences stand in quotes, so that a colon or a bracket in one is no syntax."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    sentence = isinstance(value, str) and (" " in value or not value or not value[0].isalnum())
    return DoubleQuotedScalarString(value) if sentence else value


def _dumped(document: Any) -> str:
    written = io.StringIO()
    _yaml().dump(document, written)
    return written.getvalue()


def _load(text: str) -> Any:
    return _yaml().load(text)


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 2**31
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(name): _plain(value) for name, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(value) for value in node]
    return str(node) if isinstance(node, str) else node
