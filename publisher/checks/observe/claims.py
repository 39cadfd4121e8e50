"""What a card says of its model: numbers with their places, and the base model that it names.

A claim's confidence is high where the text can hardly mean anything else (a label, a table of two columns, a phrase
such as `42 transformer blocks`), low otherwise. Rules turn what rests on low confidence into notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from publisher.checks.known.models import Mention, mentions
from publisher.checks.observe.claim_words import LABELS, PHRASES, UNITS, VALUE, Subject
from publisher.checks.observe.outline import Outline, Passage
from publisher.checks.observe.readme import Metadata, Readme
from publisher.checks.observe.target import Absent, RepoView

# Words beside which a number speaks of a part, or of another model.
_OF_A_PART = re.compile(
    r"\b(?:first|last|top|bottom|final|upper|lower|every|each|per|vision|image|visual|audio|encoder|draft|teacher|"
    r"student|compared|than|versus|vs|unlike|non-embedding|active|activated|expert|experts|removed|added|"
    r"fine-?tun\w* only|adapter)\b",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"\b(?:than|versus|vs|unlike|compared|instead of)\b", re.IGNORECASE)
_OF_THE_LORA: frozenset[Subject] = frozenset({"trainable", "rank", "alpha", "dropout"})
_LORA = re.compile(r"\bQ?LoRA\b", re.IGNORECASE)
_BASE_LABEL = re.compile(
    r"(?:base|foundation|parent|backbone)(?: model)?|fine-?tuned from(?: model)?|(?:finetuned|derived) from",
    re.IGNORECASE,
)
_BUILT_ON = re.compile(
    r"\b(?:built (?:up)?on|based on|fine-?tuned (?:from|version of|on top of)|derived from|starting from)\b",
    re.IGNORECASE,
)
_HUB_ID = re.compile(r"(?<![\w./-])([A-Za-z0-9][\w.-]{0,60}/[A-Za-z0-9][\w.-]{0,95})(?![\w/])")
_MODULES = re.compile(
    r"\b(?:[a-z]{1,5}\d?|o(?:ut)?|gate|up|down)_proj\b|\bfc\d\b|\bfc_(?:in|out)\b|\bc_attn\b|\bquery_key_value\b|\bqkv_proj\b"
)
_WORD_MODULES = (
    (re.compile(r"\bquery\b|\bq(?=[,/ ]|$)", re.IGNORECASE), "q_proj"),
    (re.compile(r"\bkeys?\b|\bk(?=[,/ ]|$)", re.IGNORECASE), "k_proj"),
    (re.compile(r"\bvalues?\b|\bv(?=[,/ ]|$)", re.IGNORECASE), "v_proj"),
    (re.compile(r"\boutput\b|\bo(?=[,/ ]|$)", re.IGNORECASE), "o_proj"),
    (re.compile(r"\bgate\b", re.IGNORECASE), "gate_proj"),
    (re.compile(r"\bup\b", re.IGNORECASE), "up_proj"),
    (re.compile(r"\bdown\b", re.IGNORECASE), "down_proj"),
)
_TARGETS_LABEL = re.compile(r"(?:lora )?target(?:ed)?[ _]modules?|lora targets?|target layers", re.IGNORECASE)
ALL_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Number:
    """One number that a card states.

    Attributes:
        slack: how far off the true value may be for the text to be right.
        text: with the words that belong to it, for a message.
        raw: the line as the file has it.
        digits: as written, without the unit.
        unit: `B`, `million`; empty where there is none.
        written: digits and unit, and what stands between them.
    """

    subject: Subject
    value: float
    slack: float
    text: str
    line: int
    column: int
    high: bool
    raw: str
    digits: str
    unit: str
    written: str

    def agrees(self, truth: float) -> bool:
        """Whether the text is a fair way to write the true value."""
        return abs(self.value - truth) <= self.slack


@dataclass(frozen=True)
class BaseModel:
    """The base that the card names: its id or name as written, and what family it belongs to."""

    text: str
    line: int
    mention: Mention | None
    where: str  # "front matter" or "text"


@dataclass(frozen=True)
class Targets:
    """The modules that a LoRA adapts, as the card names them."""

    names: tuple[str, ...]
    text: str
    line: int


class Claims:
    """All claims of a card."""

    def __init__(self, outline: Outline, metadata: Metadata | None) -> None:
        self.outline = outline
        self._metadata = metadata

    @classmethod
    def observe(cls, view: RepoView) -> Claims | Absent:
        """From the card's text; its front matter is used where it can be read."""
        readme = view.observe(Readme)
        if isinstance(readme, Absent):
            return readme
        metadata = view.observe(Metadata)
        return cls(Outline(readme), None if isinstance(metadata, Absent) else metadata)

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """Every number with a subject, in the card's order."""
        return tuple(number for passage in self.outline.passages for number in _numbers(passage))

    def of(self, subject: Subject) -> tuple[Number, ...]:
        """The numbers of one subject."""
        return tuple(number for number in self.numbers if number.subject == subject)

    @cached_property
    def bases(self) -> tuple[BaseModel, ...]:
        """The base models that the front matter names, else those that the text names as such."""
        if self._metadata is not None:
            named = tuple(
                BaseModel(str(value.data), value.line, next(mentions(str(value.data)), None), "front matter")
                for value in self._metadata.texts("base_model")
            )
            if named:
                return named
        return self.bases_in_text

    @cached_property
    def bases_in_text(self) -> tuple[BaseModel, ...]:
        """The bases that stand behind a label such as `Base model:` or words such as `built on`."""
        return tuple(base for passage in self.outline.passages for base in _bases(passage))

    @cached_property
    def targets(self) -> Targets | None:
        """The LoRA's target modules; None where the card does not list them, or lists them in words unknown here."""
        for passage in self.outline.passages:
            if passage.label and _TARGETS_LABEL.fullmatch(passage.label):
                names = _modules(passage.value)
                return Targets(names, passage.value, passage.line) if names else None
        return None

    @property
    def title(self) -> str:
        """The first heading; empty where there is none."""
        return next((passage.text for passage in self.outline.passages if passage.kind == "heading"), "")


