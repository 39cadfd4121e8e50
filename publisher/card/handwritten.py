"""A hand-written card taken apart: prose that can stay, claims that need a source, and what hubpub writes itself.

Pure. A claim is a sentence, list item, table row or line of a tree that holds a number nothing accounts for, or that
somebody doubts. It is taken out of the prose: what is false is not published because nobody looked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from publisher.card.blocks import ITEM, Block, Part, blocks_of, parts_of
from publisher.card.markdown import lines
from publisher.card.numbers import stated_value
from publisher.card.readme import parse
from publisher.card.trace import trace, unaccounted
from publisher.card.view import CardInput
from publisher.records.facts import Facts, Json

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# What templates leave to be filled in.
PLACEHOLDER = re.compile(
    r"\bmore information needed\b|\bUse the code below to get started\b|\bCarbon emissions can be estimated using\b|\byour name\b|\bTODO\b|lorem ipsum|\[(?:insert|your) [^\]\n]{1,60}\]"
    r"|\{\{|\bModel Card for Model ID\b",
    re.IGNORECASE,
)
TREE = re.compile(r"^[\s│├└─┬┌┐┘┤|+`\\-]+")
LABEL = re.compile(r"(?P<label>[^:|]{1,60}?)\s*:\s+(?P<value>\S.*)", re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
EMPHASIS = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"“(*`\[])")
PROGRAM = ("python", "py", "python3", "bash", "sh", "shell", "console", "bibtex")
TREES = ("", "text", "txt", "plain", "plaintext")
BIBTEX = re.compile(
    r"(?P<key>\w+)\s*=\s*(?:\{(?P<braced>(?:[^{}]|\{[^{}]*\})*)\}|\"(?P<quoted>[^\"]*)\"|(?P<bare>\d+))"
)

Position = tuple[int, int]  # line and column of the file, from 1


@dataclass(frozen=True)
class Doubt:
    """Why somebody doubts what stands at a place; without a column it is about the whole line."""

    line: int
    column: int | None
    why: str


@dataclass(frozen=True)
class Claim:
    """Something that the card says and nothing proves. `label` is what it says it of, as far as that is written."""

    label: str
    value: Json
    line: int
    section: str
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """Words that can stay: one prose section."""

    name: str
    text: str


@dataclass(frozen=True)
class Left:
    """A section of which something was not taken over, and why."""

    title: str
    line: int
    why: str


@dataclass(frozen=True)
class Handwritten:
    """A card, taken apart. `cited` holds the fields of its BibTeX entry."""

    title: str
    front_matter: dict[str, Any]
    kept: tuple[Kept, ...]
    claims: tuple[Claim, ...]
    left: tuple[Left, ...]
    cited: dict[str, str] = field(default_factory=dict)


def take_apart(text: str, doubts: Iterable[Doubt] = ()) -> Handwritten:
    """Take a card apart; `doubts` are about places of it."""
    card = parse(text)
    body = COMMENT.sub(lambda match: "\n" * match.group().count("\n"), card.body.replace("\r\n", "\n"))
    reader = _Reader(tuple(doubts), card.body_line)
    for part in parts_of(body):
        reader.read(part)
    title = _title(body)
    fault = (
        (Left("front matter", card.fault.line, f"it cannot be read: {card.fault.message}"),)
        if card.fault
        else ()
    )
    return Handwritten(
        title,
        card.front_matter,
        reader.kept,
        tuple(reader.claims),
        (*fault, *reader.left),
        _cited(body, title),
    )


class _Reader:
    """Reads part after part, and sorts what is in it."""

    def __init__(self, doubts: Sequence[Doubt], body_line: int) -> None:
        self._doubts = doubts
        self._offset = body_line
        self._kept: dict[str, list[str]] = {}
        self.claims: list[Claim] = []
        self.left: list[Left] = []

    @property
    def kept(self) -> tuple[Kept, ...]:
        """The prose sections, in the card's order; those that nothing is left of are not there."""
        texts = (
            (name, re.sub(r"\n{3,}", "\n\n", "".join(pieces)).strip()) for name, pieces in self._kept.items()
        )
        return tuple(Kept(name, f"{text}\n") for name, text in texts if text)

    def read(self, part: Part) -> None:
        """Sort one part's blocks into what stays, what is claimed and what is left behind."""
        self._part = part
        claims = len(self.claims)
        pieces: list[str] = []
        programs = 0
        for block in blocks_of(part):
            if block.kind == "code" and self._drops(block):
                programs += 1
                pieces = _without_lead(pieces)
                continue
            pieces.append(self._rest(block))
        text = "".join(_without_lead(pieces)).strip("\n")
        if text.strip() and part.place.name:
            held = self._kept.setdefault(part.place.name, [])
            own_heading = part.inherited or (bool(held) and part.place.name != "summary")
            held.append(f"### {part.title}\n\n" if own_heading else "")
            held.append(f"{text}\n\n")
        why = part.place.written_by_us
        if why and part.lines and any(line.text.strip() for line in part.lines):
            self.left.append(Left(part.title, self._offset + part.first - 1, f"hubpub writes {why}"))
        elif programs:
            what = "a code block, which nobody has run"
            self.left.append(Left(part.title, self._offset + part.first - 1, what))
        elif (
            claims == len(self.claims) and not text.strip() and any(line.text.strip() for line in part.lines)
        ):
            self.left.append(Left(part.title, self._offset + part.first - 1, "a template's placeholder"))

    def _drops(self, block: Block) -> bool:
        info = re.split(r"[\s{,]", block.lines[0].info.strip("{ ."))[0].lower()
        if info in TREES and self._part.place.written_by_us:
            for number, line in enumerate(block.lines):
                if not line.is_fence:
                    self._judge(TREE.sub("", line.text).strip(), block.first + number, 1, line.text)
            return True
        return info in PROGRAM or bool(self._part.place.written_by_us)

    def _rest(self, block: Block) -> str:
        """What is left of a block when its claims are taken out."""
        if block.kind in ("blank", "code"):
            return block.text
        if block.kind == "item":
            match = ITEM.match(block.text)
            words = match["text"] if match else block.text
            return "" if self._judge(words, block.first, 1, block.text, item=True) else block.text
        if block.kind == "table":
            return self._table(block)
        kept = []
        start = 0
        for sentence in SENTENCE_END.split(block.text):
            at = block.text.index(sentence, start)
            start = at + len(sentence)
            before = block.text[:at]
            line, column = block.first + before.count("\n"), at - (before.rfind("\n") + 1) + 1
            if not self._judge(sentence, line, column, sentence):
                kept.append(sentence.strip("\n"))
        return " ".join(kept) + "\n" if kept else ""

    def _table(self, block: Block) -> str:
        rows = [line.text for line in block.lines[2:]]
        gone = [
            self._judge(row.strip().strip("|"), block.first + n, 1, row)
            for n, row in enumerate(rows, start=2)
        ]
        if rows and all(gone):
            return ""
        left = (row for row, taken in zip(rows, gone, strict=True) if not taken)
        return "".join([*(line.text for line in block.lines[:2]), *left])

    def _judge(self, words: str, line: int, column: int, raw: str, *, item: bool = False) -> bool:
        """Whether words do not stay in the prose; what they claim is written down."""
        plain = " ".join(EMPHASIS.sub("", LINK.sub(r"\1", words)).split())
        if not plain or PLACEHOLDER.search(plain):
            return True
        first = (self._offset + line, column)
        last = (
            first[0] + raw.rstrip("\n").count("\n"),
            column + len(raw) if "\n" not in raw.rstrip("\n") else 10**6,
        )
        doubts = tuple(doubt.why for doubt in self._doubts if _inside(doubt, first, last))
        parts = LABEL.fullmatch(plain) or (_cells(plain) if "|" in plain else None)
        ours = bool(self._part.place.written_by_us) and self._part.place.name not in ("licence", "usage", "")
        if not (doubts or (ours and item and parts) or unaccounted(trace(f"{plain}\n", (), NOBODY))):
            return False
        label, value = (parts["label"].strip(), parts["value"]) if parts else ("", plain)
        self.claims.append(Claim(label, stated_value(value), first[0], self._part.title, doubts))
        return True


