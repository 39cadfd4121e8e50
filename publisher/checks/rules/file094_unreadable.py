"""FILE094 unreadable: a file cannot be read: a broken link, a link to a folder, a pipe, a locked folder.

Why   the upload would stop there, or leave it out; and no rule can say anything about it.
Fix   put the file itself in its place, or delete it.

Bad
    notes.txt (broken link): ←
Good
    notes.txt:
        All is well.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def unreadable(files: Files) -> Iterator[Fault]:
    """Report what is listed and cannot be opened."""
    for entry in files:
        if not entry.readable:
            what = "a link that leads to no file" if entry.link else "this cannot be opened as a file"
            yield Fault(what, entry.path, hint="put the file itself here, or delete it")