def _numbers(passage: Passage) -> Iterator[Number]:
    found: set[tuple[Subject, float]] = set()
    if passage.label and passage.kind in ("item", "row", "line", "tree"):
        for subject, label in LABELS:
            if label.fullmatch(passage.label):
                value = VALUE.match(passage.value.lstrip("= "))
                if value is not None and not _elsewhere(subject).search(passage.text):
                    number = _number(
                        subject, value, passage, high=_is_whole(value, passage.value.lstrip("= "))
                    )
                    found.add((subject, number.value))
                    yield number
                break
    for subject, phrase in PHRASES:
        if subject in ("rank", "alpha") and not any(
            map(_LORA.search, (passage.text, *passage.section.titles))
        ):
            continue
        for match in phrase.finditer(passage.text):
            around = passage.text[max(0, match.start() - 40) : match.end() + 30]
            number = _number(subject, match, passage, high=not _elsewhere(subject).search(around))
            if (subject, number.value) not in found:
                found.add((subject, number.value))
                yield number


def _elsewhere(subject: Subject) -> re.Pattern[str]:
    """Words that make a number another one's: a LoRA is a part by itself, so only comparisons do."""
    return _COMPARED if subject in _OF_THE_LORA else _OF_A_PART


def _is_whole(value: re.Match[str], text: str) -> bool:
    """Whether the number is all that the value says: `42` and `42 (GQA)`, not `42 in the encoder, 12 elsewhere`."""
    rest = text[value.end() :].strip()
    return not re.search(r"\d", rest) or rest.startswith(("(", "of ", "/ ", "out of "))


def _number(subject: Subject, match: re.Match[str], passage: Passage, *, high: bool) -> Number:
    groups = match.groupdict()
    named = groups.get("unit") or ""
    digits = groups["number"].replace(",", "")
    unit = UNITS.get(named.lower(), 1.0)
    value = float(digits) * unit
    decimals = len(digits.partition(".")[2])
    last_place = unit * 10.0**-decimals if unit > 1 else 0.0
    slack = max(last_place * 0.51, value * (0.05 if groups.get("about") else 0.01) if unit > 1 else 0.0)
    column = passage.raw.find(groups["number"])
    written = match.string[match.start("number") : match.end("unit" if named else "number")]
    return Number(
        subject, value, slack, match[0].strip(), passage.line, max(column, 0) + 1, high,
        passage.raw, groups["number"], named, written,
    )  # fmt: skip


def _bases(passage: Passage) -> Iterator[BaseModel]:
    if passage.label and passage.kind != "heading" and _BASE_LABEL.fullmatch(passage.label):
        identifier = _HUB_ID.search(_without_address(passage.value))
        mention = next(mentions(passage.value), None)
        if identifier is not None or mention is not None:
            yield BaseModel(
                identifier[1] if identifier else mention.text if mention else "",
                passage.line,
                mention,
                "text",
            )
        return
    built = _BUILT_ON.search(passage.text)
    if built is not None and passage.kind in ("line", "item"):
        near = passage.text[built.end() : built.end() + 80].split(". ")[0]
        mention = next(mentions(near), None)
        if mention is not None:
            yield BaseModel(mention.text, passage.line, mention, "text")


def _without_address(text: str) -> str:
    """A link to the Hub read as the id that it leads to."""
    return re.sub(r"https?://(?:huggingface\.co|hf\.co)/", "", text)


def _modules(text: str) -> tuple[str, ...]:
    if re.search(r"\ball[- ]linear\b|\ball linear\b", text, re.IGNORECASE):
        return ALL_LINEAR
    named = tuple(dict.fromkeys(_MODULES.findall(text)))
    if named:
        return named
    if re.search(r"projection|attention|\bproj", text, re.IGNORECASE):
        return tuple(name for word, name in _WORD_MODULES if word.search(text))
    return ()
