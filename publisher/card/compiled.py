"""Compiled templates, kept in memory: a release renders five cards, the preview one at every keystroke."""

from __future__ import annotations

from jinja2.bccache import Bucket, BytecodeCache


class InMemory(BytecodeCache):
    """Bytecode by template name, file and text. Compiling takes most of a rendering's time; the text decides all."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template's bytecode; Jinja compares the checksum of the text and drops what is out of date."""
        if code := self._code.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template's bytecode."""
        self._code[bucket.key] = bucket.bytecode_to_string()
