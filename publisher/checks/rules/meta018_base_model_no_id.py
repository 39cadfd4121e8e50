"""META018 base-model-no-id: `base_model` is a path, a web address or "None", not the id of a repo.

Why   the Hub draws the model tree from it and refuses what cannot be an id; a path also tells strangers how a
      disk is laid out. Trainers that were given a local folder write its path here.
Fix   write the base's `owner/name`.

Bad
    README.md:
        ---
        license: mit
        base_model: /mnt/models/gemma-3-12b-it ←
        ---
Bad
    README.md:
        ---
        license: mit
        base_model:
          - google/gemma-3-12b-it
          - https://huggingface.co/google/gemma-3-4b-it ←
        ---
Good
    README.md:
        ---
        license: mit
        base_model: google/gemma-3-12b-it
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known.hub_ids import why_no_id
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def base_model_no_id(card: Metadata) -> Iterator[Fault]:
    """Report each base that cannot be an id."""
    for value in card.texts("base_model"):
        why = why_no_id(value.data)
        if why is not None:
            yield Fault(
                f"base_model {quote(value.data)} {why}",
                README,
                value.line,
                value.column,
                hint="base_model: owner/name",
            )
