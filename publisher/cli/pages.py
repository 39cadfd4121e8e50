"""Pages that are generated, so that they cannot drift: the error codes."""

from __future__ import annotations

from publisher.errors import CATALOGUE


def error_page() -> str:
    """docs/errors.md: every code, its exit code and what it means."""
    lines = [
        "# Error codes",
        "",
        "Generated from `publisher/errors.py`. An error names its code, the place it was met at and what to type next.",
        "",
        "| code | exit | what it means |",
        "|---|---|---|",
    ]
    lines += [
        f'| <a id="{code.lower()}"></a>{code} | {kind.exit.value} | {kind.meaning} |'
        for code, kind in CATALOGUE.items()
    ]
    return "\n".join(lines) + "\n"
