"""META031 widget: `widget`, `inference` or `thumbnail` has a form that the Hub ignores.

Why   what is ignored is not seen on the page, and nothing says so.
Fix   `widget` is a list of mappings, `inference` true, false or {parameters: {...}}, `thumbnail` a web address.

Bad
    README.md:
        ---
        license: mit
        widget: Hello ←
        thumbnail: logo.png ←
        ---
Good
    README.md:
        ---
        license: mit
        widget:
        - text: Hello
        inference: false
        thumbnail: https://example.org/logo.png
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.NOTE)
def widget(card: Metadata) -> Iterator[Fault]:
    """Report each of the three where it is malformed."""
    examples, inference, thumbnail = (card.get(key) for key in ("widget", "inference", "thumbnail"))
    if examples is not None and not (
        isinstance(examples.data, list) and all(isinstance(item, dict) for item in examples.data)
    ):
        yield Fault(
            "widget is not a list of mappings", README, examples.line, examples.column, hint="- text: Hello"
        )
    if inference is not None and not isinstance(inference.data, bool | dict):
        yield Fault(
            "inference is neither true, false nor a mapping", README, inference.line, inference.column,
            hint="inference: false",
        )  # fmt: skip
    if thumbnail is not None and not str(thumbnail.data).startswith(("http://", "https://")):
        yield Fault(
            "thumbnail is no web address",
            README,
            thumbnail.line,
            thumbnail.column,
            hint="thumbnail: https://...",
        )