# Of whom a claim is does not matter to whether a number is part of a name, a version or a date.
NOBODY = CardInput(
    name="", version="", kind="merged", repo_id="", title="", owner="", licence="", facts=Facts()
)  # fmt: skip


def _inside(doubt: Doubt, first: Position, last: Position) -> bool:
    if doubt.column is None:
        return first[0] <= doubt.line <= last[0]
    return first <= (doubt.line, doubt.column) < last


def _cells(row: str) -> re.Match[str] | None:
    return re.fullmatch(r"\s*(?P<label>[^|]{1,60}?)\s*\|\s*(?P<value>.*\S)\s*", row)


def _without_lead(pieces: list[str]) -> list[str]:
    """Without a sentence that only leads to what follows it, where nothing follows any more."""
    end = len(pieces)
    while end and not pieces[end - 1].strip():
        end -= 1
    if end and pieces[end - 1].rstrip().endswith(":") and not ITEM.match(pieces[end - 1]):
        *before, _ = SENTENCE_END.split(pieces[end - 1].rstrip())
        return [*pieces[: end - 1], f"{' '.join(before)}\n" if before else ""]
    return pieces


def _title(body: str) -> str:
    """The family's name: the first heading, up to a colon."""
    found = next((line.title for line in lines(body) if line.level == 1), "")
    found = re.sub(r"(?i)^model card for ", "", EMPHASIS.sub("", found)).partition(": ")[0].strip()
    return "" if PLACEHOLDER.search(found) or found.lower() == "model id" else found


def _cited(body: str, title: str) -> dict[str, str]:
    """The fields of the BibTeX entry, if it is the model's: many cards cite the library that trained them instead."""
    code = "".join(line.text for line in lines(body) if line.in_fence and line.info.lower() == "bibtex")
    fields = {
        m["key"].lower(): (m["braced"] or m["quoted"] or m["bare"] or "") for m in BIBTEX.finditer(code)
    }
    cited = {
        key: " ".join(value.split())
        for key, value in fields.items()
        if value and not PLACEHOLDER.search(value)
    }
    own = re.sub(r"\W+", " ", title).strip().lower()
    about = re.sub(r"\W+", " ", cited.get("title", "").replace("{", "").replace("}", "")).lower()
    return cited if own and re.search(rf"\b{re.escape(own)}\b", about) else {}
