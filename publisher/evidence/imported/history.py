"""What a trainer logged, row by row, in transformers' words: losses, evaluations, and the entry that closes a run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from publisher.evidence.imported.document import Document
from publisher.evidence.imported.fields import Values
from publisher.records.facts import Json

Row = dict[str, Json]

COLUMNS = ("loss", "learning_rate", "grad_norm", "epoch")
EVALUATED = ("eval_loss", "epoch")
NOT_FINITE = {"NaN": math.nan, "nan": math.nan, "Infinity": math.inf, "inf": math.inf, "-Infinity": -math.inf}
MOST = 2000  # rows that a fact holds; the lock and every card's evidence carry them


def plain(name: str) -> str:
    """A column as transformers calls it: trackers file them as `train/loss` and `eval/loss`."""
    group, slash, rest = name.partition("/")
    if not slash:
        return name
    return rest if group == "train" else f"{group}_{rest}"


def told(
    document: Document, rows: Iterable[Mapping[str, Json]], *, counter: str, optimizer_steps: bool
) -> Values:
    """Logged rows as values.

    Args:
        document: where they stand, for faults.
        rows: in the order of logging; of two for one step the later one counts: the run that went on.
        counter: the column that counts where none says the optimizer's step.
        optimizer_steps: whether `counter` is that step. A tracker's own counter says how often was logged.

    Raises:
        HubpubError: HP-A08, a value that is no number.
    """
    named = [{plain(name): value for name, value in row.items()} for row in rows]
    if any("global_step" in row for row in named):
        counter, optimizer_steps = "global_step", True
    log: dict[int, Row] = {}
    evaluations: dict[int, Row] = {}
    not_finite: Counter[str] = Counter()
    closing: list[Row] = []
    for row in named:
        step = _step(document, row, counter)
        for into, columns in ((log, COLUMNS), (evaluations, EVALUATED)):
            if step is not None and columns[0] in row:
                into[step] = into.get(step, {"step": step}) | _finite(document, row, columns, not_finite)
        closing += [row] if "train_runtime" in row else []
    values: Values = {}
    if log:
        values |= {
            "log": _in_order(log),
            "log_counts": "optimizer steps" if optimizer_steps else "log entries",
        }
    if evaluations:
        values["eval_log"] = _in_order(evaluations)
    if not_finite:
        values["log_not_finite"] = dict(sorted(not_finite.items()))
    return values | _closed(document, closing, named)


def ends(values: Values) -> Values:
    """First and last losses of logs that were put together; a loss that is no number is known to be none."""
    found: Values = {}
    log, evaluations = values.get("log") or [], values.get("eval_log") or []
    if log:
        found |= {"first_loss": log[0].get("loss"), "final_loss": log[-1].get("loss"), "log_rows": len(log)}
    if not any(row.get("loss") is not None for row in log):
        found["log"] = None
    elif len(log) > MOST:
        found["log"] = [log[round(i * (len(log) - 1) / (MOST - 1))] for i in range(MOST)]
    if evaluations:
        found["final_eval_loss"] = evaluations[-1].get("eval_loss")
    return {**values, **found} if log or evaluations else values


def _in_order(rows: dict[int, Row]) -> list[Row]:
    return [rows[step] for step in sorted(rows)]


def _step(document: Document, row: Row, counter: str) -> int | None:
    value = row.get(counter)
    if value is None:
        return None
    found = _number(document, counter, value)
    if not math.isfinite(found) or found < 0 or found != int(found):
        raise document.fault(
            f"{counter} in {document.name} is {value!r}, where a step belongs", counter, value
        )
    return int(found)


def _finite(document: Document, row: Row, columns: Iterable[str], not_finite: Counter[str]) -> Row:
    found: Row = {}
    for column in columns:
        if row.get(column) is not None:
            value = _number(document, column, row[column])
            finite = math.isfinite(value)
            not_finite[column] += not finite
            found[column] = value if finite else None
    not_finite += Counter()  # drops the zeros
    return found


def _closed(document: Document, closing: list[Row], rows: list[Row]) -> Values:
    """The entry that ends a run: mean loss and time. A run in several parts has several, and no one time."""
    names = {"train_loss": "mean_loss", "train_runtime": "seconds"}
    values: Values = {}
    for name, fact_id in names.items():
        if len(closing) == 1 and name in closing[0]:
            value = _number(document, name, closing[0][name])
            values[fact_id] = value if math.isfinite(value) else None
    if len(closing) == 1 and "global_step" in closing[0]:
        values["steps"] = _step(document, closing[0], "global_step")
    counted = [row["num_tokens"] for row in rows if row.get("num_tokens") is not None]
    if counted and (tokens := _number(document, "num_tokens", counted[-1])) > 0 and tokens == int(tokens):
        values["tokens_seen"] = int(tokens)
    return values


def _number(document: Document, name: str, value: Json) -> float:
    value = NOT_FINITE.get(value, value) if isinstance(value, str) else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        what = f"{name} in {document.name} is {str(value)[:40]!r}, where a number belongs"
        raise document.fault(what, name, value)
    return value
