"""FILE090 limits: the repo goes beyond what the Hub takes.

Why   the Hub refuses a file above 500 GB and a folder with more than 10,000 entries, and is slow with more than
      100,000 files; an upload fails after hours.
Fix   split large files, pack many small ones (Parquet, WebDataset), spread them over folders.

Bad
    model.safetensors (300 GB): ←
Good
    model.safetensors (safetensors):
        weight F32 8x8
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_GB = 10**9
_REFUSED, _ADVISED = 500 * _GB, 200 * _GB  # huggingface/hub-docs, storage-limits.md
_MOST_FILES, _MOST_IN_A_FOLDER = 100_000, 10_000


@rule(Severity.ERROR)
def limits(files: Files) -> Iterator[Fault]:
    """Report what is refused as an error, what is advised against as a warning."""
    folders: Counter[str] = Counter()
    first: dict[str, str] = {}
    for entry in files:
        folder = entry.path.rpartition("/")[0]
        folders[folder] += 1
        first.setdefault(folder, entry.path)
        if entry.size > _ADVISED:
            yield Fault(
                f"{entry.size / _GB:,.0f} GB in one file",
                entry.path,
                hint="split it: below 200 GB is advised, above 500 GB refused",
                severity=None if entry.size > _REFUSED else Severity.WARNING,
            )
    for folder, count in folders.items():
        if count > _MOST_IN_A_FOLDER:
            yield Fault(
                f"{count:,} files in the folder {quote(folder or '.')}: the Hub takes 10,000",
                first[folder],
                hint="spread them over folders, or pack them",
            )
    if len(files.entries) > _MOST_FILES:
        yield Fault(
            f"{len(files.entries):,} files: below 100,000 is advised",
            files.entries[0].path,
            hint="pack them",
            severity=Severity.WARNING,
        )
