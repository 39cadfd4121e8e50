"""META021 own-ancestor: the card names the repo as its own base, or as its own successor.

Why   the Hub draws a tree of models; a loop in it leads nowhere, and a page that calls itself outdated sends its
      readers in a circle.
Fix   `base_model` is what was trained on, `new_version` a repo that replaces this one.

Bad
    README.md:
        ---
        license: mit
        base_model: acme/aerial-v1
        new_version: acme/aerial-v1 ←
        ---
Good
    README.md:
        ---
        license: mit
        base_model: acme/base
        new_version: acme/aerial-v2
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.itself import Itself
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def own_ancestor(card: Metadata, itself: Itself) -> Iterator[Fault]:
    """Compare with the repo's own id where it is known, and the two keys with each other."""
    bases, successors = card.texts("base_model"), card.texts("new_version")
    for value in (*bases, *successors):
        if itself.repo_id is not None and value.data == itself.repo_id:
            role = "base" if value in bases else "new version"
            yield Fault(
                f"{quote(value.data)} is this repo: it cannot be its own {role}",
                README,
                value.line,
                value.column,
            )
    for value in successors:
        if value.data in {base.data for base in bases} and value.data != itself.repo_id:
            yield Fault(
                f"{quote(value.data)} is named as the base and as the newer version",
                README,
                value.line,
                value.column,
                hint="name the repo that replaces this one, or delete new_version",
            )
