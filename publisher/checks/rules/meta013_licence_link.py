"""META013 licence-link: `license_link` names a file that is not in the repo.

Why   the link is the only way to the terms of a licence that the Hub does not know; a dead one leaves none.
Fix   add the file, or give its web address.

Bad
    README.md:
        ---
        license: other
        license_name: acme
        license_link: LICENSE.md ←
        ---
Good
    README.md:
        ---
        license: other
        license_name: acme
        license_link: LICENSE
        ---
    LICENSE:
        Do as you like.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def licence_link(card: Metadata, files: Files) -> Iterator[Fault]:
    """Report a link without a scheme to a file that is missing."""
    link = card.get("license_link")
    if link is None or not isinstance(link.data, str) or "://" in link.data or link.data.startswith("#"):
        return
    if link.data.removeprefix("./").partition("#")[0] not in files:
        yield Fault(
            f"license_link {quote(link.data)} is neither a file of this repo nor a web address",
            README,
            link.line,
            link.column,
            hint="add the file, or link the licence's page",
        )
