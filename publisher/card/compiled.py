"""Compiled templates: kept in memory for the next card, and on disk for the next command.

Compiling takes most of a rendering's time. What is kept decides nothing: Jinja compares the digest of the text before
it uses any of it, so that a card comes out the same with it and without. Only hubpub's own templates go to disk, into
the user's cache and never into a project: bytecode runs outside the sandbox, and a project comes from anywhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

SETTINGS = 1  # raised when the environment is set up in another way: a template's text does not tell
OWN = "own-"  # how the keys of hubpub's own templates begin


class Compiled(BytecodeCache):
    """Bytecode by template name, file and text.

    Args:
        folder: where to keep what was compiled; None = in memory alone.
        own: the folder of the templates that are kept there.
    """

    def __init__(self, folder: Path | None = None, own: Path | None = None) -> None:
        self._memory: dict[str, bytes] = {}
        made_by = f"jinja{jinja2.__version__}-{sys.implementation.cache_tag}-{SETTINGS}"
        self._folder = folder / made_by if folder else None
        self._own = f"{own}{os.sep}" if own else None

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """A name for a template's bytecode."""
        lasts = self._own is not None and (filename or "").startswith(self._own)
        return (OWN if lasts else "") + super().get_cache_key(name, filename)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template's bytecode; Jinja drops what is out of date."""
        if code := self._memory.get(bucket.key) or self._kept(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template's bytecode."""
        code = self._memory[bucket.key] = bucket.bytecode_to_string()
        if self._folder is None or not bucket.key.startswith(OWN):
            return
        with contextlib.suppress(OSError):  # a cache that cannot be written is none
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _only_ours(self._folder):
                aside = self._folder / f".{bucket.key}.{os.getpid()}"
                aside.write_bytes(hashlib.sha256(code).digest() + code)
                aside.replace(self._folder / bucket.key)

    def _kept(self, key: str) -> bytes | None:
        """What an earlier command compiled; a damaged file is as good as none."""
        if self._folder is None or not key.startswith(OWN):
            return None
        with contextlib.suppress(OSError):
            if _only_ours(self._folder):
                kept = (self._folder / key).read_bytes()
                return kept[32:] if hashlib.sha256(kept[32:]).digest() == kept[:32] else None
        return None


def _only_ours(folder: Path) -> bool:
    """Whether nobody else can put code there for us to run."""
    state = folder.stat()
    return not hasattr(os, "getuid") or (state.st_uid == os.getuid() and not state.st_mode & 0o022)


def users_cache() -> Path | None:
    """Where a program keeps what it can make again; None where no home is known."""
    with contextlib.suppress(RuntimeError):
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hubpub"
    return None
