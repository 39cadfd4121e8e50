"""META010 licence-missing: the card names no licence.

Why   without a licence nobody may use the weights or the data: all rights are reserved. The Hub reads it from the
      key `license`, spelt so; a licence section in the text does not count.
Fix   add `license:` with an id from https://hf.co/docs/hub/repositories-licenses; a fine-tune usually inherits its
      base's.

Bad
    README.md:
        --- ←
        tags: [text]
        ---
Good
    README.md:
        ---
        license: gemma
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def licence_missing(card: Metadata) -> Iterator[Fault]:
    """Report a card without `license`."""
    if card.get("license") is None:
        yield Fault(
            "the front matter has no `license`",
            README,
            card.line_of("license"),
            hint="add license: <id>, for a fine-tune the base's",
        )
