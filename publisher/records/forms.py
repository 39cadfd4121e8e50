"""Forms of quantized weights that other programs make: how they are called, and how their configuration says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publisher.records.artifacts import Kind


@dataclass(frozen=True)
class Form:
    """One form.

    Attributes:
        label: how people write it; also the end of a repo's name.
        methods: what `quantization_config.quant_method` says, each with the formats or algorithms that it must
            name besides; none = any.
        library: what the Hub is told to load it with.
        runs: where it runs, in words, besides by transformers.
    """

    label: str
    methods: Mapping[str, tuple[str, ...]]
    library: str
    runs: str


_PACKED, _FLOAT8, _FLOAT4 = (
    ("pack-quantized",),
    ("float-quantized", "naive-quantized", "FP8"),
    ("nvfp4-pack-quantized", "NVFP4"),
)

# https://huggingface.co/docs/transformers/main/quantization/overview, and what each program writes into config.json.
FORMS: Mapping[Kind, Form] = {
    "awq": Form(
        "AWQ",
        {"awq": (), "compressed-tensors": _PACKED},
        "transformers",
        "on GPUs, by vLLM",
    ),
    "gptq": Form(
        "GPTQ",
        {"gptq": (), "compressed-tensors": _PACKED},
        "transformers",
        "on GPUs, by vLLM",
    ),
    "fp8": Form(
        "FP8",
        {"fp8": (), "fbgemm_fp8": (), "compressed-tensors": _FLOAT8, "modelopt": _FLOAT8},
        "transformers",
        "on GPUs since Ada and Hopper, by vLLM",
    ),
    "nvfp4": Form(
        "NVFP4",
        {"compressed-tensors": _FLOAT4, "modelopt": _FLOAT4},
        "transformers",
        "on Blackwell GPUs, by vLLM",
    ),
    "compressed_tensors": Form(
        "compressed-tensors",
        {"compressed-tensors": ()},
        "transformers",
        "by vLLM",
    ),
    "mlx": Form("MLX", {"mlx": ()}, "mlx", "on Apple silicon, by mlx-lm"),
    "exl2": Form("EXL2", {"exl2": ()}, "exllamav2", "on GPUs, by exllamav2 or TabbyAPI"),
    "exl3": Form("EXL3", {"exl3": ()}, "exllamav3", "on GPUs, by exllamav3 or TabbyAPI"),
}

# What transformers needs besides itself to run what a program packed, by the method in config.json. It reads no others.
ENGINES: Mapping[str, tuple[str, ...]] = {
    "awq": ("gptqmodel",),
    "gptq": ("optimum", "gptqmodel"),
    "fp8": (),
    "fbgemm_fp8": ("fbgemm_gpu",),
    "compressed-tensors": ("compressed_tensors",),
}


def suffix_of(kind: Kind) -> str:
    """What a form's repo is called by default, behind the release's name."""
    return f"-{FORMS[kind].label}"
