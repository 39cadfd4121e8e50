"""Training examples: encoded once, dealt out in an order that depends on nothing but the seed."""

from __future__ import annotations

import random
from pathlib import Path

from publisher.engine.example import Example
from publisher.engine.reader import Reader
from publisher.engine.rows import evenly, read_rows
from publisher.errors import HubpubError


def read_examples(
    data: Path, reader: Reader, max_length: int, split: str = "train", most: int | None = None
) -> tuple[Example, ...]:
    """Read and encode the rows of a split; at most so many, evenly over all.

    Raises:
        HubpubError: HP-D01, there are none; HP-D02, a column is missing, or a row is no conversation or shows pictures
            that cannot be read; HP-D04, a row is longer than `max_length` tokens; HP-B05, the chat template.
    """
    rows = read_rows(data, split)
    examples = []
    for number in evenly(len(rows), most):
        try:
            examples.append(reader.encode(rows[number], max_length))
        except HubpubError as error:
            told = {
                "hint": error.hint,
                "where": f"{data}/{split}-*.parquet, row {number + 1}",
                "row": number + 1,
            }
            raise HubpubError(error.code, error.what, **(error.data | told)) from error
    return tuple(examples)


def deal(count: int, seed: int, start: int, number: int) -> list[int]:
    """Indices of the examples `start` … `start + number - 1` of an endless stream of shuffled epochs.

    A function of its arguments alone, so a resumed run needs no sampler's state to go on where it was.
    """
    stream = range(start, start + number)
    epochs = {epoch: _shuffled(count, seed, epoch) for epoch in {position // count for position in stream}}
    return [epochs[position // count][position % count] for position in stream]


def _shuffled(count: int, seed: int, epoch: int) -> list[int]:
    order = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    return order
