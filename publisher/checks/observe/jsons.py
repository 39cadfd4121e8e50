"""The JSON files that say what a repo is, parsed, with the line of every top-level key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from publisher.records.facts import Json

MAX_BYTES = 64 * 1024 * 1024  # a shard index of the largest models is about 10 MB

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:]')


class NotJsonError(Exception):
    """A file is not a JSON mapping; the message says why, `line` where."""

    def __init__(self, why: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(why)


@dataclass(frozen=True)
class JsonFile:
    """One JSON file that holds a mapping."""

    path: str
    text: str
    data: Mapping[str, Json]

    @cached_property
    def _lines(self) -> dict[str, int]:
        """Line of each top-level key, found by counting brackets: no second parser needed."""
        lines: dict[str, int] = {}
        depth, line, position = 0, 1, 0
        tokens = list(_TOKENS.finditer(self.text))
        for index, token in enumerate(tokens):
            kind = token[0][0]
            if kind in "{[":
                depth += 1
            elif kind in "}]":
                depth -= 1
            elif kind == '"' and depth == 1 and index + 1 < len(tokens) and tokens[index + 1][0] == ":":
                line += self.text.count("\n", position, token.start())
                position = token.start()
                lines.setdefault(json.loads(token[0]), line)
        return lines

    def line(self, key: str) -> int | None:
        """The line that a top-level key stands in, from 1; None where there is no such key."""
        return self._lines.get(key)


class ModelConfig(JsonFile):
    """`config.json`: the architecture."""

    file: ClassVar[str] = "config.json"


class AdapterConfig(JsonFile):
    """`adapter_config.json`: what PEFT applies, and to which base."""

    file: ClassVar[str] = "adapter_config.json"


class TokenizerConfig(JsonFile):
    """`tokenizer_config.json`."""

    file: ClassVar[str] = "tokenizer_config.json"


class GenerationConfig(JsonFile):
    """`generation_config.json`."""

    file: ClassVar[str] = "generation_config.json"


class FactsFile(JsonFile):
    """`evidence/facts.json`: what was measured before the repo was published."""

    file: ClassVar[str] = "evidence/facts.json"


class TensorsFile(JsonFile):
    """`evidence/tensors.json`: type, shape and digest of every tensor."""

    file: ClassVar[str] = "evidence/tensors.json"


def parse_json(raw: bytes) -> tuple[str, dict[str, Json]]:
    """Read a JSON mapping: its text, and its data.

    Raises:
        NotJsonError: it is none, is no UTF-8, or is nested too deeply.
    """
    try:
        text = raw.decode("utf-8-sig")
        data = json.loads(text)
    except UnicodeDecodeError as error:
        raise NotJsonError("not UTF-8", raw.count(b"\n", 0, error.start) + 1) from None
    except json.JSONDecodeError as error:
        raise NotJsonError(f"not JSON: {error.msg}", error.lineno) from None
    except ValueError:
        raise NotJsonError("not JSON: a number has too many digits") from None
    except RecursionError:
        raise NotJsonError("nested too deeply to be read") from None
    if not isinstance(data, dict):
        raise NotJsonError("not a mapping")
    return text, data
