"""Asking a GGUF file through llama.cpp itself (the package `xllamacpp`), with the file's own chat template."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path
from typing import Any

from publisher.engine.chat import Tokenizer, encode_prompt
from publisher.engine.jobs import SmokePrompt
from publisher.engine.smoke import Answer
from publisher.errors import HubpubError

PACKAGE = "xllamacpp"
_SPARE = 64  # tokens of context: the file's template may say more than the tokenizer's


def version() -> str | None:
    """The installed version of the package that carries llama.cpp; None where there is none."""
    return metadata.version(PACKAGE) if importlib.util.find_spec(PACKAGE) else None


def ask(
    file: Path, tokenizer: Tokenizer | None, prompts: tuple[SmokePrompt, ...], *, mmproj: Path | None = None
) -> list[Answer]:
    """Greedy answers to the prompts, one after the other.

    Args:
        file: the first, or only, part of a model.
        tokenizer: of the model that it was made of; counts and splits what was said. None where there is none: then an
            answer has no tokens, and the prompts must be short.
        prompts: what is asked, one at least.
        mmproj: the vision part, where there is one.

    Raises:
        HubpubError: HP-E03, llama.cpp does not load the file, or gives no answer.
    """
    import os

    import xllamacpp

    longest = max(_tokens(tokenizer, p) + p.max_new_tokens for p in prompts)
    params: Any = xllamacpp.CommonParams()
    params.model.path = str(file)
    if mmproj is not None:
        params.mmproj.path = str(mmproj)
    params.n_ctx = longest + _SPARE
    params.n_parallel = 1
    params.warmup = False
    params.use_jinja = True  # the file's own template, whatever it is
    params.cpuparams.n_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    params.cpuparams_batch.n_threads = params.cpuparams.n_threads
    try:
        server: Any = xllamacpp.Server(params)
    except RuntimeError as error:
        raise _refused(file, str(error)) from error
    return [_ask(server, file, tokenizer, prompt) for prompt in prompts]


def _tokens(tokenizer: Tokenizer | None, prompt: SmokePrompt) -> int:
    return (
        len(encode_prompt(tokenizer, prompt.prompt)) if tokenizer is not None else len(prompt.prompt.encode())
    )


def _ask(server: Any, file: Path, tokenizer: Tokenizer | None, prompt: SmokePrompt) -> Answer:
    reply = server.handle_chat_completions(
        {
            "messages": [{"role": "user", "content": prompt.prompt}],
            "max_tokens": prompt.max_new_tokens,
            "temperature": 0.0,
            "seed": 0,
            "cache_prompt": False,
        }
    )
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not choices:
        raise _refused(file, str(reply)[:200])
    text = str(choices[0]["message"].get("content") or "")
    ids = tuple(tokenizer(text, add_special_tokens=False)["input_ids"]) if tokenizer is not None else ()
    return Answer(prompt.prompt, text.strip(), ids, choices[0].get("finish_reason") == "stop")


def _refused(file: Path, said: str) -> HubpubError:
    return HubpubError(
        "HP-E03",
        f"llama.cpp does not run {file.name}: {said}",
        hint="make the file again, with a converter of the same age as the llama.cpp that shall run it",
        where=str(file),
    )
