"""How much memory this process has needed, and how to hand it back."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path

ROOM = 1.2  # times the weights: activations, an adapter and kept logits need some as well


def peak_rss_bytes() -> int:
    """The most memory that this process has had resident at any moment, in bytes.

    On Linux the kernel's high-water mark is read, not `getrusage`: the latter survives exec, so a small child of a
    large parent would report its parent's size (getrusage(2), ru_maxrss; execve(2) keeps it).
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, others kibibytes


def available_bytes() -> int | None:
    """Memory that a model may take without anything being swapped, in bytes; None where it cannot be known."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        return None
    for line in meminfo.read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def fits_in_memory(folder: str | Path, times: float = 1.0) -> bool:
    """Whether a checkpoint fits, at so many times its files' size; where memory cannot be known, it is tried."""
    available = available_bytes()
    needed = ROOM * times * sum(file.stat().st_size for file in Path(folder).glob("*.safetensors"))
    return available is None or needed < available


def free() -> None:
    """Collect what is no longer referred to; models hold reference cycles, so dropping the name is not enough."""
    gc.collect()
    torch = sys.modules.get("torch")  # a dataset's probe has no need of it
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
