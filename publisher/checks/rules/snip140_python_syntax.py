"""SNIP140 python-syntax: a Python block of the card is not Python.

Why   whoever copies it gets a SyntaxError before anything else; often a bracket or a quotation mark was lost.
Fix   mend the block, or mark it as what it is: `text`, `bash`.

Bad
    README.md:
        ```python
        model = AutoModel.from_pretrained("acme/model" ←
        print(model)
        ```
Good
    README.md:
        ```python
        >>> model = AutoModel.from_pretrained("acme/model")
        >>> print(model)
        AutoModel(...)
        ```

        ```python
        !pip install transformers
        result = model(...)
        ```
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import Snippets
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def python_syntax(snippets: Snippets) -> Iterator[Fault]:
    """Report the first fault of each block that calls itself Python; only of such blocks, others may be anything."""
    for block in snippets.python:
        if block.tree is None:
            lines = block.text.split("\n")
            index = min(max(block.fault_line - block.first, 0), len(lines) - 1)
            yield Fault(
                f"this Python block does not parse: {block.fault} at {quote(lines[index].strip(), 60)}",
                README,
                block.first + index,
            )
