"""Making GGUF files: llama.cpp's converter runs as a program of its own; what it wrote is read back and held against the source.

It is shown a folder of links to the model's files, with a card that says what the headers are to say: what else lies
beside a model, an older README above all, must not decide what a file says of itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from publisher.engine.jobs import Emit, JobResult, MakeGguf
from publisher.engine.load import read_config
from publisher.engine.output import written_aside
from publisher.errors import HubpubError
from publisher.manifest.artifact import CONVERTED
from publisher.records.facts import Json, Measurement
from publisher.weights.companions import COMPANIONS
from publisher.weights.describe import has_chat_template
from publisher.weights.gguf import GgufHeader, header_of

# What the converter says where it does not know a model, as opposed to where it breaks.
_UNKNOWN = (
    "is not supported",
    "Can not map tensor",
    "NotImplementedError",
    "Failed to detect model architecture",
)
_TAIL = 6
VISION_TYPE = "bf16"


def run(job: MakeGguf, emit: Emit) -> JobResult:
    """Convert, quantize further where a type asks for it, read every header.

    Raises:
        HubpubError: HP-M10, the converter does not know the architecture or the tokenizer; HP-E02, it failed;
            HP-E03, a header lacks what it was to say.
    """
    model = Path(job.model)
    architecture = _architecture(model)
    with _shown(job, model) as source:
        if not job.types:
            with tempfile.TemporaryDirectory() as room:
                _convert(job, source, Path(room) / "vocabulary.gguf", "--vocab-only")
                if job.vision_part:
                    _require_eyes(job, model)
                    _convert_vision(job, source, Path(room) / "vision.gguf")
                header = header_of(Path(room) / "vocabulary.gguf")
            return JobResult((Measurement("gguf.architecture", header.text("general.architecture")),), {})
        out = Path(job.out)
        with written_aside(out) as folder:
            for done, kind in enumerate(job.types):
                emit({"event": "step", "step": done, "of": len(job.types), "model": kind})
                _write(job, source, folder, kind)
            if job.vision_part:
                _convert_vision(job, source, folder / vision_name(job.name))
            for spare in folder.glob("*.tmp"):
                spare.unlink()
            facts = _measured(job, model, folder)
    return JobResult(facts, {"architecture": architecture})


def file_name(name: str, kind: str) -> str:
    """As the Hub's convention has it: `gemma-aerial-12b-Q8_0.gguf`."""
    return f"{name}-{kind.upper()}.gguf"


def vision_name(name: str) -> str:
    """As llama.cpp's programs look for it beside a model: `mmproj-gemma-aerial-12b-BF16.gguf`."""
    return f"mmproj-{file_name(name, VISION_TYPE)}"


def _require_eyes(job: MakeGguf, model: Path) -> None:
    if "vision_config" not in read_config(model):
        raise HubpubError(
            "HP-M10",
            f"{_architecture(model)} takes no images, so there is no vision part to make",
            where=job.model,
            hint="take vision_part out of artifacts.gguf",
        )


def _convert_vision(job: MakeGguf, source: Path, target: Path) -> None:
    """Write the vision part, in the type that it was trained in: it is small, and loses most by fewer bits."""
    _convert(job, source, target, "--mmproj", "--outtype", VISION_TYPE)


def _write(job: MakeGguf, source: Path, folder: Path, kind: str) -> None:
    target = folder / file_name(job.name, kind)
    if kind in CONVERTED:
        _convert(job, source, target, "--outtype", kind)
        return
    whole = folder / file_name(job.name, "bf16")
    if not whole.is_file():
        whole = whole.with_suffix(".tmp")
    if not whole.is_file():
        _convert(job, source, whole, "--outtype", "bf16")
    if job.quantizer is None:
        raise HubpubError(
            "HP-M10", f"{kind} needs llama.cpp's quantizer", hint="name your checkout: llama_cpp:"
        )
    _call([job.quantizer, str(whole), str(target), kind.upper()], "llama-quantize", folder)


