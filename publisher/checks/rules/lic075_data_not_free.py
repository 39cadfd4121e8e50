"""LIC075 data-not-free: the card's licence allows what the terms of its data do not.

Why   who marks a model or a data set `apache-2.0` that was made from data for research only tells a company that it may
      use it. The data's owner never said so. That a base's own licence forbids it is LIC070's.
Fix   give a licence that passes the restriction on, such as the data's own, or train without that data. Where the base
      leaves no choice of licence, say it in the card's own words, and accept the finding with that reason.

Bad
    README.md:
        ---
        license: apache-2.0
        base_model: Qwen/Qwen2.5-7B
        datasets:
        - allenai/ai2_arc
        - tatsu-lab/alpaca ←
        ---
Bad
    README.md:
        ---
        license: mit
        task_categories: [object-detection]
        source_datasets: [extended|loveda] ←
        ---
Bad
    README.md:
        ---
        license: gemma
        datasets: [luisml77/aeriald_o3_500] ←
        ---
Good
    README.md:
        ---
        license: cc-by-nc-4.0
        datasets: [tatsu-lab/alpaca]
        ---
Good
    README.md:
        ---
        license: apache-2.0
        datasets: [yahma/alpaca-cleaned]
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.duties import allows_commerce, is_free, terms_of_data
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def data_not_free(card: Metadata) -> Iterator[Fault]:
    """Report data sets whose terms are known here, under a licence that allows commercial use."""
    licences = [value.data.casefold() for value in card.texts("license")]
    if not licences or not all(map(allows_commerce, licences)):
        return
    chosen = all(map(is_free, licences))  # else it is the base's, and not the author's to change
    for value in (*card.texts("datasets"), *card.texts("source_datasets")):
        terms = terms_of_data(value.data)
        if terms is not None:
            yield Fault(
                f"the data set {quote(value.data)} is {quote(terms)}, the card says {quote(licences[0])}",
                README,
                value.line,
                value.column,
                hint=f"license: {terms}, or train without it"
                if chosen
                else "say in the card what may not be done, and accept this finding; or train without it",
            )
