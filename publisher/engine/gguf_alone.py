"""Proving GGUF files whose source is not at hand: whoever reads them here reads them, and they answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from publisher.engine import generate
from publisher.engine.chat import Tokenizer, encode_prompt
from publisher.engine.gguf_read import UNSUPPORTED, dequantized_bytes, load_gguf, load_gguf_tokenizer
from publisher.engine.gguf_runtime import ask, version
from publisher.engine.jobs import Emit, JobResult, ProbeGguf, SmokePrompt
from publisher.engine.memory import ROOM, available_bytes, free, peak_rss_bytes
from publisher.errors import HubpubError
from publisher.records.facts import Measurement
from publisher.weights.gguf import GgufError
from publisher.weights.gguf_files import GgufModel, models_of, projector_in

ABOUT = "validate.gguf"
NEW_TOKENS = 16
TRANSFORMERS, LLAMA_CPP = "transformers", "llama.cpp"


def run(job: ProbeGguf, emit: Emit) -> JobResult:
    """Read every model file of a folder, each by transformers and by llama.cpp.

    transformers does not know every architecture and takes the memory of unpacked weights, llama.cpp may not be
    installed: one of the two must read each file, and `details["readers"]` says by file which ones did. At `load_only`
    nothing is asked.

    Raises:
        HubpubError: HP-W04, a file is damaged or a part is missing; HP-E03, a reader that knows the architecture does
            not read a file; HP-E05, outputs are not finite; HP-E01, neither reader is to be had.
    """
    models = _models(job)
    readers: dict[str, list[str]] = {}
    for done, model in enumerate(models, start=1):
        readers[model.files[0].name] = list(_readers(model, job))
        free()
        emit({"step": "read", "kind": model.kind, "done": done, "of": len(models)})
    measured = [Measurement(f"{ABOUT}.loads_clean", True)]
    if not job.load_only:
        measured.append(Measurement(f"{ABOUT}.finite", True))
    measured.append(Measurement(f"{ABOUT}.peak_rss_bytes", peak_rss_bytes(), "bytes"))
    return JobResult(tuple(measured), {"kind": "gguf", "readers": readers})


def _models(job: ProbeGguf) -> Sequence[GgufModel]:
    # The parts of a split file often lie in a folder of their own.
    folders = sorted({file.parent for file in Path(job.folder).rglob("*.gguf")})
    try:
        models = [model for folder in folders for model in models_of(folder.glob("*.gguf"))]
    except GgufError as fault:
        raise _damaged(job.folder, str(fault)) from fault
    if not models:
        raise _damaged(job.folder, "there is no language model among them")
    return models


def _readers(model: GgufModel, job: ProbeGguf) -> Iterator[str]:
    file = model.files[0]
    tokenizer = None
    try:
        tokenizer = _read_by_transformers(model, job)
        yield TRANSFORMERS
    except HubpubError as fault:
        if not (fault.code == "HP-X02" or UNSUPPORTED in fault.what):
            raise
        if version() is None:
            raise HubpubError(
                "HP-E01",
                f"nothing here reads {file.name}: there is no llama.cpp, and {fault.what}",
                hint="pip install xllamacpp",
                where=str(file),
            ) from fault
    if version() is not None:
        _answered(file, tokenizer, job)
        yield f"{LLAMA_CPP} (xllamacpp {version()})"


def _read_by_transformers(model: GgufModel, job: ProbeGguf) -> Tokenizer:
    """Every tensor in its place, and finite logits; returns the tokenizer that the file carries.

    Raises:
        HubpubError: HP-X02, the unpacked weights do not fit into memory; HP-E03, HP-E05.
    """
    file = model.files[0]
    needed, available = ROOM * dequantized_bytes(model.files), available_bytes()
    if available is not None and needed > available:
        raise HubpubError(
            "HP-X02",
            f"transformers unpacks {file.name} to {needed / 1e9:.1f} GB, and {available / 1e9:.1f} GB are free",
            hint="compare its bytes alone: --proof static",
            where=str(file),
        )
    loaded = load_gguf(file, "bfloat16")
    tokenizer = load_gguf_tokenizer(file)
    if not job.load_only:
        logits = generate.read_logits(loaded, encode_prompt(tokenizer, generate.FALLBACK_PROMPT))
        if not bool(logits.isfinite().all()):
            raise HubpubError(
                "HP-E05",
                f"the logits of {file.name} are NaN or infinite",
                hint="convert the file again; one that is broken answers nonsense everywhere",
                where=str(file),
            )
    return tokenizer


def _answered(file: Path, tokenizer: Tokenizer | None, job: ProbeGguf) -> None:
    # A server that was asked nothing never ends (xllamacpp 2026.10), so one token is the least.
    prompt = SmokePrompt(generate.FALLBACK_PROMPT, max_new_tokens=1 if job.load_only else NEW_TOKENS)
    (said,) = ask(file, tokenizer, (prompt,), mmproj=projector_in(file.parent))
    if not said.text and not job.load_only:
        raise HubpubError(
            "HP-E05",
            f"{file.name} answers {said.prompt!r} with nothing",
            hint="look at its chat template; the other types of the repo may answer",
            where=str(file),
        )


def _damaged(folder: str, why: str) -> HubpubError:
    return HubpubError(
        "HP-W04", f"the GGUF files of this repo cannot be read: {why}", where=folder,
        hint="fetch them again; where it stays, tell their owner",
    )  # fmt: skip
