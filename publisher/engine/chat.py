"""Prompts and answers as tokens: training, evaluation and smoke prompts see the very same ones.

The chat template is rendered as text and cut where generation would begin; the two parts are tokenized apart.
So the prompt has the tokens that it will have in use, and no token spans the seam between prompt and answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from publisher.errors import HubpubError

IGNORED = -100  # the label that torch's cross entropy leaves out

Tokenizer = Any  # transformers.PreTrainedTokenizerBase; naming it would import transformers
Renderer = Any  # a tokenizer, or a transformers.ProcessorMixin: both have a chat template
Message = Mapping[str, Any]  # `role`, and `content`: text, or a list of parts


class Piece(NamedTuple):
    """A stretch of a rendered conversation; `taught` is what the model says."""

    text: str
    taught: bool


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
    return render(tokenizer, [{"role": "user", "content": prompt}], add_generation_prompt=True)


def encode_prompt(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """Token ids of one user turn, generation prompt included, as `generate` is given them."""
    return ids_of(tokenizer, prompt_text(tokenizer, prompt))


def cut(renderer: Renderer, turns: Sequence[Message], end: str) -> Iterator[Piece]:
    """A conversation as the template renders it, cut before and behind every answer.

    An answer has the end of its turn with it: without it a model never learns to stop. Line breaks that a template puts
    behind the end of the turn belong to what follows, since no model is ever asked for them and their near-zero loss would
    flatter the mean.

    Args:
        renderer: tokenizer or processor, with a chat template.
        turns: `role` and `content` each, as the template wants them; the last is the assistant's.
        end: what closes a last answer that the template leaves open; the tokenizer's end of text.

    Raises:
        HubpubError: HP-B05, no chat template, or an answer cannot be told from what stands before it.
    """
    done = ""
    for at, turn in enumerate(turns):
        if turn["role"] != "assistant":
            continue
        head = render(renderer, turns[:at], add_generation_prompt=True)
        whole = render(renderer, turns[: at + 1], add_generation_prompt=False)
        if not (head.startswith(done) and whole.startswith(head)):
            raise HubpubError(
                "HP-B05",
                "the chat template renders a prompt differently once it is answered, "
                "so prompt and answer cannot be told apart",
                hint="give the base a chat template that only ever appends: "
                "the conversation must start with the prompt as `add_generation_prompt` renders it",
                prompt=words_of(turns[at - 1]),
            )
        answer = whole[len(head) :].rstrip()
        yield Piece(head[len(done) :], taught=False)
        done = head + answer
        if at == len(turns) - 1 and answer == words_of(turn).strip():
            answer += end
        yield Piece(answer, taught=True)


def words_of(turn: Message) -> str:
    """The words of a turn, whatever form its content has."""
    content = turn["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def refuse_longer(length: int, max_length: int | None, prompt: str) -> None:
    """Refuse an example of more tokens than are allowed.

    Raises:
        HubpubError: HP-D04.
    """
    if max_length is not None and length > max_length:
        raise HubpubError(
            "HP-D04",
            f"an example has {length} tokens, the limit is {max_length}: {prompt[:60]!r}",
            hint=f"raise `max_length` to {length} or more, or drop the example from the dataset",
            length=length,
            max_length=max_length,
        )


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


def render(renderer: Renderer, turns: Sequence[Message], *, add_generation_prompt: bool) -> str:
    """A conversation as the chat template writes it.

    Raises:
        HubpubError: HP-B05, there is no chat template, or it cannot write this conversation.
    """
    from jinja2 import TemplateError

    if not renderer.chat_template:
        raise HubpubError(
            "HP-B05",
            "the tokenizer has no chat template",
            hint="add `chat_template.jinja` to the base's folder, or release an instruction-tuned base",
        )
    try:
        text = renderer.apply_chat_template(
            list(turns), tokenize=False, add_generation_prompt=add_generation_prompt
        )
    except (TemplateError, TypeError) as error:  # it adds words to a list, or has no place for a role
        raise HubpubError(
            "HP-B05",
            f"the chat template cannot write this conversation: {error}",
            hint="take the chat template of the model itself; one for pictures reads lists of parts",
        ) from error
    return str(text)


def ids_of(tokenizer: Tokenizer, text: str) -> list[int]:
    """Token ids of a text that a template has rendered."""
    # The template has written the special tokens already; adding them again would double the first one.
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
