"""How likely a model finds texts that others wrote, as answers to held-out questions."""

from __future__ import annotations

import dataclasses

from publisher.engine.evaluate import SPLIT, measure_losses
from publisher.engine.jobs import Emit, JobResult, Likelihood
from publisher.engine.load import load_model
from publisher.engine.reader import load_reader
from publisher.engine.rows import Row, Turn, read_rows


def run(job: Likelihood, emit: Emit) -> JobResult:
    """Read each text once, however many said it.

    Returns:
        In the details, by whom: `nats`, the log-likelihood of each text with the end of its turn, and its `tokens`.

    Raises:
        HubpubError: HP-D01, HP-D02 and HP-B05 as `Evaluate`; HP-E05, a loss is not finite; what loading raises.
    """
    rows = read_rows(job.data, SPLIT)
    reader = load_reader(job.model)
    pairs = {who: list(zip(job.rows, texts, strict=True)) for who, texts in job.texts.items()}
    once = list(dict.fromkeys(pair for said in pairs.values() for pair in said))
    examples = [reader.encode(answered(rows[row], text)) for row, text in once]
    losses = measure_losses("base", load_model(job.model), examples, reader.padding, emit)
    found = dict(zip(once, losses, strict=True))
    return JobResult(
        (),
        {
            who: {
                "nats": [-found[pair].loss for pair in said],
                "tokens": [found[pair].tokens for pair in said],
            }
            for who, said in pairs.items()
        },
    )


def answered(row: Row, text: str) -> Row:
    """The same conversation with another last answer."""
    return dataclasses.replace(row, turns=(*row.turns[:-1], Turn("assistant", (text,))))
