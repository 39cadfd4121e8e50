"""FILE091 portable-name: a file cannot be had under its name on every system.

Why   on Windows and macOS two names that differ in letter case only are one file; Windows refuses certain names.
Fix   rename it.

Bad
    Data.csv: ←
    data.csv:
Bad
    aux.json: ←
        {}
Bad
    step:500.txt: ←
        x
Good
    data.csv:
    auxiliary.json:
        {}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_REFUSED = re.compile(
    r'[<>:"|?*\\\x00-\x1f]|[ .]$|^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)', re.IGNORECASE
)
_MOST = 10


@rule(Severity.WARNING)
def portable_name(files: Files) -> Iterator[Fault]:
    """Report the first of two names that collide, and names that Windows refuses."""
    seen: dict[str, str] = {}
    reported = 0
    for entry in files:
        other = seen.setdefault(entry.path.casefold(), entry.path)
        refused = any(_REFUSED.search(part) for part in entry.path.rstrip("/").split("/"))
        if reported < _MOST and (refused or other != entry.path):
            reported += 1
            yield Fault(
                "Windows refuses this name"
                if refused
                else f"differs from {quote(entry.path)} in letter case only",
                entry.path if refused else other,
                hint="rename it",
            )
