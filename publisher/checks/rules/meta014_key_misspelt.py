"""META014 key-misspelt: a front-matter key is nearly, but not quite, one that the Hub reads.

Why   unknown keys are ignored without a word: with `licence: mit` a repo has no licence, with `dataset:` no link.
      Trainers write such keys too.
Fix   spell the key as the hint says.

Bad
    README.md:
        ---
        license: mit
        dataset: acme/aerial ←
        ---
Good
    README.md:
        ---
        license: mit
        datasets: [acme/aerial]
        my_own_key: 1
        dataset_size: 41355564
        ---
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from publisher.checks.known.ids import metadata_keys
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_LONGEST = 40  # characters; no key of the Hub's is longer, and comparing takes time
# Keys of dataset_info on the wrong level: none of them is another key's name, misspelt.
_INNER = frozenset({"dataset_size", "download_size", "features", "splits", "config_name"})
_MOST = 200  # keys that are compared; cards have about ten


@rule(Severity.WARNING, fixable=True)
def key_misspelt(card: Metadata) -> Iterator[Fault]:
    """Report near misses only: cards may carry keys of their own, and many carry old ones."""
    for key, value in list(card.members.items())[:_MOST]:
        if key in metadata_keys() | _INNER or len(key) > _LONGEST:
            continue
        near = get_close_matches(key.lower().replace("-", "_"), metadata_keys(), n=1, cutoff=0.8)
        if near and near[0] not in card.members:
            yield Fault(
                f"the Hub does not read the key {quote(key)}; did you mean `{near[0]}`?",
                README,
                value.key_line,
                hint=f"rename it to {near[0]}",
                edit=Edit(README, value.key_line or 1, near[0], card.top.column, key),
            )
