"""Reading a GGUF file as transformers does, dequantized: a reader that shares no code with llama.cpp."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from publisher.engine.chat import Tokenizer
from publisher.engine.load import Model, device, refuse_holes
from publisher.errors import HubpubError

UNSUPPORTED = "is not supported yet"  # transformers' own words for an architecture that it does not read


def load_gguf(file: Path, dtype: Any) -> Model:
    """Load a file in evaluation mode, every weight accounted for; `dtype` is torch's type, or its name.

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
            dtype=dtype,
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


def load_gguf_tokenizer(file: Path) -> Tokenizer:
    """The tokenizer that a file carries, its chat template included.

    Raises:
        HubpubError: HP-E03, transformers does not read it.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name, local_files_only=True)
    except (OSError, ValueError, KeyError, NotImplementedError) as error:
        raise HubpubError(
            "HP-E03",
            f"transformers does not read the tokenizer in {file.name}: {str(error).splitlines()[0] or error!r}",
            hint="compare its bytes alone: --proof static",
            where=str(file),
        ) from error


def dequantized_bytes(files: Iterable[Path], each: int = 2) -> int:
    """What the weights of a model, in one file or in parts, take at so many bytes each.

    Raises:
        HubpubError: HP-W04, a file ends before its tensors do.
    """
    from gguf import GGUFReader

    total = 0
    for file in files:
        try:
            total += sum(each * int(tensor.n_elements) for tensor in GGUFReader(file).tensors)
        except (ValueError, IndexError, KeyError) as error:
            raise HubpubError(
                "HP-W04",
                f"{file.name} does not hold the tensors that its header lists",
                hint="fetch or convert it again",
                where=str(file),
            ) from error
    return total
