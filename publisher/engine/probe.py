"""Proving an artifact: load it as its users do, ask it something, load it in 4 bits, run its card's code."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Iterable, Sequence
from typing import Any

from publisher.engine import generate
from publisher.engine.arithmetic import computed_in
from publisher.engine.generate import Tensor
from publisher.engine.jobs import Emit, JobResult, Probe, SmokePrompt
from publisher.engine.load import Model, has_tokenizer, load_adapter, load_model
from publisher.engine.memory import fits_in_memory, free, peak_rss_bytes
from publisher.engine.reader import Question, Reader, load_reader
from publisher.engine.smoke import Outcome, excerpt, judge, kept_as
from publisher.engine.snippets import run_snippets
from publisher.errors import HubpubError
from publisher.records.answers import ANSWERS
from publisher.records.facts import Json, Measurement
from publisher.records.forms import FORMS


def run(job: Probe, emit: Emit) -> JobResult:
    """Prove one artifact in this process.

    1. It loads, with no tensor missing or left over.
    2. Its outputs are finite; an adapter changes them.
    3. Every smoke prompt is answered and judged, all of them before any failure is told.
    4. It loads in 4 bits and runs once, where that is asked for.
    5. The card's code blocks run.

    Raises:
        HubpubError: HP-E03, HP-A01, HP-A05 from loading; HP-E05, outputs not finite; HP-E10, the adapter changes
            nothing; HP-E04, expectations missed; HP-E08, code blocks fail; HP-D05 for a dataset.
    """
    if job.kind == "dataset":
        from publisher.engine.dataset_probe import probe_dataset

        measured, details = probe_dataset(job, emit)
    else:
        measured, details = _probe_model(job, emit)
    free()
    details["snippets"] = [dataclasses.asdict(outcome) for outcome in run_snippets(job.snippets, emit)]
    measured.append(Measurement(f"validate.{job.kind}.peak_rss_bytes", peak_rss_bytes(), "bytes"))
    return JobResult(tuple(measured), details)


def _probe_model(job: Probe, emit: Emit) -> tuple[list[Measurement], dict[str, Json]]:
    import transformers  # noqa: F401  before the clock starts: its import is not the model's load time

    about = f"validate.{job.kind}"
    packed = job.kind == "nf4" or job.kind in FORMS  # which is not unpacked layer by layer
    if not packed and not fits_in_memory(_base(job) if job.kind == "adapter" else job.folder):
        return _probe_streamed(job, emit)
    started = time.perf_counter()
    reader = load_reader(_tokenizer_folder(job))
    questions = _questions(job, reader)
    model = _load(job)
    seconds = round(time.perf_counter() - started, 3)
    emit({"step": "load", "kind": job.kind, "seconds": seconds})
    measured = [
        Measurement(f"{about}.loads_clean", True),
        Measurement(f"{about}.load_seconds", seconds, "s"),
        Measurement(f"{about}.compute_dtype", computed_in(model)),
    ]
    if job.load_only:
        return measured, {"kind": job.kind, "stand_in": job.stand_in}

    _require_finite(job, model, questions)
    measured.append(Measurement(f"{about}.finite", True))
    if job.kind == "adapter":
        measured += _measure_change(model, questions, job)
    passed, answers = _ask(job, model, reader, questions, emit)
    measured += passed

    del model
    free()
    if job.in_4bit or job.kind == "nf4":
        if job.kind != "nf4":  # an nf4 artifact was loaded in 4 bits above
            _require_finite(job, _load(job, in_4bit=True), questions[:1])
            free()
        measured.append(Measurement(f"{about}.loads_in_4bit", True))
        emit({"step": "load in 4 bits", "kind": job.kind})
    return measured, {"kind": job.kind, "stand_in": job.stand_in, "answers": answers}


def _probe_streamed(job: Probe, emit: Emit) -> tuple[list[Measurement], dict[str, Json]]:
    """What a pass or two over the files can tell of a model larger than memory. It is asked nothing: each token of an
    answer would take a pass.
    """
    from publisher.engine.streamed import adapt_streamed, load_streamed, read_together

    about = f"validate.{job.kind}"
    details: dict[str, Json] = {"kind": job.kind, "stand_in": job.stand_in, "streamed": True}
    with tempfile.TemporaryDirectory() as spare:
        started = time.perf_counter()
        reader = load_reader(_tokenizer_folder(job))
        questions = _questions(job, reader)
        model = load_streamed(_base(job) if job.kind == "adapter" else job.folder, spare)
        if job.kind == "adapter":
            model = adapt_streamed(model, job.folder)
        seconds = round(time.perf_counter() - started, 3)
        emit({"step": "load", "kind": job.kind, "seconds": seconds})
        measured = [
            Measurement(f"{about}.loads_clean", True),
            Measurement(f"{about}.load_seconds", seconds, "s"),
        ]
        if job.load_only:
            return measured, details
        texts = [question.text for question in questions]
        found = read_together(model, texts)
        for question, logits in zip(questions, found, strict=True):
            _refuse_broken(job, question.prompt, logits)
        measured.append(Measurement(f"{about}.finite", True))
        if job.kind == "adapter":
            with model.disable_adapter():
                measured += _change_of(zip(found, read_together(model, texts), strict=True), job)
    unasked = Measurement(f"{about}.smoke_passed", None, status="unknown")
    return [*measured, unasked, Measurement(f"{about}.smoke_total", len(job.smoke))], details


def _load(job: Probe, *, in_4bit: bool = False) -> Model:
    if job.kind == "adapter":
        return load_adapter(load_model(_base(job), in_4bit=in_4bit), job.folder)
    model = load_model(job.folder, in_4bit=in_4bit)
    if job.kind == "nf4" and not getattr(model, "is_loaded_in_4bit", False):
        raise HubpubError(
            "HP-E03",
            "the nf4 artifact is not quantized: config.json has no `quantization_config` for 4 bits",
            hint="make the artifact again",
            where=job.folder,
        )
    return model


def _base(job: Probe) -> str:
    if job.base is None:
        raise HubpubError(
            "HP-A07", "an adapter can only be proven on its base", hint="name the base", where=job.folder
        )
    return job.base


def _tokenizer_folder(job: Probe) -> str:
    return _base(job) if job.kind == "adapter" and not has_tokenizer(job.folder) else job.folder


def _questions(job: Probe, reader: Reader) -> list[Question]:
    """The smoke prompts, encoded before a model is loaded: what is wrong with a picture need not wait for that."""
    smoke = () if job.load_only else job.smoke or (generate.FALLBACK_PROMPT,)
    return [reader.question(asked) for asked in smoke]


def _require_finite(job: Probe, model: Model, questions: Sequence[Question]) -> None:
    """NaN weights generate without any error (token 0, over and over), so the logits themselves are looked at."""
    for question in questions:
        _refuse_broken(job, question.prompt, generate.read_logits(model, question.text))


def _refuse_broken(job: Probe, prompt: str, logits: Tensor) -> None:
    if not bool(logits.isfinite().all()):
        raise HubpubError(
            "HP-E05",
            f"the {job.kind} model's logits are NaN or infinite for the prompt {excerpt(prompt)!r}",
            hint="look for NaN in its weights; a learning rate too high or a float16 overflow puts them there",
            where=job.folder,
            prompt=prompt,
        )


def _measure_change(model: Model, questions: Sequence[Question], job: Probe) -> list[Measurement]:
    """How far the adapter moves the base's logits, at most, over all prompts."""

    def read() -> Iterable[tuple[Tensor, Tensor]]:
        for question in questions:
            adapted = generate.read_logits(model, question.text)
            with model.disable_adapter():
                yield adapted, generate.read_logits(model, question.text)

    return _change_of(read(), job)


