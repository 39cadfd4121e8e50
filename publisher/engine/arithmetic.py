"""What a model is computed in. A processor that cannot multiply bfloat16 emulates it, at a fraction of float32's speed (an
eighth on one without AVX-512); float32 holds every bfloat16 number, so nothing is lost by computing in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# torch's names for what multiplies bfloat16: x86's two extensions, and Arm's.
MULTIPLIES_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
HALF = ("bfloat16", "float16")


def quick_dtype(named: str, place: str, able: Mapping[str, Any] | None = None) -> str:
    """`float32` where `named` is a type of two bytes that this place would only emulate; else `named`.

    Args:
        named: torch's name of a type.
        place: `cpu`, or a GPU's name.
        able: what the processor can do, as `torch.cpu.get_capabilities` names it; None = this one.
    """
    if named not in HALF or not place.startswith("cpu"):
        return named
    if able is None:
        import torch

        able = torch.cpu.get_capabilities()
    return named if any(able.get(name) for name in MULTIPLIES_BFLOAT16) else "float32"


def computed_in(model: Any) -> str:
    """The type that a loaded model's matrix products run in: of 4-bit layers their own, else that of the weights."""
    packed = next(_packed(model), None)
    dtype = model.dtype if packed is None else packed.compute_dtype
    return str(dtype).removeprefix("torch.")


def compute_in(model: Any, dtype: str) -> None:
    """Have a loaded 4-bit model compute in a type. transformers leaves such a checkpoint as it is stored, whatever it is told."""
    import torch

    wanted = getattr(torch, dtype)
    for layer in _packed(model):
        layer.compute_dtype = wanted
    for weight in (*model.parameters(), *model.buffers()):
        if weight.is_floating_point():  # codes of 4 bits are not
            weight.data = weight.data.to(wanted)


def keep_from_repacking(model: Any) -> None:
    """Leave 4-bit layers as they are stored where bitsandbytes' kernel for AVX512-BF16 would compute them wrongly.

    At the first forward on such a processor it packs weights anew, in blocks of 32 rows and 64 columns: other shapes fail
    there (Gemma 3's vision tower has 4304 columns), and whatever type a layer is to compute in, it is bfloat16.
    """
    import torch

    for layer in _packed(model):
        rows, columns = layer.out_features, layer.in_features
        if layer.compute_dtype != torch.bfloat16 or rows % 32 or columns % 64:
            layer.support_avx512bf16_for_cpu = False


def _packed(model: Any) -> Any:
    """The 4-bit layers. By their name: where none are, bitsandbytes need not be installed."""
    return (module for module in model.modules() if type(module).__name__ == "Linear4bit")
