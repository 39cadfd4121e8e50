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
        engines: packages that transformers needs to run it here; None = transformers cannot.
        runs: where it runs, in words.
    """

    label: str
    methods: Mapping[str, tuple[str, ...]]
    library: str
    engines: tuple[str, ...] | None
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
        ("gptqmodel",),
        "on GPUs, by vLLM or by transformers with gptqmodel",
    ),
    "gptq": Form(
        "GPTQ",
        {"gptq": (), "compressed-tensors": _PACKED},
        "transformers",
        ("optimum", "gptqmodel"),
        "on GPUs, by vLLM or by transformers with gptqmodel",
    ),
    "fp8": Form(
        "FP8",
        {"fp8": (), "fbgemm_fp8": (), "compressed-tensors": _FLOAT8, "modelopt": _FLOAT8},
        "transformers",
        ("compressed_tensors",),
        "on GPUs since Ada and Hopper, by vLLM or by transformers",
    ),
    "nvfp4": Form(
        "NVFP4",
        {"compressed-tensors": _FLOAT4, "modelopt": _FLOAT4},
        "transformers",
        ("compressed_tensors",),
        "on Blackwell GPUs, by vLLM",
    ),
    "compressed_tensors": Form(
        "compressed-tensors",
        {"compressed-tensors": ()},
        "transformers",
        ("compressed_tensors",),
        "by vLLM, or by transformers with compressed-tensors",
    ),
    "mlx": Form("MLX", {"mlx": ()}, "mlx", None, "on Apple silicon, by mlx-lm"),
    "exl2": Form("EXL2", {"exl2": ()}, "exllamav2", None, "on GPUs, by exllamav2 or TabbyAPI"),
    "exl3": Form("EXL3", {"exl3": ()}, "exllamav3", None, "on GPUs, by exllamav3 or TabbyAPI"),
}


def suffix_of(kind: Kind) -> str:
    """What a form's repo is called by default, behind the release's name."""
    return f"-{FORMS[kind].label}"
