"""The tokens that a tokenizer adds by name, with their numbers, and the numbers that generation stops at."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from publisher.checks.observe.files import Files
from publisher.checks.observe.jsons import JsonFile, NotJsonError, TokenizerConfig, parse_json
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.observe.tensors import LFS_POINTER
from publisher.records.facts import Json

_HEAD_BYTES = 4 * 1024 * 1024  # `added_tokens` stands before the vocabulary, which may have 30 MB
_FILE = "tokenizer.json"
_PARSED_BYTES = 4 * 1024 * 1024
_ADDED = re.compile(r'"added_tokens"\s*:\s*(?=\[)')


@dataclass(frozen=True)
class AddedTokens:
    """Tokens by text, with their numbers: the special ones are among them."""

    ids: Mapping[str, int]

    @classmethod
    def observe(cls, view: RepoView) -> AddedTokens | Absent:
        """From tokenizer.json, and tokenizer_config.json where that lists them too."""
        files, config = view.observe(Files), view.observe(TokenizerConfig)
        if isinstance(files, Absent):
            return files
        ids: dict[str, int] = {}
        decoder = {} if isinstance(config, Absent) else config.data.get("added_tokens_decoder")
        for number, token in (decoder if isinstance(decoder, dict) else {}).items():
            if (
                re.fullmatch(r"\d{1,9}", number)
                and isinstance(token, dict)
                and isinstance(token.get("content"), str)
            ):
                ids[token["content"]] = int(number)
        if "tokenizer.json" in files:
            try:
                head = view.source.read("tokenizer.json", limit=_HEAD_BYTES).decode("utf-8", "replace")
            except OSError:  # reported by the rule on unreadable files
                head = ""
            ids |= _added(head)
        return cls(ids) if ids else Absent("no list of added tokens", missing=True)


@dataclass(frozen=True)
class TokenizerFile:
    """`tokenizer.json`, and why no tokenizer can be made of it; None where it looks like one.

    A large vocabulary is not parsed: only whether it begins and ends as a mapping does is looked at.
    """

    path: str
    fault: str | None

    @classmethod
    def observe(cls, view: RepoView) -> TokenizerFile | Absent:
        """Read the file, or its ends."""
        files = view.observe(Files)
        if isinstance(files, Absent):
            return files
        entry = files.get(_FILE)
        if entry is None:
            return Absent(f"no {_FILE}", missing=True)
        if entry.size > _PARSED_BYTES and not view.source.near:
            return Absent(f"{_FILE} is large, and a check downloads no large files")
        try:
            if entry.size <= _PARSED_BYTES:
                return cls(_FILE, _why_no_tokenizer(view.source.read(_FILE)))
            first = view.source.read(_FILE, limit=64).strip()
            last = view.source.read(_FILE, start=entry.size - 64).strip()
        except OSError as error:
            return Absent(f"{_FILE} cannot be read: {error.strerror}")
        whole = first.startswith(b"{") and last.endswith(b"}")
        return cls(_FILE, None if whole else "is cut off, or not a JSON mapping")


def _why_no_tokenizer(raw: bytes) -> str | None:
    if raw.startswith(LFS_POINTER):
        return None  # a rule of its own
    try:
        _, data = parse_json(raw)
    except NotJsonError as error:
        return str(error)
    model = data.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict | list):
        return "holds no `model` with a `vocab`"
    return None


def token_text(value: Json) -> str | None:
    """A special token as tokenizer_config.json writes it: a text, or a mapping with its `content`."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else None


def token_ids(config: JsonFile, key: str) -> frozenset[int]:
    """The numbers under a key that may hold one or a list; multimodal models keep them under text_config."""
    value = config.data.get(key)
    if value is None:
        inner = config.data.get("text_config")
        value = inner.get(key) if isinstance(inner, dict) else None
    return frozenset(item for item in (value if isinstance(value, list) else [value]) if type(item) is int)


def _added(head: str) -> dict[str, int]:
    start = _ADDED.search(head)
    if start is None:
        return {}
    try:
        listed, _ = json.JSONDecoder().raw_decode(head, start.end())
    except (ValueError, RecursionError):
        return {}
    return {
        token["content"]: token["id"]
        for token in listed
        if isinstance(token, dict) and isinstance(token.get("content"), str) and type(token.get("id")) is int
    }
