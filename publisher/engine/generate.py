"""Asking a loaded model: logits of a text, and a greedy answer to a prompt."""

from __future__ import annotations

from typing import Any

from publisher.engine.chat import Tokenizer, encode_prompt
from publisher.engine.load import Model
from publisher.engine.smoke import Answer

FALLBACK_PROMPT = "Hello, who are you?"  # where a manifest gives no prompts, something must still run

Tensor = Any  # torch.Tensor; naming it would import torch


def read_logits(model: Model, token_ids: list[int]) -> Tensor:
    """Logits of every position of one text: float32 on the CPU, shape (tokens, vocabulary)."""
    import torch

    with torch.inference_mode():
        input_ids = torch.tensor([token_ids], device=model.device)
        output = model(input_ids=input_ids, attention_mask=torch.ones_like(input_ids), use_cache=False)
        return output.logits[0].float().cpu()


def answer(model: Model, tokenizer: Tokenizer, prompt: str, max_new_tokens: int) -> Answer:
    """Greedy answer to one prompt through the chat template.

    The checkpoint's own `generation_config.json` says which tokens end a turn: if it forgets the end-of-turn
    token, users' generations run on, and so does this one.
    """
    import torch

    prompt_ids = encode_prompt(tokenizer, prompt)
    with torch.inference_mode():
        input_ids = torch.tensor([prompt_ids], device=model.device)
        output = model.generate(
            input_ids=input_ids,
            attention_mask=torch.ones_like(input_ids),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            num_beams=1,
        )
    generated = output[0, len(prompt_ids) :].tolist()
    ends = _end_ids(model)
    stopped = bool(generated) and generated[-1] in ends
    token_ids = generated[:-1] if stopped else generated
    text = tokenizer.decode(token_ids, skip_special_tokens=True).strip()
    return Answer(prompt, text, tuple(token_ids), stopped)


def _end_ids(model: Model) -> set[int]:
    ends = model.generation_config.eos_token_id
    if ends is None:
        return set()
    return {ends} if isinstance(ends, int) else set(ends)
