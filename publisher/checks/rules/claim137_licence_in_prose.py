"""CLAIM137 licence-in-prose: the card speaks of its licence, and the front matter names none.

Why   the Hub, search and scanners read the front matter only: for them the model has no licence.
Fix   add `license: <id>` to the front matter; for a model of the Gemma terms `gemma`, of Llama 3.1 `llama3.1`.

Bad
    README.md:
        ---
        tags: [x]
        ---
        ## License ←
        Please refer to Google's Gemma license.
Good
    README.md:
        ---
        license: gemma
        ---
        ## License
        Please refer to Google's Gemma license.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_TITLE = re.compile(r"(?:model |code )?licen[sc](?:e|ing)(?: information| terms)?", re.IGNORECASE)
_NAMES_ONE = re.compile(r"licen[sc]|\bterms\b|\bCC[- ]BY|\bMIT\b|\bapache\b|\bGPL|\bBSD\b", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"\A\W*(?:more information needed|tbd|tba|unknown|n/?a|none|todo|\[)\b|"
    r"\bnot (?:\w+ )?(?:provided|specified|mentioned|stated|available|known|clear)\b",
    re.IGNORECASE,
)
# Words by which a licence is known, and its id. The more special stands first.
_WORDS = (
    (r"llama[ -]?3\.3", "llama3.3"),
    (r"llama[ -]?3\.2", "llama3.2"),
    (r"llama[ -]?3\.1", "llama3.1"),
    (r"llama[ -]?3\b", "llama3"),
    (r"llama[ -]?2", "llama2"),
    (r"\bgemma\b", "gemma"),
    (r"\bapache\b", "apache-2.0"),
    (r"\bMIT\b", "mit"),
    (r"cc[- ]by[- ]nc[- ]sa[- ]4", "cc-by-nc-sa-4.0"),
    (r"cc[- ]by[- ]nc[- ]4", "cc-by-nc-4.0"),
    (r"cc[- ]by[- ]sa[- ]4", "cc-by-sa-4.0"),
    (r"cc[- ]by[- ]4", "cc-by-4.0"),
)


@rule(Severity.WARNING)
def licence_in_prose(card: Metadata, claims: Claims) -> Iterator[Fault]:
    """Report the section, or the labelled line, that names the licence."""
    if card.get("license") is not None:
        return
    passages = claims.outline.passages
    for index, passage in enumerate(passages):
        if passage.kind == "heading" and _TITLE.fullmatch(passage.text):
            said = " ".join(
                each.text for each in passages[index + 1 : index + 6] if each.section == passage.section
            )
        elif passage.kind in ("item", "row") and _TITLE.fullmatch(passage.label):
            said = passage.value
        else:
            continue
        about_data = any("data" in title.lower() for title in passage.section.titles)
        if about_data or not _NAMES_ONE.search(said) or _UNKNOWN.search(said):
            continue
        found = next((name for words, name in _WORDS if re.search(words, said, re.IGNORECASE)), None)
        yield Fault(
            f"the licence stands in prose only ({quote(said, 60)}): the Hub shows none",
            README,
            passage.line,
            hint=f"add license: {found or '<id>'} to the front matter",
        )
        return