def _change_of(pairs: Iterable[tuple[Tensor, Tensor]], job: Probe) -> list[Measurement]:
    changes = [float((adapted - plain).abs().max()) for adapted, plain in pairs]
    if max(changes) == 0.0:
        raise HubpubError(
            "HP-E10",
            f"the adapter leaves every logit of {len(changes)} prompts as the base has it",
            hint="it was never trained, or trained too little to be seen in the base's precision; train it longer",
            where=job.folder,
        )
    return [
        Measurement("validate.adapter.changes_output", True),
        Measurement("validate.adapter.max_logit_change", max(changes)),
    ]


def _ask(
    job: Probe, model: Model, reader: Reader, questions: Sequence[Question], emit: Emit
) -> tuple[list[Measurement], list[dict[str, Json]]]:
    answers: list[dict[str, Json]] = []
    kept: list[Json] = []
    missed: list[tuple[SmokePrompt, str, tuple[Outcome, ...]]] = []
    # Without smoke prompts there is one question, which nobody expects anything of.
    for smoke, question in zip(job.smoke, questions, strict=bool(job.smoke)):
        said = generate.answer(model, reader.tokenizer, question, smoke.max_new_tokens)
        outcomes = judge(smoke.expect, said, stand_in=job.stand_in)
        shown = question.text.pictures
        kept.append(kept_as(smoke, said, shown.files if shown else (), computed_in(model)))
        misses = tuple(outcome for outcome in outcomes if outcome.verdict == "missed")
        if misses:
            missed.append((smoke, said.text, misses))
        answers.append(
            {
                "prompt": smoke.prompt,
                "answer": said.text,
                "tokens": len(said.token_ids),
                "stopped": said.stopped,
                "outcomes": [dataclasses.asdict(outcome) for outcome in outcomes],
            }
        )
        emit({"step": "smoke", "kind": job.kind, "done": len(answers), "total": len(job.smoke)})
    if missed:
        raise _smoke_failure(job, missed, answers)
    asked = [Measurement(f"validate.{job.kind}{ANSWERS}", kept)] if kept else []
    return [*_count(job), *asked], answers


def _count(job: Probe) -> list[Measurement]:
    """Called once nothing was missed, so all prompts passed; of a stand-in none may say so."""
    about, total = f"validate.{job.kind}", len(job.smoke)
    passed = (
        Measurement(f"{about}.smoke_passed", None, status="refused")
        if job.stand_in
        else Measurement(f"{about}.smoke_passed", total)
    )
    return [passed, Measurement(f"{about}.smoke_total", total)]


def _smoke_failure(
    job: Probe, missed: list[tuple[SmokePrompt, str, tuple[Outcome, ...]]], answers: list[dict[str, Any]]
) -> HubpubError:
    told = []
    for smoke, text, misses in missed:
        wants = ", ".join(f"{miss.assertion} {miss.expected} (got {miss.actual})" for miss in misses)
        told.append(f"{excerpt(smoke.prompt, 60)!r} answered {excerpt(text)!r}, expected {wants}")
    return HubpubError(
        "HP-E04",
        f"{len(missed)} of {len(job.smoke)} smoke prompts of the {job.kind} model missed: {'; '.join(told)}",
        hint="train longer, or correct the expectation under `smoke:` in release.yaml",
        where=job.folder,
        missed=[
            {"prompt": smoke.prompt, "answer": text, "misses": [dataclasses.asdict(miss) for miss in misses]}
            for smoke, text, misses in missed
        ],
        answers=answers,
    )
