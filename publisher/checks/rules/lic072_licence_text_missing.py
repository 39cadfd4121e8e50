"""LIC072 licence-text-missing: the base's licence asks that its text goes along, and no file holds one.

Why   almost every such licence says: give the recipients a copy. A repo is copied without the page that it came from.
Fix   add the licence's text as LICENSE. `--fix` writes it where it lies beside hubpub's templates, byte for byte as its
      publisher has it; else take it from the base's repo, or from the page in the hint.

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

from publisher.checks.known.licence_texts import licence_page, licence_text
from publisher.checks.observe.duties import Family, LicenceTexts, inherited
from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING, fixable=True)
def licence_text_missing(card: Metadata, texts: LicenceTexts, kind: RepoKind) -> Iterator[Fault]:
    """Report a repo without any licence text; whether it is the right one is LIC077's question."""
    if texts.texts.keys() - texts.notices.keys():
        return
    families = tuple(dict.fromkeys(base.family for base in inherited(card) if base.family.copy))
    if not families:
        return
    family = families[0]
    text = _text(card, family) if len(families) == 1 else None
    page = next((page for licence in family.ids if (page := licence_page(licence))), family.link)
    yield Fault(
        f"{family.title} asks for a copy of itself, and the repo has no LICENSE file",
        README,
        hint="LICENSE: its text lies here" if text else f"its text is not here; add it as LICENSE: {page}",
        severity=Severity.WARNING if kind is RepoKind.MODEL else Severity.NOTE,
        edit=Edit("LICENSE", 0, text.removesuffix("\n")) if text else None,
    )


def _text(card: Metadata, family: Family) -> str | None:
    """The text, where the release is under the very licence that its base has: else two of them are needed."""
    own = {value.data.casefold() for value in card.texts("license")}
    return licence_text(family.ids[0]) if own == {family.ids[0]} else None
