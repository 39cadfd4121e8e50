"""FILE093 lfs-patterns: .gitattributes does not cover a large file.

Why   git refuses to push a file of more than 10 MB to the Hub that Git LFS does not take.
Fix   `git lfs track` its name before it is added. An upload without git does not need it.

Bad
    .gitattributes: ←
        *.bin filter=lfs diff=lfs merge=lfs -text
    model.safetensors (1 GB):
Good
    .gitattributes:
        *.safetensors filter=lfs diff=lfs merge=lfs -text
    model.safetensors (1 GB):
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from publisher.checks.observe.files import Files
from publisher.checks.observe.target import Heads
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_FILE = ".gitattributes"
_LARGE = 10 * 2**20  # huggingface/hub-docs, repositories-getting-started.md
_MAX_BYTES = 256 * 1024
_TAKEN = ("filter=lfs", "filter=xet")


@rule(Severity.NOTE, fixable=True)
def lfs_patterns(files: Files, heads: Heads) -> Iterator[Fault]:
    """Report the first large file that no pattern covers. Who pushes by git is not known: a note."""
    if _FILE not in files:
        return
    text = heads.of(_FILE, _MAX_BYTES).decode("utf-8", "replace")
    patterns = [
        words[0] for line in text.splitlines() if (words := line.split()) and set(_TAKEN) & set(words)
    ]
    for entry in files:
        if entry.size > _LARGE and not any(_covers(pattern, entry.path) for pattern in patterns):
            name = entry.path.rpartition("/")[2]
            suffix = name.rpartition(".")[2] if "." in name[1:] else ""
            plain = suffix.isalnum() and suffix.isascii()
            line = f"*.{suffix} filter=lfs diff=lfs merge=lfs -text"
            yield Fault(
                f"no pattern covers {quote(entry.path)}, {entry.size / 1e6:,.0f} MB: git cannot push it",
                _FILE,
                hint=f"git lfs track {quote('*.' + suffix if plain else name)}",
                edit=Edit(_FILE, 0, line) if plain else None,
            )
            return


def _covers(pattern: str, path: str) -> bool:
    """As git does, but for `*` that here goes over slashes too: rather a file too few is reported."""
    pattern = pattern.strip('"')
    if "/" not in pattern.strip("/"):
        return fnmatchcase(path.rpartition("/")[2], pattern.strip("/")) or fnmatchcase(path, pattern + "/*")
    return fnmatchcase(path, pattern.lstrip("/").replace("**/", "*"))
