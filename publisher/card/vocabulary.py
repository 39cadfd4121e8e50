"""The words that templates may use: functions that look facts up, and filters that print them, each with its mark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from publisher.card import benchmarks, evaluated, formats
from publisher.card.evaluated import Row, Table
from publisher.card.markdown import place
from publisher.card.marks import Because, Marks
from publisher.card.needs import missing, quoted
from publisher.card.tree import Line, tree
from publisher.card.view import PLACED_PROSE, CardInput, Prose
from publisher.records.artifacts import KINDS, Kind
from publisher.records.facts import Fact, Json

Filter = Callable[..., str]

# Columns of the training log, and their units.
LOG_UNITS = {
    "step": None,
    "loss": None,
    "learning_rate": None,
    "grad_norm": None,
    "tokens": None,
    "seconds": "s",
}

# Columns of the table of variants.
VARIANT_PARTS = ("repo", "file", "format", "size_bytes", "memory_bytes", "loss_change", "note")


class MissingFactError(LookupError):
    """A template asked for a fact that is not there; the renderer knows the template and the line."""

    def __init__(self, fact_id: str) -> None:
        self.fact_id = fact_id
        super().__init__(fact_id)


class Vocabulary:
    """What one rendering of one card can say."""

    def __init__(self, card: CardInput, marks: Marks) -> None:
        self._card = card
        self._marks = marks

    # --- looking facts up

    def fact(self, fact_id: str) -> Fact:
        """The fact of that id, whatever its status."""
        if fact_id not in self._card.facts:
            raise MissingFactError(fact_id)
        return self._card.facts[fact_id]

    def has(self, fact_id: str) -> bool:
        """Whether the fact is there, be it unknown or refused."""
        return fact_id in self._card.facts

    def known(self, *fact_ids: str) -> bool:
        """Whether all of these facts have values."""
        return all(fact_id in self._card.facts and self._card.facts[fact_id].known for fact_id in fact_ids)

    def under(self, prefix: str) -> list[tuple[str, Fact]]:
        """Facts below a prefix, each with the rest of its id: `under('dataset.dropped')`."""
        start = f"{prefix}."
        return [(i.removeprefix(start), fact) for i, fact in self._card.facts.items() if i.startswith(start)]

    def model_tree(self) -> list[Line]:
        """The base model's modules, line by line."""
        return tree(self._card.facts)

    def variants(self) -> list[dict[str, Fact | str | None]]:
        """What is to be had of this model: the facts of each variant by their last part, or else the release's repos."""
        told: dict[str, dict[str, Fact | str | None]] = {}
        for fact_id, fact in self.under("variant"):
            name, _, part = fact_id.rpartition(".")
            told.setdefault(name, dict.fromkeys(VARIANT_PARTS))[part] = fact
        return list(told.values()) or [row for kind in KINDS if (row := self._repo_row(kind))]

    def _repo_row(self, kind: Kind) -> dict[str, Fact | str | None] | None:
        repo = self._card.repo_id if kind == self._card.kind else self._card.sibling(kind)
        if repo is None or kind == "dataset" or f"{kind}.size_bytes" not in self._card.facts:
            return None
        ids = {
            "format": f"{kind}.dtype",
            "size_bytes": f"{kind}.size_bytes",
            "memory_bytes": f"validate.{kind}.peak_rss_bytes",
            "loss_change": f"evaluate.{kind}.loss_change",
        }
        parts = {part: self._card.facts.get(fact_id) for part, fact_id in ids.items()}
        return {**dict.fromkeys(VARIANT_PARTS), **parts, "repo": repo}

    def evaluated(self) -> dict[str, Table[Row]]:
        """The tables of the evaluation: `losses`, `answers`, and `differences` on the same rows."""
        tables = (evaluated.losses, evaluated.answers, evaluated.differences)
        return {table.__name__: table(self._card.facts) for table in tables}

    def evaluated_here(self) -> dict[str, str]:
        """The models in this repo that an evaluation speaks of, and what each is called."""
        kinds = evaluated.kinds_in(self._card.kind, self._card.facts)
        return {kind: evaluated.label(kind) for kind in kinds if self.has(f"evaluate.{kind}.loss")}

    def unmeasured(self) -> dict[str, Fact]:
        """Why a model of the release has no numbers, by what it is called."""
        return evaluated.unmeasured(self._card.facts)

    def benchmark_table(self) -> Table[benchmarks.Row]:
        """What the models got on public benchmarks."""
        return benchmarks.table(self._card.facts)

    def benchmarked_here(self) -> tuple[str, ...]:
        """The models in this repo that benchmarks speak of."""
        return benchmarks.here(self.benchmark_table(), self._card.kind)

    def benchmark_tasks(self) -> dict[str, benchmarks.About]:
        """What is true of each task whatever model it was given, by name."""
        return benchmarks.tasks(self._card.facts)

    def benchmark_files(self) -> dict[str, benchmarks.File]:
        """Where that was read from, by kind of model."""
        return benchmarks.files(self._card.facts)

    # --- the author's words

    def prose(self, section: str, under: str = "") -> str:
        """What the author wrote for a section, fitted under our heading; facts that it quotes are printed."""
        parts = (self._written(prose, under) for prose in self._card.own_prose if prose.section == section)
        return "\n\n".join(part for part in parts if part)

    def more_prose(self) -> list[tuple[str, str]]:
        """Sections that the built-in templates have no place for: heading and text."""
        names = dict.fromkeys(p.section for p in self._card.own_prose if p.section not in PLACED_PROSE)
        titles = ((name, name.replace("_", " ").replace("-", " ").capitalize()) for name in names)
        return [(title, self.prose(name, title)) for name, title in titles]

    def _written(self, prose: Prose, under: str) -> str:
        text = place(prose.text, under)
        for match in reversed(list(quoted(text))):
            fact_id = match["id"]
            if fact_id not in self._card.facts:
                line = prose.text[: prose.text.find(match.group())].count("\n") + 1
                raise missing(fact_id, self._card, where=f"{prose.path}:{line}", template=prose.path)
            form = self.filters().get(match["form"] or "shown")
            if form is None:
                raise formats.FormatError(f"there is no form {match['form']} for {fact_id} in {prose.path}")
            text = text[: match.start()] + form(self._card.facts[fact_id]) + text[match.end() :]
        return self._marks.wrap(prose, text)

    # --- printing

    def link(self, repo: str | Fact, kind: str = "model") -> str:
        """A Markdown link to a repo of the Hub, by its id."""
        folder = "datasets/" if kind == "dataset" else ""
        label = self._print(repo, formats.text) if isinstance(repo, Fact) else repo
        repo_id = repo.value if isinstance(repo, Fact) else repo
        return f"[{label}]({self._card.hub_url}/{folder}{quote(str(repo_id), safe='/')})"

    def check(self, words: str) -> str:
        """The outcome of a check, in the caller's words."""
        return self._marks.wrap(Because("check"), formats.text(words))

    def finalize(self, value: Any) -> Any:
        """What `{{ … }}` does to a value without a filter."""
        if isinstance(value, Fact):
            return self._print(value, lambda known: formats.shown(known, value.unit))
        if value is None or isinstance(value, bool | list | tuple | dict | Mapping):
            raise formats.FormatError(f"a template prints {value!r}, which is no text")
        return value

    def filters(self) -> dict[str, Filter]:
        """Filters by name. Each takes a fact, and most also a plain value."""
        printed: dict[str, Callable[..., str]] = {
            "integer": formats.integer,
            "count": formats.count,
            "human": formats.human,
            "number": formats.number,
            "signed": formats.signed,
            "points": formats.points,
            "dimensions": formats.dimensions,
            "shell_json": formats.shell_json,
            "exponent": formats.exponent,
            "percent": formats.percent,
            "bytes": formats.size,
            "duration": formats.duration,
            "text": formats.text,
            "spelled": formats.spelled,
            "code": formats.code,
            "joined": formats.joined,
            "python": formats.python,
            "bibtex": formats.bibtex,
        }
        filters = {name: self._filter(form) for name, form in printed.items()}
        return {**filters, "shown": self.finalize}

    def _filter(self, form: Callable[..., str]) -> Filter:
        def apply(value: Any, *args: Any) -> str:
            if isinstance(value, Fact):
                return self._print(value, lambda known: form(known, *args))
            return form(value, *args)

        return apply

    def _print(self, fact: Fact, form: Callable[[Json], str]) -> str:
        return self._marks.wrap(fact, formats.absent(fact) or form(fact.value))


def log_rows(log: Fact, most: int = 12) -> list[dict[str, Fact]]:
    """Rows of a training log, evenly chosen, the first and the last among them; each value is a fact of its own."""
    rows = log.value if log.known and isinstance(log.value, list) else []
    if len(rows) > most:
        rows = [rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)]
    return [{name: _part(log, row.get(name), unit) for name, unit in LOG_UNITS.items()} for row in rows]


def change_rows(changes: Fact, most: int = 20) -> list[dict[str, Fact]]:
    """The first rows of what changed, each with `name`, `before` and `after`; a side that was not set is unknown."""
    rows = changes.value if changes.known and isinstance(changes.value, list) else []
    return [
        {
            "name": _part(changes, row.get("name"), None),
            **{side: _part(changes, row.get(side), row.get("unit")) for side in ("before", "after")},
        }
        for row in rows[:most]
    ]


def _part(log: Fact, value: Json, unit: str | None) -> Fact:
    return replace(log, value=value, unit=unit, status="unknown" if value is None else "known")
