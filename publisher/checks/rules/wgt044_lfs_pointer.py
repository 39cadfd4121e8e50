"""WGT044 lfs-pointer: a Git LFS pointer lies where a large file should be.

Why   a clone without LFS holds three lines of text in the place of each weight file; uploaded again as they are,
      they replace the weights.
Fix   fetch the content, `git lfs pull` or `hf download`, and upload that.

Bad
    model.safetensors (Git LFS pointer): ←
Good
    model.safetensors (safetensors):
        weight F32 8x8
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.target import Heads
from publisher.checks.observe.tensors import LFS_POINTER
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_MAX_BYTES = 1024  # the format's own limit for a pointer file


@rule(Severity.ERROR)
def lfs_pointer(files: Files, heads: Heads) -> Iterator[Fault]:
    """Report pointers, whatever the file they stand for."""
    for entry in files:
        small = entry.readable and len(LFS_POINTER) < entry.size <= _MAX_BYTES
        if small and heads.of(entry.path, len(LFS_POINTER)) == LFS_POINTER:
            yield Fault("a Git LFS pointer, not the file itself", entry.path, hint="git lfs pull")
