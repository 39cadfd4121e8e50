"""Numbers in prose that no fact printed: is each a name, a date, a version, a quoted fact, or a bare claim?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from publisher.card import formats
from publisher.card.view import CardInput
from publisher.records.facts import Fact, Json, StatedSource

UNACCOUNTED = "unaccounted"

NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:[eE][+-]?\d+\b)?")
# What belongs to the same word as a number: `SmolLM2-135M`, `Q4_1`, `pass@1`; but not `loss=0.6` or `loss:0.6`.
WORD_BEFORE = re.compile(r"[^\s|()\[\]{}<>\"“”'‘’«»,;:=*`~≈±!?]*\Z")
WORD_AFTER = re.compile(r"[^\s|()\[\]{}<>\"“”'‘’«»,;:=*`~≈±!?]*")

VERSION = re.compile(r"(?:v\d+(?:\.\d+)*|\d+(?:\.\d+){2,})\w*(?:[-+.]\w+)*")
AFTER_VERSION = re.compile(r"(?i)(?:\bversions?|\brelease|[<>=~!]=)\s*\Z")
# A number after such a word is a part of the name.
AFTER_NAME = re.compile(
    r"(?:Apache(?: License)?,?|Licen[cs]e,?|GPL|CC[ -]BY(?:-\w\w)*|Gemma|Llama|Qwen|Phi|Mistral|DeepSeek|GPT|Claude"
    r"|Python|CUDA|PyTorch|ISO|RFC|SHA)[ -]\Z"
)
AFTER_REFERENCE = re.compile(
    r"(?i)(?:\b(?:sections?|figures?|fig\.|tables?|equation|appendix|chapter)\s|§\s?|arXiv[: ])\Z"
)
FORMAT_NAME = re.compile(r"\d+(?:-bits?|D)")
DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2})?")
YEAR = re.compile(r"(?:19|20)\d{2}")
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
BEFORE_YEAR = re.compile(
    rf"(?i)(?:\b(?:in|since|until|from|of|by)|©|\(c\)|{MONTH}|\b\d{{1,2}},|\bet al\.,?|\()\s*\Z"
)
AFTER_YEAR = re.compile(r"\s*(?:[.,;:)\]]|\Z|\n|and\b|the\b|with\b|but\b|or\b|on\b|to\b)")
DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th)?")
BEFORE_DAY = re.compile(rf"\b{MONTH} \Z")
AFTER_DAY = re.compile(rf"\s{MONTH}(?:\s|\Z)")
LIST_NUMBER = re.compile(r"(?:^|\n)[ \t>*-]*\Z")
AFTER_LIST_NUMBER = re.compile(r"[.)][ \t]")

# How far around a number is looked, in characters: without an end, a text of numbers takes the square of its length.
BEFORE, AFTER = 60, 240

# A measured value is recognised in prose when it has at least this many digits: a 3 is anything, a 7,372,800 is not.
TELLING_DIGITS = 3


@dataclass(frozen=True)
class Account:
    """Where a number comes from; exactly one is set."""

    fact: str | None = None
    stated: str | None = None
    reason: str | None = None


class NumberReader:
    """Reads the numbers of one text."""

    def __init__(self, text: str, card: CardInput) -> None:
        self._text = text
        self._known: list[Account | None] = [None] * len(text)
        self._forms = _forms(card.facts.values())
        for words, account in _fixed_words(card):
            for match in re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", text):
                self.mark(match.start(), match.end(), account)

    def mark(self, start: int, end: int, account: Account) -> None:
        """Say what a stretch is; the last word counts."""
        self._known[start:end] = [account] * (end - start)

    def read(self, gaps: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, Account]]:
        """Account for every number inside these stretches, in characters."""
        for start, end in gaps:
            position = start
            while match := NUMBER.search(self._text, position, end):
                known = self._known[match.start()]
                if known is not None:
                    first, last = self._same(match, known, start, end)
                    yield first, last, known
                else:
                    first, last, account = self._judge(match, start, end)
                    yield max(first, position), last, account
                position = last

    def _same(self, match: re.Match[str], known: Account, start: int, end: int) -> tuple[int, int]:
        """Widen a number to its whole word, as far as it is of one kind: a digest is one span, not thirty."""
        first, last = match.start(), match.start() + 1
        while first > start and self._joins(first - 1, known):
            first -= 1
        while last < end and self._joins(last, known):
            last += 1
        return first, last

    def _joins(self, position: int, known: Account) -> bool:
        return self._known[position] is known and not self._text[position].isspace()

    def _judge(self, match: re.Match[str], start: int, end: int) -> tuple[int, int, Account]:
        text = self._text
        before = text[max(start, match.start() - BEFORE) : match.start()]
        left = WORD_BEFORE.search(before)
        right = WORD_AFTER.match(text, match.end(), min(end, match.end() + AFTER))
        first = match.start() - len(left.group() if left else "")
        last = match.end() + len((right.group() if right else "").rstrip(".-/"))
        first, last = self._unknown(first, last, match)
        word = text[first:last].lstrip("-+./_#&@")
        first = last - len(word)
        first = min(first, match.start())
        before, after = text[max(0, first - BEFORE) : first], text[last : last + BEFORE]
        account = self._named(match, text[first:last], before, after)
        if account is not None:
            return first, last, account
        return match.start(), match.end(), self._quoted(match) or Account(reason=UNACCOUNTED)

    def _unknown(self, first: int, last: int, match: re.Match[str]) -> tuple[int, int]:
        """Shrink a word to what nothing else has claimed."""
        before = (at + 1 for at in range(match.start() - 1, first - 1, -1) if self._known[at])
        after = (at for at in range(match.end(), last) if self._known[at])
        return next(before, first), next(after, last)

    def _named(self, match: re.Match[str], word: str, before: str, after: str) -> Account | None:
        """What kind of word a number is part of, if it is no quantity."""
        number_before = self._text[max(0, match.start() - BEFORE) : match.start()]
        number_after = self._text[match.end() : match.end() + BEFORE]
        if VERSION.fullmatch(word) or AFTER_VERSION.search(before):
            return Account(reason="version")
        if word[:1].isalpha() or FORMAT_NAME.fullmatch(word) or AFTER_NAME.search(number_before):
            return Account(reason="name")
        if DATE.fullmatch(word):
            return Account(reason="date")
        if YEAR.fullmatch(word) and BEFORE_YEAR.search(before) and AFTER_YEAR.match(after):
            return Account(reason="date")
        if DAY.fullmatch(word) and (BEFORE_DAY.search(before) or AFTER_DAY.match(after)):
            return Account(reason="date")
        if LIST_NUMBER.search(number_before) and AFTER_LIST_NUMBER.match(number_after):
            return Account(reason="list")
        if AFTER_REFERENCE.search(before) or (before.endswith("[") and after.startswith("]")):
            return Account(reason="reference")
        return None

    def _quoted(self, match: re.Match[str]) -> Account | None:
        """The fact whose value a number writes out."""
        written = match.group()
        if self._text[match.end() : match.end() + 2].lstrip().startswith("%"):
            written += "%"
        return self._forms.get(written)


def _forms(facts: Iterable[Fact]) -> dict[str, Account]:
    """How the values of facts may stand in prose. What the author stated goes before what was measured."""
    forms: dict[str, Account] = {}
    ordered = sorted(facts, key=lambda fact: (not isinstance(fact.source, StatedSource), fact.id))
    for fact in ordered:
        if not fact.known or isinstance(fact.value, bool) or not isinstance(fact.value, int | float):
            continue
        stated = isinstance(fact.source, StatedSource)
        account = Account(stated=fact.id) if stated else Account(fact=fact.id)
        for form in _written(fact.value):
            if stated or len(re.sub(r"\D", "", form).lstrip("0")) >= TELLING_DIGITS:
                forms.setdefault(form, account)
    return forms


def _written(value: float) -> Iterator[str]:
    yield formats.plain(value)
    yield str(value)
    if isinstance(value, float):
        for decimals in (1, 2, 3, 4):
            yield f"{value:,.{decimals}f}"
        if 0 <= value <= 1:
            for decimals in (0, 1, 2):
                yield f"{value:.{decimals}%}"


def stated_value(written: str) -> Json:
    """What to state so that a number is accounted for as it is written: a number if it reads so, else the words."""
    words = " ".join(written.split())
    share = words.endswith("%")
    digits = words.removesuffix("%").replace(",", "") if GROUPED.fullmatch(words.removesuffix("%")) else ""
    if not digits:
        return words
    value = float(digits) / 100 if share else int(digits) if digits.isdecimal() else float(digits)
    value = round(value, 12)  # 87.5 / 100 and its like
    return value if words in _written(value) else words


GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def _fixed_words(card: CardInput) -> Iterator[tuple[str, Account]]:
    """Names with digits in them, the version, and stated phrases: they may stand anywhere."""
    named = [card.name, card.title, card.heading, card.repo_id, card.base_repo, card.licence, card.owner]
    named += [sibling.repo_id for sibling in card.siblings]
    named += [*card.datasets, *card.tags, *(author.name for author in card.authors)]
    named += [part for name in list(named) for part in name.split("/")]
    origin = card.facts.value("base.origin")
    named += [origin, origin.rpartition("/")[2]] if isinstance(origin, str) else []
    for name in sorted(set(named), key=lambda word: (len(word), word)):
        if re.search(r"\d", name) and re.search(r"[^\W\d]", name):
            yield name, Account(reason="name")
    if re.search(r"\d+\.\d", card.version):
        yield card.version, Account(reason="version")
    for fact in card.stated:
        if isinstance(fact.value, str) and re.search(r"\d", fact.value):
            yield fact.value, Account(stated=fact.id)
        if isinstance(fact.source, StatedSource) and re.search(r"\d", fact.source.stated):
            yield fact.source.stated, Account(stated=fact.id)
