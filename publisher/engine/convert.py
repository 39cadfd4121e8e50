"""GGUF → safetensors: dequantize to bfloat16, and mend the saved files so that transformers 4 and 5 read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from publisher.engine.jobs import ConvertGguf, Emit, JobResult
from publisher.engine.load import refuse_holes
from publisher.engine.output import written_aside
from publisher.engine.spelling import mend_saved_model
from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement
from publisher.weights.describe import describe_model

DTYPE = "bfloat16"


def run(job: ConvertGguf, emit: Emit) -> JobResult:
    """Write the checkpoint and measure it.

    Raises:
        HubpubError: HP-B04, the file is no GGUF of a language model; HP-E03, weights of it found no place.
    """
    gguf, out = Path(job.gguf), Path(job.out)
    said = read_gguf(gguf)
    emit({"event": "phase", "phase": "load", "of_bytes": gguf.stat().st_size})
    with written_aside(out) as folder:
        _convert(gguf, folder)
        emit({"event": "phase", "phase": "measure"})
        mend_saved_model(folder)
        measured = describe_model(folder, "base")
    names = {"licence": said["licence"], "source_quantization": said["quantization"]}
    extra = tuple(
        Measurement(f"base.{fact}", value, None, "unknown" if value is None else "known")
        for fact, value in names.items()
    )
    return JobResult(measured + extra, {"gguf": said})


def read_gguf(file: Path) -> dict[str, Json]:
    """What a GGUF's header says: `name`, `organization`, `architecture`, `licence`, `quantization` (`Q4_1`).

    None for what it does not say.

    Raises:
        HubpubError: HP-B04, it is no GGUF file.
    """
    import gguf

    try:
        reader = gguf.GGUFReader(file)
    except (OSError, ValueError, IndexError) as error:
        raise HubpubError(
            "HP-B04",
            f"{file.name} is no GGUF file that can be read: {error}",
            hint="name a .gguf file of a language model",
            where=str(file),
        ) from error

    def said(key: str) -> Any:
        field = reader.get_field(key)
        return None if field is None else field.contents()

    kind = said("general.file_type")
    return {
        "name": said("general.name"),
        "organization": said("general.organization"),
        "architecture": said("general.architecture"),
        "licence": said("general.license"),
        "quantization": None if kind is None else gguf.LlamaFileType(kind).name.removeprefix("MOSTLY_"),
    }


def _convert(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True}
    model, info = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        dtype=getattr(torch, DTYPE),
        # Packed weights, the default since transformers 5, cannot be saved.
        quantization_config=GgufConfig(dequantize=True),
        output_loading_info=True,
        **source,
    )
    refuse_holes(gguf, model, info)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, **source).save_pretrained(folder)
