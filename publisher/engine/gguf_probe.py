"""Proving GGUF files by two readers that share no code: llama.cpp answers, transformers' reader is held against the source."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from publisher.engine import generate, gguf_alone
from publisher.engine.chat import Tokenizer
from publisher.engine.divergence import NEW_TOKENS, divergence, texts_of
from publisher.engine.gguf_read import load_gguf
from publisher.engine.gguf_runtime import ask, version
from publisher.engine.jobs import Emit, JobResult, ProbeGguf, SmokePrompt
from publisher.engine.load import load_model, load_tokenizer, stored_dtype
from publisher.engine.memory import free, peak_rss_bytes
from publisher.engine.reader import load_reader
from publisher.engine.smoke import excerpt, judge, kept_as
from publisher.engine.snippets import run_snippets
from publisher.errors import HubpubError
from publisher.records.answers import ANSWERS
from publisher.records.facts import Json, Measurement
from publisher.weights.gguf_files import models_of, projector_in

ABOUT = "validate.gguf"


def run(job: ProbeGguf, emit: Emit) -> JobResult:
    """Prove every model file of a folder; where its source is not at hand, as `gguf_alone` says.

    1. transformers reads it, no tensor missing or left over.
    2. Its predictions are held against those of the checkpoint that it was made of.
    3. llama.cpp answers every smoke prompt; where there is no llama.cpp, the facts say that it was not asked.
    4. The card's code blocks run.

    Raises:
        HubpubError: HP-E03, a reader does not read a file; HP-E05, outputs are not finite; HP-E04, expectations
            missed; HP-E08, code blocks fail.
    """
    if job.full is None:
        return gguf_alone.run(job, emit)
    full = job.full
    files = {model.kind: model.files[0] for model in models_of(Path(job.folder).glob("*.gguf"))}
    measured = [Measurement(f"{ABOUT}.loads_clean", True)]
    details: dict[str, Json] = {"kind": "gguf"}
    if job.load_only:
        for file in files.values():
            load_gguf(file, stored_dtype(full))
            free()
    else:
        measured += _held_against(job, full, files, emit)
        asked, details["answers"] = _asked(job, full, files, emit)
        measured += asked
    free()
    details["snippets"] = [dataclasses.asdict(outcome) for outcome in run_snippets(job.snippets, emit)]
    measured.append(Measurement(f"{ABOUT}.peak_rss_bytes", peak_rss_bytes(), "bytes"))
    return JobResult(tuple(measured), details)


def _held_against(job: ProbeGguf, source: str, files: dict[str, Path], emit: Emit) -> Iterator[Measurement]:
    reader = load_reader(source)
    full = load_model(source)
    prompts = tuple(smoke.prompt for smoke in job.smoke) or (generate.FALLBACK_PROMPT,)
    texts = texts_of(full, reader, prompts, NEW_TOKENS)
    expected = [generate.read_logits(full, text) for text in texts]
    dtype = full.dtype  # of both, else the arithmetic would count as what the file lost
    del full
    free()
    for done, (kind, file) in enumerate(files.items(), start=1):
        model = load_gguf(file, dtype)
        found = [generate.read_logits(model, text) for text in texts]
        del model
        free()
        yield from divergence(expected, found, f"{ABOUT}.{kind}", job.against)
        emit({"step": "read", "kind": kind, "done": done, "of": len(files)})
    yield Measurement(f"{ABOUT}.finite", True)  # `divergence` refuses what is not


def _asked(
    job: ProbeGguf, source: str, files: dict[str, Path], emit: Emit
) -> tuple[list[Measurement], list[dict[str, Json]]]:
    runtime, total = version(), len(job.smoke) * len(files)
    if runtime is None:
        unasked = ("llama_cpp", "smoke_passed")
        told = [Measurement(f"{ABOUT}.{name}", None, status="unknown") for name in unasked]
        return [*told, Measurement(f"{ABOUT}.smoke_total", total)], []
    prompts = job.smoke or (SmokePrompt(generate.FALLBACK_PROMPT, max_new_tokens=NEW_TOKENS),)
    tokenizer: Tokenizer = load_tokenizer(source)
    answers: list[dict[str, Json]] = []
    missed: list[str] = []
    kept: dict[str, list[Json]] = {kind: [] for kind in files}
    mmproj = projector_in(Path(job.folder))
    for kind, file in files.items():
        for prompt, said in zip(prompts, ask(file, tokenizer, prompts, mmproj=mmproj), strict=True):
            outcomes = judge(prompt.expect, said, stand_in=job.stand_in)
            kept[kind].append(kept_as(prompt, said))
            wrong = [o for o in outcomes if o.verdict == "missed"]
            wants = ", ".join(f"{miss.assertion} {miss.expected} (got {miss.actual})" for miss in wrong)
            if wrong:
                missed.append(
                    f"{file.name} answered {excerpt(prompt.prompt, 60)!r} by {excerpt(said.text)!r}, expected {wants}"
                )
            answers.append(
                {
                    "file": file.name,
                    "prompt": said.prompt,
                    "answer": said.text,
                    "tokens": len(said.token_ids),
                    "stopped": said.stopped,
                    "outcomes": [dataclasses.asdict(outcome) for outcome in outcomes],
                }
            )
        emit({"step": "smoke", "kind": "gguf", "done": len(answers), "of": len(prompts) * len(files)})
    if missed:
        raise HubpubError(
            "HP-E04",
            f"{len(missed)} of {total} smoke prompts of the GGUF files missed: {'; '.join(missed)}",
            hint="compare with the merged model's answers; a type with more bits loses less",
            where=job.folder,
            missed=missed,
            answers=answers,
        )
    return [
        Measurement(f"{ABOUT}.llama_cpp", f"xllamacpp {runtime}"),
        Measurement(f"{ABOUT}.smoke_passed", None, status="refused")
        if job.stand_in
        else Measurement(f"{ABOUT}.smoke_passed", total),
        Measurement(f"{ABOUT}.smoke_total", total),
        *(Measurement(f"{ABOUT}.{kind}{ANSWERS}", rows) for kind, rows in kept.items() if job.smoke),
    ], answers
