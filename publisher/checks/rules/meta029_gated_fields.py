"""META029 gated-fields: a field of the access form has a type that the Hub does not offer.

Why   the form then lacks the question, and access is given without it.
Fix   text, checkbox, date_picker, country, ip_location, or {type: select, options: [...]}.

Bad
    README.md:
        ---
        license: mit
        extra_gated_fields:
          Company: string ←
        ---
Bad
    README.md:
        ---
        license: mit
        extra_gated_fields:
          Purpose: ←
            type: select
        ---
Good
    README.md:
        ---
        license: mit
        extra_gated_fields:
          Company: text
          Purpose:
            type: select
            options: [research, {label: Other, value: other}]
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.frontmatter import Value
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_TYPES = ("text", "checkbox", "date_picker", "country", "ip_location")


@rule(Severity.WARNING)
def gated_fields(card: Metadata) -> Iterator[Fault]:
    """Report fields of an unknown type and choices without options."""
    fields = card.get("extra_gated_fields")
    if fields is None or not isinstance(fields.items, dict):
        return
    for name, field in fields.items.items():
        problem = _problem(field)
        if problem:
            yield Fault(
                f"the field {quote(name)} {problem}", README, field.key_line, hint="text, or checkbox"
            )


def _problem(field: Value) -> str:
    data = field.data
    if isinstance(data, dict):
        if data.get("type") == "select":
            return "" if isinstance(data.get("options"), list) and data["options"] else "has no options"
        data = data.get("type")
    return "" if data in _TYPES else f"has the type {quote(data)}, which the Hub does not offer"
