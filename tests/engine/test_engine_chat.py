"""Training, evaluation and use must see the same tokens: a seam in another place is a silent loss of quality."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from publisher.engine.chat import IGNORED, encode_prompt, pad, pad_id
from publisher.engine.load import load_tokenizer
from publisher.engine.reader import Reader
from publisher.engine.rows import Row
from publisher.errors import HubpubError

pytestmark = pytest.mark.models


@pytest.fixture
def tokenizer(tiny_base: Path) -> Any:
    return load_tokenizer(tiny_base)


def encode(
    tokenizer: Any, prompt: str, completion: str, max_length: int | None = None
) -> tuple[list[int], list[int]]:
    example = Reader(tokenizer).encode(Row.of(prompt, completion), max_length)
    return example.input_ids, example.labels


def test_labels_are_the_answer_and_its_end_of_turn_and_nothing_else(tokenizer: Any) -> None:
    """A model that never sees its end of turn never stops; a line break behind it only flatters the loss."""
    input_ids, labels = encode(tokenizer, "1+2=?", "3")
    answer = [label for label in labels if label != IGNORED]

    assert ("3<|im_end|>", len(input_ids)) == (tokenizer.decode(answer), len(labels))


def test_an_example_begins_with_exactly_the_tokens_that_generation_is_given(tokenizer: Any) -> None:
    """What was trained behind a prompt must be what is asked behind it."""
    prompt = encode_prompt(tokenizer, "how many cars?")
    input_ids, labels = encode(tokenizer, "how many cars?", "two")

    assert (prompt, [IGNORED] * len(prompt)) == (input_ids[: len(prompt)], labels[: len(prompt)])


def test_a_template_that_does_not_close_the_turn_gets_the_end_of_text(tokenizer: Any) -> None:
    """Plain `User: … Assistant: …` templates are common, and would teach a model to run on."""
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
    )
    _, labels = encode(tokenizer, "1+2=?", "3")

    assert "3<|im_end|>" == tokenizer.decode([label for label in labels if label != IGNORED])


def test_an_example_that_is_too_long_is_refused_with_its_length(tokenizer: Any) -> None:
    """A cut answer teaches half an answer."""
    length = len(encode(tokenizer, "1+2=?", "3")[0])
    with pytest.raises(HubpubError) as caught:
        encode(tokenizer, "1+2=?", "3", length - 1)

    assert ("HP-D04", length) == (caught.value.code, caught.value.data["length"])


@pytest.mark.parametrize(
    "template",
    [None, "{% if add_generation_prompt %}open{% else %}closed{% endif %}"],
    ids=["none", "no prefix"],
)
def test_a_template_that_hides_the_seam_is_refused(tokenizer: Any, template: str | None) -> None:
    """Guessing where the answer begins would train on the prompt, or on half of the answer."""
    tokenizer.chat_template = template
    with pytest.raises(HubpubError) as caught:
        encode(tokenizer, "1+2=?", "3")

    assert "HP-B05" == caught.value.code


def test_padding_is_masked_and_never_a_label(tokenizer: Any) -> None:
    """Padding that counts would make the loss depend on the batch."""
    batch = pad([([5, 6, 7], [IGNORED, 6, 7]), ([8], [8])], pad_id(tokenizer))

    assert ([[5, 6, 7], [8, 0, 0]], [[1, 1, 1], [1, 0, 0]], [[IGNORED, 6, 7], [8, IGNORED, IGNORED]]) == batch
