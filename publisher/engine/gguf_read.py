"""Reading a GGUF file as transformers does, dequantized: a reader that shares no code with llama.cpp."""

from __future__ import annotations

from pathlib import Path

from publisher.engine.load import Model, device, refuse_holes, stored_dtype
from publisher.errors import HubpubError


def load_gguf(file: Path, full: str) -> Model:
    """Load a file in evaluation mode, in the type of the checkpoint that it was made of, every weight accounted for.

    Raises:
        HubpubError: HP-E03, transformers does not read it, or a weight is missing or left over.
    """
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig

    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            str(file.parent),
            gguf_file=file.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=stored_dtype(full),
            device_map={"": device()},
            local_files_only=True,
            output_loading_info=True,
        )
    except torch.OutOfMemoryError:
        raise  # a RuntimeError too, but no fault of the file's
    except (OSError, ValueError, KeyError, RuntimeError, NotImplementedError) as error:
        raise HubpubError(
            "HP-E03",
            f"transformers does not read {file.name}: {str(error).splitlines()[0] if str(error) else error!r}",
            hint="prove it less far, and say so: proof: static under gguf: in release.yaml",
            where=str(file),
        ) from error
    refuse_holes(file, model, info)
    model.eval()
    return model
