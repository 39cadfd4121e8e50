"""Training examples: encoded once, dealt out in an order that depends on nothing but the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from publisher.engine import chat
from publisher.engine.rows import read_rows
from publisher.errors import HubpubError


@dataclass(frozen=True)
class Example:
    """One example as tokens; `labels` has as many entries, `chat.IGNORED` where nothing is to be learnt."""

    input_ids: list[int]
    labels: list[int]

    @property
    def supervised(self) -> int:
        """How many of its tokens are learnt from (the first token is never predicted)."""
        return sum(label != chat.IGNORED for label in self.labels[1:])


def read_examples(data: Path, tokenizer: chat.Tokenizer, max_length: int) -> tuple[Example, ...]:
    """Read and encode the training rows.

    Raises:
        HubpubError: HP-D01, there are none; HP-D02, a column is missing or a value of it is no text; HP-D04, a
            row is longer than `max_length` tokens; HP-B05, the chat template.
    """
    examples = []
    for number, row in enumerate(read_rows(data, "train"), start=1):
        where = f"{data}/train-*.parquet, row {number}"
        if not all(isinstance(text, str) for text in row):
            hint = "drop the row or fill it in, then make the dataset again"
            raise HubpubError("HP-D02", "prompt or completion is empty", hint=hint, where=where, row=number)
        try:
            examples.append(Example(*chat.encode(tokenizer, row.prompt, row.completion, max_length)))
        except HubpubError as error:
            told = {"hint": error.hint, "where": where, "row": number}
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
