"""What one page shows, gathered from a card and the files beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any

from publisher.card.formats import human, plain, size
from publisher.card.readme import Readme, front_matter_end, parse
from publisher.card.trace import Rendered, Span
from publisher.checks.observe.itself import Itself
from publisher.checks.observe.target import RepoView
from publisher.checks.observe.tensors import read_header
from publisher.checks.registry import choose
from publisher.checks.run import check_view
from publisher.checks.source import Source
from publisher.preview.html import Locate, card_html, metadata_html
from publisher.preview.marking import worth_showing
from publisher.records.artifacts import RepoRef
from publisher.records.facts import CommandSource, Fact, FileSource, StatedSource
from publisher.records.findings import Report

README_FIELDS = ("language", "library_name", "pipeline_tag", "task_categories", "tags")
HUB = "https://huggingface.co"


@dataclass(frozen=True)
class Card:
    """A card to be shown, and what lies beside it.

    Attributes:
        tab: what the page is called in the row of tabs: an artifact's name.
        source: the repo's files, the card as README.md among them.
        files: all files with their sizes in bytes, those included that are known by the lock alone.
        times: when stages measured, by their names; those of which it is known.
    """

    tab: str
    ref: RepoRef
    rendered: Rendered
    source: Source
    files: Mapping[str, int]
    facts: Mapping[str, Fact] = field(default_factory=dict)
    times: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """A repo that is spoken of. `tab` is set where it is a part of this preview."""

    repo_id: str
    address: str
    relation: str = ""
    tab: str | None = None
    depth: int = 0
    here: bool = False


@dataclass(frozen=True)
class Weights:
    """What safetensors headers say, else what was measured: numbers of parameters by type."""

    parameters: str
    dtypes: str


@dataclass(frozen=True)
class Score:
    """One evaluation result of the front matter; `span` is its number in `Page.numbers`."""

    dataset: str
    metric: str
    value: str
    span: int | None


@dataclass(frozen=True)
class Page:
    """Everything that the template prints."""

    tab: str
    ref: RepoRef
    title: str
    licence: str
    chips: Sequence[str]
    body: str  # HTML that was sanitised
    metadata: str  # HTML that was escaped
    tree: Sequence[Link]
    datasets: Sequence[Link]
    weights: Weights | None
    files: Sequence[tuple[str, str]]
    total: str
    scores: Sequence[Score]
    report: Report
    numbers: Sequence[dict[str, Any]]


def page_of(card: Card, all_cards: Sequence[Card], locate: Locate) -> Page:
    """Gather one page."""
    text = card.rendered.text
    readme = _read(text)
    fields = readme.front_matter
    spans = worth_showing(card.rendered.spans)
    body = front_matter_end(text)
    chips = [str(chip) for name in README_FIELDS for chip in _several(fields.get(name))]
    return Page(
        tab=card.tab,
        ref=card.ref,
        title=card.ref.repo_id,
        licence=str(fields.get("license_name") or fields.get("license") or ""),
        chips=tuple(dict.fromkeys(chips)),
        body=card_html(text, readme.body_line, body, spans, locate),
        metadata=metadata_html(text, body, spans),
        tree=_tree(card, all_cards),
        datasets=[_link(str(repo), "dataset", all_cards) for repo in _several(fields.get("datasets"))],
        weights=_weights(card),
        files=[(path, size(length)) for path, length in sorted(card.files.items())],
        total=size(sum(card.files.values())),
        scores=_scores(fields, spans, len(text[:body].encode())),
        report=check_view(RepoView(card.source, Itself(card.ref.repo_id)), choose(), card.ref.repo_id),
        numbers=[_number(span, card.facts, card.times) for span in spans],
    )


@lru_cache(maxsize=32)
def _read(text: str) -> Readme:
    """Every page looks at the front matter of all cards, and most are as they were a moment ago."""
    return parse(text)


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _weights(card: Card) -> Weights | None:
    """Parameters by type, as the Hub counts them: every element of every tensor."""
    counts: Counter[str] = Counter()
    for entry in card.source.entries():
        if entry.path.endswith(".safetensors") and entry.readable:
            for tensor in read_header(card.source, entry).tensors.values():
                counts[tensor.dtype] += prod(tensor.shape)
    if counts:
        return Weights(human(counts.total()), ", ".join(f"{t} {human(n)}" for t, n in counts.most_common()))
    known = {name: card.facts.get(f"{card.tab}.{name}") for name in ("parameters", "dtype")}
    counted, dtype = known["parameters"], known["dtype"]
    if counted is None or not counted.known:
        return None
    return Weights(
        human(counted.value), str(dtype.value) if dtype is not None and dtype.known else "as measured"
    )


def _tree(card: Card, cards: Sequence[Card]) -> list[Link]:
    """From the base down to this model, and what in this preview was made from it."""
    parents: dict[str, tuple[str, str]] = {}
    for one in cards:
        fields = _read(one.rendered.text).front_matter
        bases = _several(fields.get("base_model"))
        if bases:
            parents[one.ref.repo_id] = (str(bases[0]), str(fields.get("base_model_relation") or ""))
    line = [card.ref.repo_id]
    while line[0] in parents and parents[line[0]][0] not in line:
        line.insert(0, parents[line[0]][0])
    below = [repo for repo, (parent, _) in parents.items() if parent == card.ref.repo_id and repo not in line]
    if len(line) + len(below) < 2:
        return []
    placed = [*enumerate(line), *((len(line), repo) for repo in below)]
    return [
        _link(repo, "model", cards, parents.get(repo, ("", ""))[1], depth, here=repo == card.ref.repo_id)
        for depth, repo in placed
    ]


def _link(
    repo: str, kind: str, cards: Sequence[Card], relation: str = "", depth: int = 0, *, here: bool = False
) -> Link:
    tab = next((card.tab for card in cards if card.ref.repo_id == repo), None)
    address = f"{HUB}/{'datasets/' if kind == 'dataset' else ''}{repo}"
    return Link(repo, address, relation, tab, depth, here)


def _scores(fields: Mapping[str, Any], spans: Sequence[Span], body: int) -> list[Score]:
    """The results of `model-index`; what is not of its form shows nothing, and the check says so."""
    found = []
    for model in _mappings(fields.get("model-index")):
        for result in _mappings(model.get("results")):
            data = result.get("dataset")
            dataset = str(data.get("name", "")) if isinstance(data, dict) else ""
            for metric in _mappings(result.get("metrics")):
                value = metric.get("value")
                number = next(
                    (n for n, s in enumerate(spans) if s.start < body and s.text == repr(value)), None
                )
                name = str(metric.get("name") or metric.get("type") or "")
                shown = plain(round(value, 4)) if isinstance(value, float) else str(value)
                found.append(Score(dataset, name, shown, number))
    return found


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in _several(value) if isinstance(one, dict)]


def _number(span: Span, facts: Mapping[str, Fact], times: Mapping[str, str]) -> dict[str, Any]:
    """A number and what stands behind it, as the page's script shows it: rows of a name and a value."""
    account = span.fact or span.stated
    fact = facts.get(account) if account else None
    rows: list[tuple[str, str]] = [("line", str(span.line))]
    if account is None:
        rows.append(("evidence", "none: state it in the manifest (`stated:`), or drop it"))
    elif fact is not None:
        rows += [("fact", fact.id), ("value", _value(fact)), ("stage", fact.stage)]
        rows += [("time", times[fact.stage])] if fact.stage in times else []
        rows += _evidence(fact)
    else:
        rows.append(("fact", account))
    return {"text": span.text, "line": span.line, "rows": rows}


def _value(fact: Fact) -> str:
    written = json.dumps(fact.value, ensure_ascii=False) if fact.known else fact.status
    return (written if len(written) <= 300 else f"{written[:300]} …") + (f" {fact.unit}" if fact.unit else "")


def _evidence(fact: Fact) -> Iterable[tuple[str, str]]:
    source = fact.source
    if isinstance(source, FileSource):
        yield "file", source.path
        if source.pointer:
            yield "pointer", source.pointer
        yield "sha256", source.sha256
    elif isinstance(source, CommandSource):
        yield "command", source.command
        yield "sha256", source.sha256
    elif isinstance(source, StatedSource):
        yield "stated", source.stated
    if fact.stand_in:
        yield "stand-in", "measured on a stand-in model"
