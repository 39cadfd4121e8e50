"""Prompts and answers as tokens: training, evaluation and smoke prompts see the very same ones.

The chat template is rendered as text and cut where generation would begin; the two parts are tokenized apart.
So the prompt has the tokens that it will have in use, and no token spans the seam between prompt and answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from publisher.errors import HubpubError

IGNORED = -100  # the label that torch's cross entropy leaves out

Tokenizer = Any  # transformers.PreTrainedTokenizerBase; naming it would import transformers


class Batch(NamedTuple):
    """Rows of equal length, padded on the right: each list of shape (rows, tokens of the longest row)."""

    input_ids: list[list[int]]
    attention_mask: list[list[int]]
    labels: list[list[int]]


def prompt_text(tokenizer: Tokenizer, prompt: str) -> str:
    """One user turn through the chat template, up to where the model's answer begins.

    Raises:
        HubpubError: HP-B05, the tokenizer has no chat template.
    """
    return _render(tokenizer, [{"role": "user", "content": prompt}], add_generation_prompt=True)


def encode_prompt(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """Token ids of one user turn, generation prompt included, as `generate` is given them."""
    return _ids(tokenizer, prompt_text(tokenizer, prompt))


def encode(
    tokenizer: Tokenizer, prompt: str, completion: str, max_length: int | None = None
) -> tuple[list[int], list[int]]:
    """One example as token ids and labels of the same length.

    Labels are `IGNORED` up to the answer, then the answer's own ids, the end-of-turn token included: without it
    a model never learns to stop. Line breaks that a template puts behind the end of the turn are left out, since
    no model is ever asked for them and their near-zero loss would flatter the mean.

    Args:
        tokenizer: with a chat template.
        prompt: the user's turn.
        completion: the model's turn.
        max_length: in tokens; longer examples are refused, never cut. None = no limit.

    Raises:
        HubpubError: HP-B05, no chat template or one whose prompts are no prefix of the conversation;
            HP-D04, longer than `max_length`.
    """
    head = prompt_text(tokenizer, prompt)
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
    whole = _render(tokenizer, turns, add_generation_prompt=False)
    if not whole.startswith(head):
        raise HubpubError(
            "HP-B05",
            "the chat template renders a prompt differently once it is answered, "
            "so prompt and answer cannot be told apart",
            hint="give the base a chat template that only ever appends: "
            "the conversation must start with the prompt as `add_generation_prompt` renders it",
            prompt=prompt,
        )
    answer = whole[len(head) :].rstrip()
    if answer == completion.strip() and tokenizer.eos_token:
        answer += tokenizer.eos_token  # a template that does not close the turn itself
    prompt_ids, answer_ids = _ids(tokenizer, head), _ids(tokenizer, answer)
    length = len(prompt_ids) + len(answer_ids)
    if max_length is not None and length > max_length:
        raise HubpubError(
            "HP-D04",
            f"an example has {length} tokens, the limit is {max_length}: {prompt[:60]!r}",
            hint=f"raise `max_length` to {length} or more, or drop the example from the dataset",
            length=length,
            max_length=max_length,
        )
    return prompt_ids + answer_ids, [IGNORED] * len(prompt_ids) + answer_ids


def pad(rows: Sequence[tuple[list[int], list[int]]], pad_id: int) -> Batch:
    """Bring `(input_ids, labels)` rows to the length of the longest; padding has mask 0 and label `IGNORED`."""
    longest = max(len(ids) for ids, _ in rows)
    return Batch(
        [ids + [pad_id] * (longest - len(ids)) for ids, _ in rows],
        [[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in rows],
        [labels + [IGNORED] * (longest - len(labels)) for _, labels in rows],
    )


def pad_id(tokenizer: Tokenizer) -> int:
    """A token id to pad with: the tokenizer's own, else its end-of-text (it is masked, so any would do)."""
    for token_id in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if token_id is not None:
            return int(token_id)
    return 0


def _render(tokenizer: Tokenizer, turns: list[dict[str, str]], *, add_generation_prompt: bool) -> str:
    if not tokenizer.chat_template:
        raise HubpubError(
            "HP-B05",
            "the tokenizer has no chat template",
            hint="add `chat_template.jinja` to the base's folder, or release an instruction-tuned base",
        )
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=add_generation_prompt)
    return str(text)


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    # The template has written the special tokens already; adding them again would double the first one.
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
