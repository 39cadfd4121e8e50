"""The one place that writes: results to stdout, talk and errors to stderr, no token in either."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from publisher.cli.hints import as_typed
from publisher.errors import HubpubError

# Of the Hub, of GitHub, and the signed statements (JWT) that CI jobs and the Hub exchange.
_TOKEN = re.compile(
    r"\b(hf_(?:jwt|oauth)_[\w.-]+|hf_[A-Za-z0-9_]{6,}|gh[pousr]_[A-Za-z0-9]{20,}|eyJ[\w-]+\.[\w-]+\.[\w-]*)"
)


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True)
class Output:
    """Where a command's words go."""

    format: Format = Format.TEXT
    quiet: bool = False

    def result(self, text: str) -> None:
        """A result for people; with --format json there is none."""
        if self.format is Format.TEXT and text:
            sys.stdout.write(clean(text) + "\n")

    def document(self, kind: str, value: dict[str, Any]) -> None:
        """The one JSON document that stdout carries with --format json."""
        if self.format is Format.JSON:
            sys.stdout.write(
                clean(json.dumps({"schema": f"hubpub/{kind}/1", **value}, ensure_ascii=False)) + "\n"
            )

    def event(self, value: dict[str, Any]) -> None:
        """One line of JSON on stderr with --format json: how the work goes, for programs."""
        if self.format is Format.JSON and not self.quiet:
            sys.stderr.write(clean(json.dumps(value, ensure_ascii=False)) + "\n")
            sys.stderr.flush()

    def talk(self, text: str) -> None:
        """What accompanies the work."""
        if not self.quiet:
            sys.stderr.write(clean(text) + "\n")


def report_error(error: HubpubError) -> None:
    """Print an error, or every one of several that were met together; at most four lines each."""
    for one in error.data.get("all", [error]):
        code = str(one.data.get("finding", one.code))
        page = (
            f"hubpub check --explain {code}"
            if "finding" in one.data
            else f"docs/errors.md#{one.code.lower()}"
        )
        lines = [f"{_red('error')}[{code}]: {one.what}"]
        lines += [f"  where: {one.where}"] if one.where else []
        lines += [f"  hint:  {as_typed(one.hint, sys.argv[1:])}", f"  more:  {page}"]
        sys.stderr.write(clean("\n".join(lines)) + "\n")


def clean(text: str) -> str:
    """Text without anything that looks like a token."""
    return _TOKEN.sub("[token]", text)


def colour(stream: Any = sys.stderr) -> bool:
    """Whether colour may be used: on a terminal, unless NO_COLOR is set."""
    return bool(stream.isatty()) and "NO_COLOR" not in os.environ


def _red(text: str) -> str:
    return f"\033[1;31m{text}\033[0m" if colour() else text
