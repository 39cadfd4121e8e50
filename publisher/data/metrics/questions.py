"""What models are asked of a dataset: its held-out questions, each once, with every answer that the data has to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from publisher.data.aerial import pointing
from publisher.data.installed import installed
from publisher.data.rows import parquet_splits
from publisher.records.digest import digest

SPLIT = "validation"
BY_RULE = "original"  # the `expression_type` of what rules wrote, not a language model or a person

Cells = Mapping[str, Any]
T = TypeVar("T")

_ASKED = ("prompt", "completion", "messages", "images")
_ITEM = ("scene_id", "object_id", "expression", "expression_type")


@dataclass(frozen=True)
class Question:
    """One prompt with its pictures.

    Attributes:
        row: the first row of the split that asks it, from 0.
        references: the answers that the data has to it, in the order of rows, each once.
        by_rule: what rules say of the same item, where the references are worded by others; else empty.
        target: the item that is asked for in its scene; None where the rows do not tell what stands there.
    """

    row: int
    references: tuple[str, ...]
    by_rule: tuple[str, ...] = ()
    target: pointing.Target | None = None


def read_questions(folder: Path, most: int) -> tuple[Question, ...]:
    """At most so many questions of the held-out split, evenly over all.

    Args:
        folder: a dataset, or the `data/` in it; rows as training reads them, `prompt` and `completion` or `messages`.
        most: 0 = none.

    Raises:
        HubpubError: HP-D01, no Parquet files; HP-E01, no pyarrow.
    """
    rows = list(_rows(folder))
    asked: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        asked.setdefault(_identity(row), []).append(number)
    said = _said_by_rule(rows)
    return tuple(_question(rows, numbers, said) for numbers in evenly(list(asked.values()), most))


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most so many items, evenly over all: neighbours often show the same scene."""
    if len(items) <= most:
        return list(items)
    return [items[index * len(items) // most] for index in range(most)]


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    parquet = installed("pyarrow.parquet")
    for path in parquet_splits(folder).get(SPLIT, ()):
        there = parquet.read_schema(path).names
        wanted = dict.fromkeys((*_ASKED, *_ITEM, *pointing.COLUMNS))
        for batch in parquet.ParquetFile(path).iter_batches(
            batch_size=100, columns=[name for name in wanted if name in there]
        ):
            for row in batch.to_pylist():
                yield row | {"images": [_sha256(image) for image in row.get("images") or ()]}


def _sha256(image: Any) -> str:
    """All that is kept of a picture: whether two questions show the same one."""
    content = image.get("bytes") if isinstance(image, dict) else image
    return hashlib.sha256(content or b"").hexdigest()


def _identity(row: Cells) -> str:
    turns = row["messages"][:-1] if "messages" in row else row["prompt"]
    return digest([turns, row["images"]])


def _answer(row: Cells) -> str:
    if "messages" not in row:
        return str(row["completion"])
    content = row["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text") or "" for part in content)


def _said_by_rule(rows: Sequence[Cells]) -> dict[tuple[Any, Any], list[str]]:
    """What rules say of each item of each scene."""
    said: dict[tuple[Any, Any], list[str]] = {}
    for row in rows:
        if all(name in row for name in _ITEM) and row["expression_type"] == BY_RULE:
            said.setdefault((row["scene_id"], row["object_id"]), []).append(row["expression"])
    return said


def _question(
    rows: Sequence[Cells], numbers: Sequence[int], said: Mapping[tuple[Any, Any], list[str]]
) -> Question:
    first = rows[numbers[0]]
    worded = [_answer(rows[n]) for n in numbers if rows[n].get("expression_type", "") != BY_RULE]
    by_rule = said.get((first.get("scene_id"), first.get("object_id")), []) if worded else []
    references = worded or [_answer(rows[n]) for n in numbers]
    located = all(first.get(name) is not None for name in pointing.COLUMNS)
    return Question(
        row=numbers[0],
        references=tuple(dict.fromkeys(references)),
        by_rule=tuple(dict.fromkeys(by_rule)),
        target=pointing.target_of(first) if located else None,
    )
