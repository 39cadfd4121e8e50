"""META023 language-code: an entry of `language` is no language code.

Why   the Hub files a repo under ISO 639 codes and refuses a name such as "English".
Fix   `en` for English, `zh` for Chinese; `code` and `multilingual` are allowed too.

Bad
    README.md:
        ---
        license: mit
        language: English ←
        ---
Bad
    README.md:
        ---
        license: mit
        language:
        - en
        - xq ←
        ---
Good
    README.md:
        ---
        license: mit
        language: [en, no, zh-TW, gsw, code]
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known.languages import code_of, is_language
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR, fixable=True)
def language_code(card: Metadata) -> Iterator[Fault]:
    """Report names and capitals as errors; a code that is only unknown here is a warning."""
    for value in card.texts("language"):
        if is_language(value.data):
            continue
        meant = code_of(value.data)
        yield Fault(
            f"{quote(value.data)} is no language code",
            README,
            value.line,
            value.column,
            hint=f"language: {meant}" if meant else "an ISO 639 code, such as en",
            severity=None if meant else Severity.WARNING,
            edit=Edit(README, value.line, meant, value.column, value.raw) if meant else None,
        )
