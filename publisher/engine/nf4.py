"""Loading full-precision weights as bitsandbytes NF4, for QLoRA training; and what may become NF4."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from publisher.engine.load import Model, device, refuse_holes
from publisher.errors import HubpubError
from publisher.weights.describe import read_config
from publisher.weights.shards import read_shards


def nf4_config(*, double_quant: bool, compute_dtype: str, storage: str = "uint8") -> Any:
    """The `BitsAndBytesConfig` of NF4.

    Args:
        double_quant: quantize the block scales as well (about 0.4 bits a weight less).
        compute_dtype: torch's name of the type that matrix products run in.
        storage: of the type that the packed codes are said to have; they are the same bytes in any.
    """
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=double_quant,
        bnb_4bit_compute_dtype=getattr(torch, compute_dtype),
        bnb_4bit_quant_storage=getattr(torch, storage),
    )


def load_nf4(folder: Path, *, double_quant: bool, compute_dtype: str, storage: str = "uint8") -> Model:
    """Load a full-precision model quantized, with every one of its weights accounted for. Settings as for `nf4_config`.

    Nothing has run through it yet: bitsandbytes repacks weights at the first forward on a CPU, and what is
    saved after that is not what was quantized.

    Raises:
        HubpubError: HP-E01, bitsandbytes is missing; HP-E03, weights are missing or found no place;
            HP-M10, the model is quantized already; HP-B04, HP-W01, HP-W02, HP-W03 for its files.
    """
    import bitsandbytes  # noqa: F401  its absence is an error of ours, not transformers' own words

    config = read_config(folder)
    read_shards(folder)
    refuse_quantized(folder, config)
    model, info = auto_class(config).from_pretrained(
        folder,
        dtype="auto",
        device_map={"": device()},
        quantization_config=nf4_config(
            double_quant=double_quant, compute_dtype=compute_dtype, storage=storage
        ),
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
    )
    refuse_holes(folder, model, info)
    return model


def auto_class(config: dict[str, Any]) -> Any:
    """The class of transformers that a full-precision checkpoint is quantized as."""
    import transformers

    multimodal = "vision_config" in config
    return transformers.AutoModelForImageTextToText if multimodal else transformers.AutoModelForCausalLM


def refuse_quantized(folder: Path, config: dict[str, Any]) -> None:
    """Refuse a model whose weights are quantized already.

    Raises:
        HubpubError: HP-M10.
    """
    if "quantization_config" in config:
        raise HubpubError(
            "HP-M10",
            f"{folder.name} is quantized already",
            hint="name full-precision weights as the base; NF4 is made from those",
            where=str(folder / "config.json"),
        )
