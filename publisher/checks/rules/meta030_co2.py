"""META030 co2: `co2_eq_emissions` is not written as the Hub reads it.

Why   the Hub shows emissions from a number of grams; a text or a bare unit is left out.
Fix   `co2_eq_emissions: {emissions: 1200, source: codecarbon}`, in grams.

Bad
    README.md:
        ---
        license: mit
        co2_eq_emissions: {emissions: about 3 kg} ←
        ---
Good
    README.md:
        ---
        license: mit
        co2_eq_emissions:
          emissions: 1200
          source: codecarbon
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.NOTE)
def co2(card: Metadata) -> Iterator[Fault]:
    """Report emissions that are no number; a bare number is an old form that is still read."""
    value = card.get("co2_eq_emissions")
    if value is None:
        return
    emissions = value.items.get("emissions") if isinstance(value.items, dict) else value
    if emissions is None or type(emissions.data) not in (int, float):
        at = emissions or value
        yield Fault("the emissions are no number", README, at.line, at.column, hint="emissions: 1200 (grams)")
