"""CLAIM134 languages-differ: the card's text names another language than its front matter.

Why   people look for models by language, and the Hub knows only what stands under `language`.
Fix   list the language's code there, or correct the text.

Bad
    README.md:
        ---
        license: mit
        language: [en]
        ---
        - **Language(s)**: English, German ←
Bad
    README.md:
        - **Language Support**: Primarily English expressions ←
Good
    README.md:
        ---
        license: mit
        language: [en, de]
        ---
        - **Language(s) (NLP):** English and German; French was not tested
        - **Language**: Python
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.known.languages import code_of
from publisher.checks.observe.claims import Claims
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_LABEL = re.compile(
    r"(?:supported |primary |main )?languages?(?:\(s\))?(?: \(NLP\)| support(?:ed)?)?", re.IGNORECASE
)
_NAME = re.compile(r"(?<![\w-])[A-Z][a-z]{3,11}(?!\w)")
_END = re.compile(r"[;.(]|\b(?:not|except|other than|excluding|unlike|translated|no)\b", re.IGNORECASE)
_ANY = frozenset({"multilingual", "code"})


@rule(Severity.NOTE)
def languages_differ(card: Metadata, claims: Claims) -> Iterator[Fault]:
    """Labelled lines only, up to the first word that takes something back."""
    listed = {value.data.lower() for value in card.texts("language")}
    codes = {re.split(r"[-_]", code)[0] for code in listed}
    if codes & _ANY:
        return
    for passage in claims.outline.passages:
        if passage.kind not in ("item", "row", "line") or not _LABEL.fullmatch(passage.label):
            continue
        if passage.raw.lstrip(" -*+").startswith("`"):  # `language`: a column of the data, described
            continue
        names = _NAME.findall(_END.split(passage.value)[0])
        missing = {name: code for name in names if (code := code_of(name)) is not None and code not in codes}
        if missing:
            said = "lists " + ", ".join(sorted(codes)) if codes else "has no `language`"
            yield Fault(
                f"the card names {', '.join(missing)}, the front matter {said}",
                README,
                passage.line,
                hint=f"language: {', '.join(sorted({*codes, *missing.values()}))}",
            )
            return
