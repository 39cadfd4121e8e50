"""LIC077 licence-text-differs: LICENSE holds the text of another licence than the card names.

Why   one of the two is wrong, and who relies on the wrong one has no licence.
Fix   make both the licence that was meant.

Bad
    README.md:
        ---
        license: apache-2.0
        ---
    LICENSE: ←
        MIT License

        Permission is hereby granted, free of charge, to any person
Good
    README.md:
        ---
        license: mit
        ---
    LICENSE:
        MIT License

        Permission is hereby granted, free of charge, to any person
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.duties import LicenceTexts, ids_with_texts, licences_in
from publisher.checks.observe.readme import Metadata
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_MAIN = re.compile(r"(?:licen[cs]e|copying)(?:\.(?:md|txt|rst))?", re.IGNORECASE)


@rule(Severity.ERROR)
def licence_text_differs(card: Metadata, texts: LicenceTexts) -> Iterator[Fault]:
    """Compare ids whose texts are known with the main licence file; other files may hold the base's terms."""
    named = {value.data.casefold() for value in card.texts("license")}
    if not named or not named <= ids_with_texts():
        return
    main = {path: licences_in(text) for path, text in texts.texts.items() if _MAIN.fullmatch(path)}
    found = frozenset().union(*main.values())
    if found and not found & named:
        yield Fault(
            f"the text is that of {', '.join(sorted(found))}, the card says {', '.join(sorted(named))}",
            next(path for path in main if main[path]),
            hint="correct the card's license, or replace the text",
        )