def _convert(job: MakeGguf, source: Path, target: Path, *how: str) -> None:
    command = [sys.executable, job.converter, str(source), "--outfile", str(target), "--model-name", job.name]
    _call([*command, *how], Path(job.converter).name, Path(job.model))
    if not target.is_file():
        raise HubpubError(
            "HP-E02", f"{Path(job.converter).name} ended well and wrote no file", where=job.model,
            hint="try another edition of the converter: llama_cpp: in release.yaml",
        )  # fmt: skip


def _call(command: list[str], name: str, model: Path) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if ran.returncode == 0:
        return
    lines = [line.strip() for line in f"{ran.stdout}\n{ran.stderr}".splitlines() if line.strip()]
    unknown = next((line for line in reversed(lines) if any(word in line for word in _UNKNOWN)), None)
    if unknown is not None:
        said = unknown.removeprefix("ERROR:hf-to-gguf:").removeprefix("NotImplementedError: ")
        raise HubpubError(
            "HP-M10",
            f"this model cannot become GGUF: {said}",
            where=str(model),
            hint="take gguf out of artifacts:, or name a newer checkout of llama.cpp: llama_cpp:",
            said=lines[-_TAIL:],
        )
    raise HubpubError(
        "HP-E02",
        f"{name} failed: {lines[-1] if lines else f'exit status {ran.returncode}'}",
        where=str(model),
        hint="read what it said last, in the error's data; another edition can be named: llama_cpp:",
        said=lines[-_TAIL:],
        returncode=ran.returncode,
    )


@contextmanager
def _shown(job: MakeGguf, model: Path) -> Iterator[Path]:
    """A folder with the model's own files, and a card for the header."""
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / job.name
        folder.mkdir()
        for file in model.iterdir():
            if file.name in COMPANIONS or file.name.endswith((".safetensors", ".safetensors.index.json")):
                (folder / file.name).symlink_to(file.resolve())
        # JSON is YAML, and needs no writer of its own.
        (folder / "README.md").write_text(f"---\n{json.dumps(dict(job.says))}\n---\n", encoding="utf-8")
        yield folder


def _measured(job: MakeGguf, model: Path, folder: Path) -> tuple[Measurement, ...]:
    files = {kind: folder / file_name(job.name, kind) for kind in job.types}
    headers = {kind: header_of(file) for kind, file in files.items()}
    has_template = has_chat_template(model)
    for kind, header in headers.items():
        _require(files[kind], header, job.says, has_template=has_template)
    sizes = {kind: file.stat().st_size for kind, file in files.items()}
    vision = folder / vision_name(job.name) if job.vision_part else None
    eyes = vision.stat().st_size if vision else 0
    facts = [
        Measurement("gguf.types", list(job.types)),
        Measurement("gguf.size_bytes", sum(sizes.values()) + eyes, "bytes"),
    ]
    for kind in job.types:
        facts += [
            Measurement(f"gguf.{kind}.file", files[kind].name),
            Measurement(f"gguf.{kind}.format", kind.upper()),
            Measurement(f"gguf.{kind}.size_bytes", sizes[kind], "bytes"),
            Measurement(f"gguf.{kind}.tensors", headers[kind].tensors),
        ]
    if vision:
        header_of(vision)  # whole, or it is of no use to anybody
        facts += [
            Measurement("gguf.mmproj.file", vision.name),
            Measurement("gguf.mmproj.size_bytes", eyes, "bytes"),
        ]
    return tuple(facts)


def _require(file: Path, header: GgufHeader, says: Mapping[str, Json], *, has_template: bool) -> None:
    """A file's header is all that a program shows of it: licence, base and chat template must be in there."""
    wanted = {
        "general.license": says.get("license"),
        "general.base_model.0.repo_url": says.get("base_model"),
        "tokenizer.chat_template": has_template,
    }
    lacking = [key for key, value in wanted.items() if value and not header.text(key)]
    if lacking:
        raise HubpubError(
            "HP-E03",
            f"the header of {file.name} lacks {', '.join(lacking)}",
            where=str(file),
            hint="another edition of the converter may write it: llama_cpp: in release.yaml",
            lacking=lacking,
        )


def _architecture(model: Path) -> str:
    named = read_config(model).get("architectures") or ["?"]
    return str(named[0])
