"""A README as the Hub reads it: front matter, body, and the code blocks in it. Reading never fails: faults are values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from publisher.card.markdown import lines

# The Hub's rule: only white space may stand above the first `---`; the next line that starts with `---` ends the
# block; every kind of line end counts.
BLOCK = re.compile(r"\A\s*---(?:\r\n|\r|\n)(?P<yaml>[\s\S]*?)(?:\r\n|\r|\n)---[ \t]*(?:\r\n|\n|\Z)")
LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Fault:
    """Why front matter cannot be read; line and column of the file, from 1."""

    message: str
    line: int
    column: int = 1


@dataclass(frozen=True)
class Readme:
    """A README taken apart.

    Attributes:
        front_matter: the fields; empty where there is no block or it cannot be read.
        yaml: the block's text, None where there is none; it starts at line `yaml_line` of the file.
        body: what comes after the block; it starts at line `body_line`.
        fault: why the block gives no fields.
    """

    front_matter: dict[str, Any]
    body: str
    body_line: int = 1
    yaml: str | None = None
    yaml_line: int = 0
    fault: Fault | None = None


@dataclass(frozen=True)
class CodeBlock:
    """One fenced code block; `line` is where its first line of code stands in the text, from 1."""

    code: str
    line: int
    language: str = field(default="", kw_only=True)


def front_matter_end(text: str) -> int:
    """Where the body starts, in characters; 0 where there is no block."""
    match = BLOCK.match(text)
    return match.end() if match else 0


def parse(text: str) -> Readme:
    """Take a README apart. A byte order mark in front is no part of it."""
    text = text.removeprefix("\ufeff")
    match = BLOCK.match(text)
    if match is None:
        return Readme({}, text)
    yaml_line = _line(text, match.start("yaml"))
    fields, fault = _fields(match["yaml"], yaml_line)
    return Readme(fields, text[match.end() :], _line(text, match.end()), match["yaml"], yaml_line, fault)


def code_blocks(text: str, language: str) -> list[CodeBlock]:
    """The fenced code blocks of a language (`python` finds `py` as well), indentation and fences taken off."""
    wanted = {language.lower(), *({"py", "python3"} if language == "python" else ())}
    blocks: list[CodeBlock] = []
    code: list[str] | None = None
    first = 0
    for number, line in enumerate(lines(text), start=1):
        if line.is_fence and code is None:
            code, first = [], number + 1
        elif line.is_fence and code is not None:
            blocks += _block(code, first, line.info, wanted)
            code = None
        elif code is not None:
            code.append(line.text)
    return blocks


def _block(code: list[str], first: int, info: str, wanted: set[str]) -> list[CodeBlock]:
    language = re.split(r"[\s{,]", info.strip("{ ."))[0].lower()
    return [CodeBlock("".join(code), first, language=language)] if language in wanted else []


def _fields(block: str, line: int) -> tuple[dict[str, Any], Fault | None]:
    try:
        fields = YAML(typ="safe", pure=True).load(block)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (line + mark.line, mark.column + 1) if mark else (line, 1)
        return {}, Fault(error.problem or error.context or "the front matter is not YAML", *at)
    except RecursionError:
        return {}, Fault("the front matter is nested too deeply", line)
    except (YAMLError, ValueError) as error:  # ValueError: 2024-13-45 looks like a date and is none
        return {}, Fault(" ".join(str(error).split()), line)
    if fields is None:
        return {}, None
    if not isinstance(fields, dict):
        return {}, Fault("the front matter is no mapping of fields to values", line)
    return fields, None


def _line(text: str, position: int) -> int:
    return len(LINE_END.findall(text[:position])) + 1
