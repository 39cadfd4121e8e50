"""Greedy answers to many questions, several at a time: generation reads all weights for each token, however many ask."""

from __future__ import annotations

from collections.abc import Sequence

from publisher.engine.chat import IGNORED
from publisher.engine.example import Example, batch
from publisher.engine.generate import end_ids
from publisher.engine.jobs import Emit
from publisher.engine.load import Model
from publisher.engine.reader import Reader
from publisher.engine.smoke import Answer

TOGETHER = 8  # questions at a time


def question_of(example: Example) -> Example:
    """An encoded row without its last answer: what a model is given to answer."""
    taught = [label != IGNORED for label in example.labels]
    end = len(taught) - taught[::-1].index(True)
    start = next((at + 1 for at in reversed(range(end)) if not taught[at]), 0)
    return Example(
        example.input_ids[:start],
        [IGNORED] * start,
        {name: row[:start] for name, row in example.types.items()},
        example.pictures,
    )


def answer_all(
    model: Model, reader: Reader, questions: Sequence[Example], max_new_tokens: int, emit: Emit
) -> list[Answer]:
    """Greedy answers in the questions' order.

    Questions in words are padded on the left and masked. That leaves each answer what it would be alone, but for rounding:
    where two words are as likely as each other, the other one may be said. Questions with pictures are asked one by one.

    Args:
        model: in evaluation mode.
        reader: of the base.
        questions: as `question_of` makes them.
        max_new_tokens: an answer that is longer is cut off.
        emit: told after each batch.
    """
    # Questions of like length together: less padding to compute.
    order = sorted(range(len(questions)), key=lambda number: len(questions[number].input_ids))
    alone = any(question.pictures is not None for question in questions)
    together = 1 if alone else TOGETHER
    found: dict[int, Answer] = {}
    for start in range(0, len(order), together):
        chosen = order[start : start + together]
        asked = [questions[number] for number in chosen]
        for number, ids in zip(chosen, _generate(model, asked, reader, max_new_tokens), strict=True):
            found[number] = _read(model, reader, ids)
        emit({"step": "answers", "done": len(found), "of": len(order)})
    return [found[number] for number in range(len(questions))]


def _generate(
    model: Model, questions: Sequence[Example], reader: Reader, max_new_tokens: int
) -> list[list[int]]:
    """What is generated behind each question, padding included."""
    import torch

    longest = max(len(question.input_ids) for question in questions)
    inputs = batch(questions, reader.padding, model).inputs
    for row, question in enumerate(questions):
        # Generation goes on at the right end, so the padding moves to the left one.
        by = longest - len(question.input_ids)
        for name in ("input_ids", "attention_mask"):
            inputs[name][row] = inputs[name][row].roll(by)
    with torch.inference_mode():
        output = model.generate(
            **inputs,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            num_beams=1,
            pad_token_id=reader.padding,
        )
    return [list(row) for row in output[:, longest:].tolist()]


def _read(model: Model, reader: Reader, ids: list[int]) -> Answer:
    """An answer up to the end of its turn; what follows is padding."""
    ends = end_ids(model)
    length = next((at for at, token in enumerate(ids) if token in ends), None)
    said = tuple(ids if length is None else ids[:length])
    text = reader.tokenizer.decode(said, skip_special_tokens=True).strip()
    return Answer("", text, said, length is not None)
