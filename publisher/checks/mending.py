"""Edits of JSON files: one top-level value is written anew, and nothing else is touched."""

from __future__ import annotations

import json

from publisher.checks.observe.jsons import JsonFile
from publisher.checks.rule import Edit
from publisher.records.facts import Json


def write_value(file: JsonFile, key: str, value: Json) -> Edit | None:
    """Another value for a key, or a new first key; None where the file is not written in lines, or the value spans some."""
    written = json.dumps(value, ensure_ascii=False)
    place = file.place(key)
    if place is not None:
        return (
            None
            if "\n" in place.raw
            else Edit(file.path, place.line, written, place.column, before=place.raw)
        )
    first, second = [*file.text.splitlines(), "", ""][:2]
    if key in file.data or not file.data or first.strip() != "{" or not second.lstrip().startswith('"'):
        return None
    indent = second[: len(second) - len(second.lstrip())]
    return Edit(file.path, 1, f'{indent}"{key}": {written},')


def add_number(file: JsonFile, key: str, number: int) -> Edit | None:
    """One more number under a key that holds one or a list of them, at the list's end."""
    place, value = file.place(key), file.data.get(key)
    numbers = value if isinstance(value, list) else [value]
    if place is None or not numbers or not all(type(each) is int for each in numbers):
        return None
    if not isinstance(value, list):
        return write_value(file, key, [value, number])
    last = str(numbers[-1])
    lines = place.raw[:-1].rstrip().split("\n")
    before = lines[-1]
    column = len(before) - len(last) + (place.column if len(lines) == 1 else 1)
    return Edit(file.path, place.line + len(lines) - 1, f"{last}, {number}", column, before=last)
