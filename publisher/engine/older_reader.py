"""Whether an older transformers reads a model as the present one does: each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from publisher.engine import generate, older_transformers
from publisher.engine.chat import encode_prompt
from publisher.engine.compare import measure
from publisher.engine.jobs import Emit, JobResult, ReadByOlder
from publisher.engine.load import has_tokenizer, load_adapter, load_model, load_tokenizer, stored_dtype
from publisher.engine.memory import fits_in_memory, free
from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement

NEW_TOKENS = 16
TOLERANCE = 0.5  # of a logit, as in `Compare`: the same weights through other code, in the checkpoint's type
NAMED = 3  # how many tensors a fault names


def run(job: ReadByOlder, emit: Emit) -> JobResult:
    """Have both read the same prompts; measure whether the older one loads, tokenizes and answers alike.

    That it does not is a measurement, not an error: architectures are younger than versions. Of a model that does not fit
    in memory it is unknown.

    Raises:
        HubpubError: HP-E03 and others from loading with the present version; HP-E02, the older one died.
    """
    about = f"validate.{job.kind}.transformers_4"
    model = job.base or job.folder
    if not fits_in_memory(model):
        return JobResult((Measurement(about, None, status="unknown"),), {})
    with tempfile.TemporaryDirectory() as room:
        said = _older(job, Path(room))
        emit({"step": "older", "done": 1, "total": 2})
        found = list(_held_against(job, said, Path(room)))
    emit({"step": "present", "done": 2, "total": 2})
    faults = [fault for fault, _ in found if fault]
    measured = [
        Measurement(about, not faults),
        Measurement(f"{about}_version", said["version"]),
        *(each for _, each in found if each is not None),
    ]
    if faults:
        measured.append(Measurement(f"{about}_fault", faults[0]))
    return JobResult(tuple(measured), {"faults": faults})


def _older(job: ReadByOlder, room: Path) -> dict[str, Json]:
    request = {
        "model": job.base or job.folder,
        "adapter": job.folder if job.base else None,
        "tokenizer": _tokenizer_folder(job),
        "prompts": list(job.prompts or (generate.FALLBACK_PROMPT,)),
        "new_tokens": NEW_TOKENS,
    }
    (room / "request.json").write_text(json.dumps(request), encoding="utf-8")
    command = [sys.executable, "-P", str(older_transformers.__file__), str(room / "request.json"), str(room)]
    environment = {**os.environ, "PYTHONPATH": job.packages}
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    answer = room / "said.json"
    if ran.returncode != 0 or not answer.is_file():
        lines = [line for line in ran.stderr.splitlines() if line.strip()]
        raise HubpubError(
            "HP-E02",
            f"the older transformers died: {lines[-1] if lines else f'exit status {ran.returncode}'}",
            where=job.packages,
            hint=f"delete that folder, to have it installed anew: rm -r {job.packages}",
        )
    said: dict[str, Json] = json.loads(answer.read_text(encoding="utf-8"))
    return said


def _held_against(
    job: ReadByOlder, said: dict[str, Json], room: Path
) -> Iterator[tuple[str | None, Measurement | None]]:
    """What differs, in words, and what was measured of it."""
    if said["fault"]:
        yield f"it does not load: {said['fault']}", None
        return
    if holes := said["holes"]:
        more = f" and {len(holes) - NAMED} more" if len(holes) > NAMED else ""
        yield f"it does not find its tensors: {', '.join(holes[:NAMED])}{more}", None
        return
    tokenizer = load_tokenizer(_tokenizer_folder(job))
    prompts = [encode_prompt(tokenizer, text) for text in job.prompts or (generate.FALLBACK_PROMPT,)]
    if prompts != said["prompts"]:
        yield "its tokenizer makes other tokens of the prompts", None
        return
    answers, logits = _present(job, prompts)
    difference = measure(logits, _logits(room / "logits.safetensors", len(prompts)))
    name = f"validate.{job.kind}.transformers_4_max_logit_difference"
    yield None, Measurement(name, difference.largest)
    if difference.largest > TOLERANCE:
        yield f"a logit differs by {difference.largest:.3g}", None
    elif answers != said["answers"]:
        yield "its greedy answers are others", None


def _present(job: ReadByOlder, prompts: list[list[int]]) -> tuple[list[list[int]], list[Any]]:
    """The same by the transformers of this process: greedy tokens behind each prompt, and the prompts' logits."""
    import torch

    folder = job.base or job.folder
    # In the type that it is stored in, as the older reader takes it: what is quicker here would differ by its rounding.
    model = load_model(folder, dtype=str(stored_dtype(folder)).removeprefix("torch."))
    if job.base:
        model = load_adapter(model, job.folder)
    answers = []
    for ids in prompts:
        given = torch.tensor([ids], device=model.device)
        mask = torch.ones_like(given)
        with torch.inference_mode():
            output = model.generate(given, attention_mask=mask, max_new_tokens=NEW_TOKENS, do_sample=False)
        answers.append(output[0, len(ids) :].tolist())
    logits = [generate.read_logits(model, ids) for ids in prompts]
    del model
    free()
    return answers, logits


def _logits(file: Path, count: int) -> list[Any]:
    from safetensors.torch import load_file

    found = load_file(file)
    return [found[str(number)] for number in range(count)]


def _tokenizer_folder(job: ReadByOlder) -> str:
    return job.base if job.base and not has_tokenizer(job.folder) else job.folder
