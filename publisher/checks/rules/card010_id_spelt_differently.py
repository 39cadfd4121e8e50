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

from publisher.checks.observe.itself import Itself
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import Snippets, calls, constant, dotted
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


@rule(Severity.WARNING, fixable=True)
def id_spelt_differently(snippets: Snippets, itself: Itself) -> Iterator[Fault]:
    """Compare the ids that snippets load from, and the repo's own where it is known: that one is right.

    Prose may name other things in other spellings.
    """
    own = itself.repo_id
    spelt = {} if own is None else {_key(own): own}
    for block in snippets.parsed:
        for call in calls(block):
            if not dotted(call.func).endswith("from_pretrained") or not call.args:
                continue
            name = constant(call.args[0])
            if not isinstance(name, str) or _ID.fullmatch(name) is None:
                continue
            first = spelt.setdefault(_key(name), name)
            if first != name:
                yield Fault(
                    f"{quote(name)} and {quote(first)} are two ids: one of them is misspelt",
                    README,
                    block.line(call.args[0]),
                    block.column(call.args[0]),
                    hint=f"write {first}" if first == own else "",
                    edit=Edit(README, block.line(call.args[0]), own, block.column(call.args[0]), name)
                    if own is not None and first == own
                    else None,
                )


def _key(name: str) -> str:
    return re.sub(r"[-_.]", "", name).lower()
