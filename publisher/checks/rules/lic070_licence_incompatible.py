"""LIC070 licence-incompatible: the base's licence does not allow the licence that the card gives.

Why   Gemma's, Llama's and similar terms must be passed on with the model. Who writes `mit` over them grants rights
      that he never had; tools write `apache-2.0` over any base. Gemma 4 is Apache, Gemma 1 to 3 are not.
Fix   give the base's licence, as the hint says.

Bad
    README.md:
        ---
        license: apache-2.0 ←
        base_model: google/gemma-3-4b-it
        ---
Bad
    README.md:
        ---
        license: llama3 ←
        base_model: meta-llama/Llama-3.1-8B
        ---
Good
    README.md:
        ---
        license: apache-2.0
        base_model: google/gemma-4-E2B-it
        ---
Good
    README.md:
        ---
        license: gemma
        base_model: unsloth/gemma-3-4b-it
        ---
Good
    README.md:
        ---
        license: cc-by-nc-4.0
        base_model: meta-llama/Llama-3.1-8B
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.duties import Inherited, inherited, is_free
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def licence_incompatible(card: Metadata) -> Iterator[Fault]:
    """Report free licences over restricted bases; what is only another model's licence is a warning."""
    licences = card.texts("license")
    bases = inherited(card)
    for base in bases:
        ids = {value.data.casefold() for value in licences}
        if not base.family.restricted or not ids or ids & set(base.family.ids) or "other" in ids:
            continue
        free = all(is_free(licence) for licence in ids)
        if free or _of_another_model(ids, bases):
            yield Fault(
                f"{quote(base.base)} comes under {base.family.title}, the card says {quote(licences[0].data)}",
                README,
                licences[0].line,
                licences[0].column,
                hint=_hint(base),
                severity=None if free and base.sure else Severity.WARNING,
            )


def _of_another_model(ids: set[str], bases: tuple[Inherited, ...]) -> bool:
    allowed = {licence for base in bases for licence in base.family.ids}
    return any(licence.startswith(("llama", "gemma")) and licence not in allowed for licence in ids)


def _hint(base: Inherited) -> str:
    if base.family.ids == ("other",):
        return f"license: other, license_name: {base.family.key}, license_link: {base.family.link}"
    return f"license: {base.family.ids[0]} ({base.family.link})"
