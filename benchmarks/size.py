"""A model that is larger than this machine's memory, merged and quantized: Gemma 3 12B, random weights, r=64 adapter.

Each step is a process of its own, as users start it; the anonymous memory of it and its children is sampled. `--gigabytes`
takes a Llama of that size instead, for machines with less room on the disk.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from big_model import ATTENTION, write_adapter, write_gemma3_12b, write_llama

BIN = Path(sys.executable).parent
GOAL_BYTES = 2_000_000_000  # anonymous memory during the merge and during the quantization
ONE_TOKEN = """
import sys, torch, transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
config = AutoConfig.from_pretrained(sys.argv[1])
kind = AutoModelForImageTextToText if hasattr(config, "vision_config") else AutoModelForCausalLM
model = kind.from_pretrained(sys.argv[1], device_map={"": "cpu"})
ids = torch.tensor([[2, 17, 4711, 99]])
out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=1, do_sample=False)
print("token", out[0, -1].item(), "footprint", model.get_memory_footprint())
"""


def main() -> None:
    """Run all steps and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=None, help="A Llama of that size instead.")
    parser.add_argument("--place", type=Path, default=None, help="Where to write; else the temporary folder.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hubpub-size-", dir=asked.place) as folder:
        place = Path(folder)
        needed = (asked.gigabytes or 24.4) * 1e9 * 2.4
        free = shutil.disk_usage(place).free
        if free < needed:
            raise SystemExit(f"{needed / 1e9:.0f} GB of disk are needed, {free / 1e9:.0f} GB are free")
        started = time.monotonic()
        base = place / "base"
        write_llama(base, asked.gigabytes) if asked.gigabytes else write_gemma3_12b(base)
        adapter = write_adapter(place / "adapter", base, ATTENTION)
        size = sum(file.stat().st_size for file in base.glob("*.safetensors"))
        print(f"base      {size:,} bytes in {len(list(base.glob('*.safetensors')))} shards, written in "
              f"{time.monotonic() - started:.0f} s; memory of this machine: {_total_memory() / 1e9:.1f} GB", flush=True)  # fmt: skip
        merged, nf4 = place / "merged", place / "nf4"
        steps = {
            "merge": [BIN / "hubpub", "merge", "--base", base, "--adapter", adapter, "--out", merged],
            "quantize": [BIN / "hubpub", "quantize", "--model", merged, "--out", nf4],
            "load": [sys.executable, "-c", ONE_TOKEN, nf4],
        }
        for name, command in steps.items():
            if name == "quantize":
                shutil.rmtree(base)  # room for what comes
            _step(name, [str(part) for part in command], bounded=name != "load")


def _step(name: str, command: list[str], *, bounded: bool) -> None:
    started = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    samples: list[tuple[float, int]] = []
    while child.poll() is None:
        samples.append((time.monotonic() - started, sum(map(_anonymous, _family(child.pid)))))
        time.sleep(0.05)
    out, errors = child.communicate()
    if child.returncode:
        raise SystemExit(f"{name} failed: {errors[-2000:]}")
    peak = max(size for _, size in samples)
    met = f", below {GOAL_BYTES / 1e9:.0f} GB: {peak < GOAL_BYTES}" if bounded else ""
    print(f"{name:<9} {samples[-1][0]:.1f} s, anonymous memory at most {peak / 1e6:,.0f} MB{met}")
    print(f"          {_curve(samples, peak)}", flush=True)
    for line in out.splitlines():
        print(f"          {line}")


def _curve(samples: list[tuple[float, int]], peak: int) -> str:
    """The memory over time, sixty columns of eighths."""
    columns: list[int] = [0] * 60
    for moment, size in samples:
        column = min(59, int(60 * moment / samples[-1][0]))
        columns[column] = max(columns[column], size)
    return "".join("▁▂▃▄▅▆▇█"[min(7, 8 * size // (peak + 1))] for size in columns)


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


def _anonymous(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)


def _total_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


if __name__ == "__main__":
    main()
