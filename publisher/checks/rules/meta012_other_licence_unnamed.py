"""META012 other-licence-unnamed: `license: other`, and nothing says which one.

Why   "other" grants nothing. The Hub's documentation asks for `license_name` and `license_link` (a web address, or
      LICENSE for a file of that name in the repo).
Fix   add both, and the licence's text as LICENSE.

Bad
    README.md:
        ---
        license: other ←
        ---
Bad
    README.md:
        ---
        license: other ←
        license_name: qwen
        ---
Good
    README.md:
        ---
        license: other
        license_name: qwen
        license_link: https://huggingface.co/Qwen/Qwen2.5-72B/blob/main/LICENSE
        ---
Good
    README.md:
        ---
        license: other
        license_name: acme-1.0
        ---
    LICENSE:
        Do as you like.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.observe.target import Given
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def other_licence_unnamed(card: Metadata, given: Given) -> Iterator[Fault | Skip]:
    """Report what is missing; with a name or a text at hand, or files that nobody sees, it is a warning."""
    licence = card.get("license")
    if licence is None or licence.data != "other":
        return
    name, link = card.get("license_name"), card.get("license_link")
    text = _has_licence_file(given.files)
    if name is not None and link is None and given.files is None:
        yield Skip("license_name without license_link: whether the repo has a LICENSE file is not known")
        return
    missing = [
        *(["license_name"] if name is None else []),
        *(["license_link"] if link is None and not text else []),
    ]
    if missing:
        nothing = name is None and link is None and given.files is not None and not text
        yield Fault(
            f"license: other without {' and '.join(missing)}",
            README,
            licence.line,
            licence.column,
            hint="add license_name and license_link",
            severity=None if nothing else Severity.WARNING,
        )


def _has_licence_file(files: Files | None) -> bool:
    return files is not None and any(
        entry.path.upper().startswith(("LICENSE", "LICENCE")) and "/" not in entry.path for entry in files
    )
