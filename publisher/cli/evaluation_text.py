"""An evaluation in the terminal: the card's own tables as aligned text, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from publisher.card import evaluated, formats
from publisher.records.facts import Fact, Facts, Json
from publisher.records.metrics import Metric


def text(facts: Facts) -> str:
    """The tables, an empty line between them; those without a value are left out."""
    tables = (
        _aligned(evaluated.losses(facts), _shown),
        _aligned(evaluated.answers(facts), _shown),
        _aligned(evaluated.differences(facts), _change),
    )
    return "\n\n".join(table for table in tables if table)


def document(facts: Facts) -> dict[str, Any]:
    """Every value with its interval; `differences` also with `against` and `p`."""
    tables = (evaluated.losses(facts), evaluated.answers(facts))
    return {
        "metrics": [row for table in tables for row in _rows(table)],
        "differences": [
            {**row, "against": facts.value(f"evaluate.{row['model']}.against")}
            for row in _rows(evaluated.differences(facts), "p")
        ],
    }


def _rows(table: evaluated.Table[evaluated.Row], *more: str) -> Iterator[dict[str, Json]]:
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            if cell.value is not None:
                named = {"model": column, "metric": row.metric.id, "unit": cell.value.unit}
                parts = ("value", "low", "high", *more)
                yield named | {part: _value(getattr(cell, part)) for part in parts}


def _value(fact: Fact | None) -> Json:
    return None if fact is None else fact.value


def _aligned(table: evaluated.Table[evaluated.Row], form: Callable[[Metric, Fact], str]) -> str:
    if not table.rows:
        return ""
    corner = "Against what it was made from" if form is _change else ""
    lines = [[corner, *(table.label(column) for column in table.columns)]]
    lines += [
        [row.metric.title, *(_cell(row.metric, cell, form) for cell in row.cells)] for row in table.rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cell(metric: Metric, cell: evaluated.Cell, form: Callable[[Metric, Fact], str]) -> str:
    if cell.value is None:
        return ""
    words = form(metric, cell.value)
    if cell.low is not None and cell.high is not None:
        words += f" [{form(metric, cell.low)}, {form(metric, cell.high)}]"
    return words if cell.p is None else f"{words} p={formats.number(cell.p.value, 4)}"


def _shown(metric: Metric, fact: Fact) -> str:
    form = formats.percent if metric.share else formats.number
    return formats.absent(fact) or form(fact.value, metric.decimals)


def _change(metric: Metric, fact: Fact) -> str:
    scale = 100 if metric.share else 1
    return formats.absent(fact) or formats.signed(scale * fact.value, metric.decimals)
