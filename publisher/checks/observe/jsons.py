"""The JSON files that say what a repo is, parsed, with the line of every top-level key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

from publisher.records.facts import Json

MAX_BYTES = 64 * 1024 * 1024  # a shard index of the largest models is about 10 MB

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:]')


class NotJsonError(Exception):
    """A file is not a JSON mapping; the message says why, `line` where."""

    def __init__(self, why: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(why)


class Place(NamedTuple):
    """A value as it is written. `line` and `column` are those of its first character, from 1."""

    line: int
    column: int
    raw: str


@dataclass(frozen=True)
class JsonFile:
    """One JSON file that holds a mapping."""

    path: str
    text: str
    data: Mapping[str, Json]

    @cached_property
    def _keys(self) -> dict[str, tuple[int, int]]:
        """Line of each top-level key, and where its value may begin (-1: the key stands there twice).

        Found by counting brackets: no second parser needed.
        """
        keys: dict[str, tuple[int, int]] = {}
        depth, line, position = 0, 1, 0
        key: re.Match[str] | None = None  # a text on the top level, which a colon makes a key
        for token in _TOKENS.finditer(self.text):  # one at a time: a file may hold millions
            kind = token[0][0]
            if kind in "{[":
                depth += 1
            elif kind in "}]":
                depth -= 1
            elif kind == ":" and key is not None:
                line += self.text.count("\n", position, key.start())
                position = key.start()
                name = json.loads(key[0])
                keys[name] = (keys[name][0], -1) if name in keys else (line, token.end())
            key = token if kind == '"' and depth == 1 else None
        return keys

    def line(self, key: str) -> int | None:
        """The line that a top-level key stands in, from 1; None where there is no such key."""
        return self._keys[key][0] if key in self._keys else None

    def place(self, key: str) -> Place | None:
        """Where a top-level key's value stands; None where there is no such key, or two of it."""
        start = self._keys[key][1] if key in self._keys else -1
        if start < 0:
            return None
        start += len(self.text[start:]) - len(self.text[start:].lstrip())
        _, end = json.JSONDecoder().raw_decode(self.text, start)
        line_start = self.text.rfind("\n", 0, start) + 1
        return Place(self.text.count("\n", 0, start) + 1, start - line_start + 1, self.text[start:end])


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
