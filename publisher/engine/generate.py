"""Asking a loaded model: logits of a text, and a greedy answer to a prompt."""

from __future__ import annotations

from typing import Any

from publisher.engine.chat import Tokenizer
from publisher.engine.example import Example, batch, example_of
from publisher.engine.load import Model
from publisher.engine.reader import Question
from publisher.engine.smoke import Answer

FALLBACK_PROMPT = "Hello, who are you?"  # where a manifest gives no prompts, something must still run

Tensor = Any  # torch.Tensor; naming it would import torch


def read_logits(model: Model, text: Example | list[int]) -> Tensor:
    """Logits of every position of one text, pictures included: float32 on the CPU, shape (tokens, vocabulary)."""
    import torch

    with torch.inference_mode():
        inputs = batch([example_of(text)], 0, model).inputs
        return model(**inputs, use_cache=False).logits[0].float().cpu()


def answer(model: Model, tokenizer: Tokenizer, question: Question, max_new_tokens: int) -> Answer:
    """Greedy answer to one prompt, pictures included.

    The checkpoint's own `generation_config.json` says which tokens end a turn: if it forgets the end-of-turn
    token, users' generations run on, and so does this one.

    Args:
        model: in evaluation mode.
        tokenizer: decodes what was said.
        question: as `Reader.question` makes it.
        max_new_tokens: an answer that is longer is cut off.
    """
    import torch

    with torch.inference_mode():
        inputs = batch([question.text], 0, model).inputs
        output = model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False, num_beams=1)
    generated = output[0, len(question.text.input_ids) :].tolist()
    ends = end_ids(model)
    stopped = bool(generated) and generated[-1] in ends
    token_ids = generated[:-1] if stopped else generated
    text = tokenizer.decode(token_ids, skip_special_tokens=True).strip()
    return Answer(question.prompt, text, tuple(token_ids), stopped)


def end_ids(model: Model) -> set[int]:
    """The tokens that end a turn, as the checkpoint's own generation settings name them."""
    ends = model.generation_config.eos_token_id
    if ends is None:
        return set()
    return {ends} if isinstance(ends, int) else set(ends)
