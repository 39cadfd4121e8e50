"""A file that another program left: parsed, with its digest, and able to say on which line it is wrong."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError
from publisher.records.facts import Json

MAX_BYTES = 64_000_000
KINDS = (".json", ".jsonl", ".csv", ".yaml", ".yml")
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
HINT = "export it again, or take the file out of the manifest"
EXPORT = (
    "write it as text where the training ran: open('training_args.json', 'w').write(args.to_json_string())"
)


@dataclass(frozen=True)
class Document:
    """One file, read once. `data` is what JSON or YAML say; of a CSV file or JSON lines, the list of rows."""

    file: Path
    sha256: str
    text: str
    data: Json

    @property
    def name(self) -> str:
        """The file's name alone: where it lies is the business of this machine."""
        return self.file.name

    @property
    def rows(self) -> list[Mapping[str, Json]]:
        """The rows of a table; empty where the file is none."""
        plain = self.data if isinstance(self.data, list) else []
        return (
            [row for row in plain if isinstance(row, dict)] if all(isinstance(r, dict) for r in plain) else []
        )

    def mapping(self, *keys: str) -> Mapping[str, Json]:
        """The file as a mapping, if it is one and has all of these keys; else an empty one."""
        known = isinstance(self.data, dict) and all(key in self.data for key in keys)
        return self.data if known else {}

    def fault(self, what: str, key: str = "", value: Json = None, *, line: int | None = None) -> HubpubError:
        """HP-A08 at the line where `key` has this value, as far as it can be told."""
        return unreadable(self.file, what, line or self._line_of(key, value))

    def _line_of(self, key: str, value: Json) -> int:
        if self.file.suffix == ".csv":
            cell = (
                re.search(rf'(?m)(?:^|,)"?{re.escape(str(value))}"?[ \t\r]*(?:,|$)', self.text)
                if key
                else None
            )
            return self.text[: cell.end()].count("\n") + 1 if cell else 1
        name = rf'(?<!\w)["\']?{re.escape(key)}["\']?\s*[:=]\s*'
        exact = re.search(name + re.escape(json.dumps(value)), self.text) if key else None
        found = exact or (re.search(name, self.text) if key else None)
        return self.text[: found.start()].count("\n") + 1 if found else 1


def unreadable(file: Path, what: str, line: int | None = None, *, hint: str = HINT) -> HubpubError:
    """HP-A08: a record of another program that cannot be read."""
    return HubpubError("HP-A08", what, where=f"{file}:{line}" if line else str(file), hint=hint, line=line)


def read_document(file: Path) -> Document:
    """Read and parse a file by its suffix.

    Raises:
        HubpubError: HP-A08, it is not there, a pickle, too large, of no known kind, or malformed.
    """
    if file.suffix in PICKLES:
        what = f"{file.name} is a pickle: reading it would run code"
        raise unreadable(file, what, hint=EXPORT)
    if not file.is_file():
        raise unreadable(
            file, f"there is no {file.name}", hint="the manifest names files relative to its own folder"
        )
    if file.suffix not in KINDS:
        raise unreadable(file, f"{file.name} is none of {', '.join(KINDS)}")
    if file.stat().st_size > MAX_BYTES:
        raise unreadable(file, f"{file.name} is larger than {MAX_BYTES:,} bytes")
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content[: fault.start].count(b"\n") + 1
        raise unreadable(file, f"{file.name} is not UTF-8", line) from None
    return Document(file, hashlib.sha256(content).hexdigest(), text, _parse(file, text))


def _parse(file: Path, text: str) -> Json:
    if file.suffix in (".yaml", ".yml"):
        return _yaml(file, text)
    if file.suffix == ".csv":
        return list(_csv(file, text))
    if file.suffix == ".jsonl":
        lines = enumerate(text.splitlines(), start=1)
        return [_json(file, line, first=number) for number, line in lines if line.strip()]
    return _json(file, text)


def _json(file: Path, text: str, *, first: int = 1) -> Json:
    try:
        return json.loads(text)  # takes NaN and Infinity, as trainers write them
    except json.JSONDecodeError as fault:
        raise unreadable(file, f"{file.name} is not JSON: {fault.msg}", fault.lineno + first - 1) from None
    except (RecursionError, ValueError):
        raise unreadable(
            file, f"{file.name} is nested too deeply, or has a number that is too long", first
        ) from None


def _yaml(file: Path, text: str) -> Json:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        problem = str(fault.problem or fault.context or "no YAML").splitlines()[0]
        raise unreadable(file, f"{file.name} is not YAML: {problem}", mark.line + 1 if mark else 1) from None
    except (YAMLError, RecursionError, ValueError) as fault:
        raise unreadable(file, f"{file.name} is not YAML: {str(fault).splitlines()[0]}", 1) from None


def _csv(file: Path, text: str) -> Iterator[dict[str, Json]]:
    try:
        reader = csv.reader(io.StringIO(text), strict=True)
        header = next(reader, [])
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                what = f"{file.name} has {len(row)} cells where its header has {len(header)}"
                raise unreadable(file, what, reader.line_num)
            yield {name: _cell(cell) for name, cell in zip(header, row, strict=False) if cell.strip()}
    except csv.Error as fault:
        raise unreadable(file, f"{file.name} is not CSV: {fault}", reader.line_num) from None


def _cell(cell: str) -> Any:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell.strip()
