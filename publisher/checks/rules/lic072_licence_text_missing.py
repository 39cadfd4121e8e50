"""LIC072 licence-text-missing: the base's licence asks that its text goes along, and no file holds one.

Why   almost every such licence says: give the recipients a copy. A repo is copied without the page that it came from.
Fix   add the licence's text as LICENSE; the base's repo has it, or the page in the hint.

Bad
    README.md: ←
        ---
        license: apache-2.0
        base_model: Qwen/Qwen2.5-7B
        ---
    config.json:
        {}
Good
    README.md:
        ---
        license: apache-2.0
        base_model: Qwen/Qwen2.5-7B
        ---
    LICENSE:
        Apache License, Version 2.0
    config.json:
        {}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.duties import LicenceTexts, inherited
from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def licence_text_missing(card: Metadata, texts: LicenceTexts, kind: RepoKind) -> Iterator[Fault]:
    """Report a repo without any licence text; whether it is the right one is LIC077's question."""
    if texts.texts.keys() - texts.notices.keys():
        return
    for family in {base.family for base in inherited(card) if base.family.copy}:
        yield Fault(
            f"{family.title} asks for a copy of itself, and the repo has no LICENSE file",
            README,
            hint=f"add LICENSE: {family.link}",
            severity=Severity.WARNING if kind is RepoKind.MODEL else Severity.NOTE,
        )
        return
