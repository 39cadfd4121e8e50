"""DATA116 viewer-off: the card switches the Hub's dataset viewer off.

Why   nobody can look at the rows before downloading them, and search by columns and statistics do not find it.
Fix   take `viewer: false` out, unless the rows must not be shown.

Bad
    README.md:
        ---
        license: mit
        task_categories: [other]
        viewer: false ←
        ---
Good
    README.md:
        ---
        license: mit
        task_categories: [other]
        viewer: true
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.NOTE)
def viewer_off(card: Metadata, kind: RepoKind) -> Iterator[Fault]:
    """Report `viewer: false` in a dataset's card."""
    viewer = card.members.get("viewer")
    if kind is RepoKind.DATASET and viewer is not None and viewer.data is False:
        yield Fault("the dataset viewer is switched off", README, viewer.line, viewer.column)
