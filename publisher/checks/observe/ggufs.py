"""What the repo's GGUF files say of themselves."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.checks.observe.files import Files
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.observe.tensors import LFS_POINTER
from publisher.weights.gguf import HEAD_BYTES, GgufError, GgufHeader, read_gguf

MOST_FILES = 64  # a repo of quantizations has about twenty


@dataclass(frozen=True)
class GgufFiles:
    """Headers by path, and why the others have none."""

    headers: dict[str, GgufHeader]
    faults: dict[str, str]

    @classmethod
    def observe(cls, view: RepoView) -> GgufFiles | Absent:
        """Read the head of each file."""
        files = view.observe(Files)
        if isinstance(files, Absent):
            return files
        entries = files.ending(".gguf")
        if not entries:
            return Absent("no GGUF file", missing=True)
        headers: dict[str, GgufHeader] = {}
        faults: dict[str, str] = {}
        for entry in entries[:MOST_FILES]:
            if not entry.readable or entry.size == 0:  # reported by the rule on unreadable files
                continue
            head = view.source.read(entry.path, limit=HEAD_BYTES)
            if head.startswith(LFS_POINTER):  # and by the rule on pointers
                continue
            try:
                headers[entry.path] = read_gguf(head)
            except GgufError as error:
                faults[entry.path] = str(error)
        return cls(headers, faults)
