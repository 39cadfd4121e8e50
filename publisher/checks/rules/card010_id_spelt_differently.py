"""CARD010 id-spelt-differently: the card writes one repo's id in two ways that differ in case, hyphen or underscore only.

Why   one of the two is a 404 for whoever copies it.
Fix   write the id as the repo's address has it.

Bad
    README.md:
        ```python
        model = AutoModel.from_pretrained("acme/gemma-aerial-12b")
        tokenizer = AutoTokenizer.from_pretrained("acme/gemma_aerial_12b") ←
        ```
Good
    README.md:
        ```python
        model = AutoModel.from_pretrained("acme/gemma-aerial-12b")
        tokenizer = AutoTokenizer.from_pretrained("acme/gemma-aerial-4b")
        ```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import Snippets, calls, constant, dotted
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


@rule(Severity.WARNING)
def id_spelt_differently(snippets: Snippets) -> Iterator[Fault]:
    """Compare the ids that snippets load from; prose may name other things in other spellings."""
    spelt: dict[str, str] = {}
    for block in snippets.parsed:
        for call in calls(block):
            if not dotted(call.func).endswith("from_pretrained") or not call.args:
                continue
            name = constant(call.args[0])
            if not isinstance(name, str) or _ID.fullmatch(name) is None:
                continue
            first = spelt.setdefault(re.sub(r"[-_.]", "", name).lower(), name)
            if first != name:
                yield Fault(
                    f"{quote(name)} and {quote(first)} are two ids: one of them is misspelt",
                    README,
                    block.line(call.args[0]),
                    block.column(call.args[0]),
                )
