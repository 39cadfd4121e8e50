"""META032 address-in-metadata: the front matter holds somebody's e-mail address.

Why   the Hub hands the front matter of every repo to everyone as data; addresses in it are harvested first.
Fix   leave it out, or give a contact in the card's text if you want one.

Bad
    README.md:
        ---
        license: mit
        model_creator: jane.roe@mail.acme.org ←
        ---
Good
    README.md:
        ---
        license: mit
        contact: jane.roe@mail.acme.org
        widget:
        - text: Write to john.doe@mail.acme.org
        model_creator: jane@example.org
        ---
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_ADDRESS = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@(?!example\.)(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,10}(?![\w-])", re.ASCII
)
# Examples that a model is to read, terms that name an office, and keys that ask for an address.
_MEANT = re.compile(r"widget|extra_gated|contact|e-?mail|license|point_of_contact|curator", re.IGNORECASE)
_MOST = 5


@rule(Severity.NOTE)
def address_in_metadata(card: Metadata) -> Iterator[Fault]:
    """Report where addresses stand, not which."""
    found = [
        value
        for key, member in card.members.items()
        if not _MEANT.search(key)
        for value in member.walk()
        if isinstance(value.data, str) and _ADDRESS.search(value.data[:1000])
    ]
    for value in found[:_MOST]:
        yield Fault(
            "an e-mail address in the front matter", README, value.line, value.column, hint="leave it out"
        )
