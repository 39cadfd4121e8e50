"""What this machine is and has, without importing torch: for `hubpub doctor`."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

CORE = ("hubpub", "huggingface_hub", "hf_xet")
MODELS = ("torch", "transformers", "peft", "bitsandbytes", "accelerate", "safetensors", "datasets", "pyarrow")
PATIENCE_S = 10.0

_ISOLATE = "from publisher.engine.jail import isolate; print(isolate(()))"


@dataclass(frozen=True)
class Machine:
    """One machine, as it is now.

    Attributes:
        python: version.
        packages: version of each package; None where it is not installed.
        xet_tried: the versions of hf_xet that the embedded Hub takes uploads from.
        cores: that this process may use.
        memory_bytes: that this process may have at most, of the machine or of its container; None where unknown.
        free_memory_bytes: that nobody uses now; None where unknown.
        free_disk_bytes: where artifacts are made.
        gpus: as nvidia-smi names them.
        isolation: what the kernel keeps from a child, as a proof says it.
    """

    python: str
    packages: dict[str, str | None]
    xet_tried: str
    cores: int
    memory_bytes: int | None
    free_memory_bytes: int | None
    free_disk_bytes: int
    gpus: tuple[str, ...]
    isolation: str

    @property
    def missing(self) -> tuple[str, ...]:
        """Packages that making or proving a model would need."""
        return tuple(name for name in MODELS if self.packages[name] is None)


def look_at_machine(place: Path) -> Machine:
    """Look; `place` is where artifacts would be made, whether it exists or not."""
    from publisher.staging.xet import TESTED

    there = next(folder for folder in (place, *place.parents) if folder.exists())
    first, behind = (".".join(map(str, version)) for version in TESTED)
    return Machine(
        python=platform.python_version(),
        packages={name: _version(name) for name in (*CORE, *MODELS)},
        xet_tried=f"from {first}, before {behind}",
        cores=_cores(),
        memory_bytes=whole_memory(),
        free_memory_bytes=_free_memory(),
        free_disk_bytes=shutil.disk_usage(there).free,
        gpus=gpus(),
        isolation=_said_by(sys.executable, "-P", "-c", _ISOLATE) or "unknown",
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def whole_memory() -> int | None:
    """Bytes that this process may have at most, of the machine or of its container; None where unknown."""
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
    limit = _text("/sys/fs/cgroup/memory.max")
    return min(whole, int(limit)) if limit.isdecimal() else whole


def _free_memory() -> int | None:
    fields = dict(line.split(":", 1) for line in _text("/proc/meminfo").splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in fields else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def gpus() -> tuple[str, ...]:
    """The GPUs, as nvidia-smi names them."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    said = _said_by(command, "--query-gpu=name,memory.total", "--format=csv,noheader")
    return tuple(line.strip() for line in said.splitlines() if line.strip())


def _said_by(*command: str) -> str:
    """What a program printed; nothing where it failed or took too long."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
