"""Merging and quantizing beside peft, transformers, bitsandbytes and plain copying: time, and memory that no file backs.

Each side works in a process of its own, in turns, on the same files. Work time and the time that imports take are apart;
memory is the most anonymous memory (RssAnon, sampled) above what the imports alone took, which is printed too. hubpub's
output is on the disk when it counts as made, peft's and cp's is in the page cache, so cp stands here with fsync as well.
`--cold` takes the files that are read out of the page cache before each run. `--plot` draws how time grows with size.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from big_model import ALL_LINEAR, ATTENTION, write_adapter, write_llama
from growth_plot import draw_growth

ROUNDS = 3
CHILD = """
import json, sys, threading, time
started = time.perf_counter()
sys.path.insert(0, {here!r})
peak, stop = [0], threading.Event()
def anonymous():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
def watch():
    while not stop.is_set():
        peak[0] = max(peak[0], anonymous())
        time.sleep(0.005)
{imports}
imported, before = time.perf_counter(), anonymous()
peak[0] = before
threading.Thread(target=watch, daemon=True).start()
{work}
worked = time.perf_counter()
stop.set()
high = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")][0]
print(json.dumps({{"import_s": imported - started, "work_s": worked - imported, "import_bytes": before,
                  "anonymous_bytes": max(peak[0], anonymous()) - before, "rss_bytes": int(high.split()[1]) * 1024}}))
"""
COPY = "subprocess.run(['cp', '-r', '--reflink=never', {base!r}, {out!r}], check=True)\n"
FLUSH = "import os, glob\nfor file in glob.glob({out!r} + '/*'): os.fsync(os.open(file, os.O_RDONLY))\n"
Measured = Mapping[str, float]
Row = dict[str, Any]


def main() -> None:
    """Measure and print a table, or CONTRACT's JSON with --format json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[3.0])
    parser.add_argument("--only", choices=["merge", "quantize", "kernel"], nargs="+", default=None)
    parser.add_argument(
        "--cold", action="store_true", help="Take the files that are read out of the page cache."
    )
    parser.add_argument(
        "--axolotl", type=Path, default=None, help="Its wheel, unpacked: its merge by shards as well."
    )
    parser.add_argument(
        "--plot", type=Path, default=None, help="Draw how the merges' work time grows, as an SVG."
    )
    asked = parser.parse_args()
    rows: list[Row] = []
    for gigabytes in asked.gigabytes:
        with tempfile.TemporaryDirectory(prefix="hubpub-bench-", dir=os.environ.get("HUBPUB_BENCH")) as place:
            rows += measure(Path(place), gigabytes, asked)
    if asked.plot is not None:
        draw_growth(rows, asked.plot)
    if asked.format == "json":
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
        print(json.dumps({"schema": "hubpub/bench/1", "machine": machine, "rows": rows}))
        return
    print(f"{'what':<52} {'hubpub':>9} {'peer':>9} {'unit':<4} {'ratio':>7} {'goal':>7} {'met':>5}  peer")
    for row in rows:
        numbers = f"{row['ours']:>9.2f} {row['peer']:>9.2f} {row['unit']:<4} {row['ratio']:>7.3f}"
        goal = "" if row["goal"] is None else f"{row['goal']:.3f}"
        met = "" if row["met"] is None else str(row["met"])
        print(f"{row['what']:<52} {numbers} {goal:>7} {met:>5}  {row['peer_name']}", flush=True)


def measure(place: Path, gigabytes: float, asked: argparse.Namespace) -> list[Row]:
    """The rows of one size."""
    base = write_llama(place / "base", gigabytes)
    size = sum(file.stat().st_size for file in base.glob("*.safetensors")) / 1e9
    rows: list[Row] = []
    wanted = asked.only or ["merge", "quantize", "kernel"]
    if "merge" in wanted:
        for name, targets in (("q/k/v/o", ATTENTION), ("every linear layer", ALL_LINEAR)):
            adapter = write_adapter(place / f"adapter-{len(targets)}", base, targets)
            made = _merge_rows(place, base, adapter, f"{size:.2f} GB, {name}", asked)
            rows += [row | {"gigabytes": size, "adapted": name} for row in made]
    if "quantize" in wanted:
        rows += _quantize_rows(place, base, f"{size:.2f} GB", asked.rounds, cold=asked.cold)
    if "kernel" in wanted:
        rows += _kernel_rows(asked.rounds)
    return rows


def _merge_rows(place: Path, base: Path, adapter: Path, what: str, asked: argparse.Namespace) -> list[Row]:
    out = place / "out"
    sides = {
        "hubpub": _child(
            "from publisher.engine import merge\nfrom publisher.engine.jobs import Merge\nimport torch, numba",
            f"merge.run(Merge({str(base)!r}, {str(adapter)!r}, {str(out)!r}), lambda event: None)",
        ),
        "peft": _child(
            "import torch, transformers, peft\nfrom peft import PeftModel\nfrom transformers import AutoModelForCausalLM",
            f"model = AutoModelForCausalLM.from_pretrained({str(base)!r})\n"
            f"PeftModel.from_pretrained(model, {str(adapter)!r}).merge_and_unload().save_pretrained("
            f"{str(out)!r}, max_shard_size='600MB')",
        ),
        "cp": _child("import subprocess", COPY.format(base=str(base), out=str(out))),
        "cp + fsync": _child("import subprocess", COPY.format(base=str(base), out=str(out)) + FLUSH.format(out=str(out))),
    }  # fmt: skip
    if asked.axolotl is not None:
        sides["axolotl"] = _child(
            f"sys.path.insert(0, {str(asked.axolotl)!r})\n"
            "from axolotl.cli.utils.lora_merge import merge_lora_sharded_efficient",
            f"merge_lora_sharded_efficient({str(base)!r}, {str(adapter)!r}, {str(out)!r})",
        )
    found = _in_turns(sides, out, asked.rounds, cold=(base, adapter) if asked.cold else ())
    all_linear = "every" in what
    to_copy = 4.0 if all_linear else 2.0
    beside_axolotl = [
        _row(f"merge {what}: {name}", found, "hubpub", "axolotl", key, None)
        for name, key in (("work", "work_s"), ("anonymous memory", "anonymous_bytes"))
        if "axolotl" in found
    ]
    return [
        _equal_row(f"merge {what}: tensors that differ", sides, out),
        _row(f"merge {what}: work", found, "hubpub", "peft", "work_s", None if all_linear else 0.5),
        _row(f"merge {what}: work", found, "hubpub", "cp", "work_s", to_copy),
        _row(f"merge {what}: work", found, "hubpub", "cp + fsync", "work_s", None),
        _row(f"merge {what}: anonymous memory", found, "hubpub", "peft", "anonymous_bytes", 0.125),
        _row(f"merge {what}: peak RSS", found, "hubpub", "peft", "rss_bytes", None),
        _row(f"merge {what}: imports", found, "hubpub", "peft", "import_s", None),
        _row(f"merge {what}: memory of the imports", found, "hubpub", "peft", "import_bytes", None),
        *beside_axolotl,
    ]


def _quantize_rows(place: Path, base: Path, what: str, rounds: int, *, cold: bool) -> list[Row]:
    out = place / "out"
    sides = {
        "hubpub": _child(
            "from publisher.engine import quantize\nfrom publisher.engine.jobs import Quantize\n"
            "import torch, transformers, bitsandbytes, numba",
            f"quantize.run(Quantize({str(base)!r}, {str(out)!r}), lambda event: None)",
        ),
        "transformers": _child(
            "import torch, bitsandbytes\nfrom transformers import AutoModelForCausalLM, BitsAndBytesConfig",
            "settings = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type='nf4', "
            "bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16)\n"
            f"model = AutoModelForCausalLM.from_pretrained({str(base)!r}, dtype='auto', device_map={{'': 'cpu'}}, "
            f"quantization_config=settings)\nmodel.save_pretrained({str(out)!r})",
        ),
    }
    found = _in_turns(sides, out, rounds, cold=(base,) if cold else ())
    return [
        _row(f"NF4 {what}: work", found, "hubpub", "transformers", "work_s", 0.25),
        _row(f"NF4 {what}: anonymous memory", found, "hubpub", "transformers", "anonymous_bytes", 0.25),
        _row(f"NF4 {what}: peak RSS", found, "hubpub", "transformers", "rss_bytes", None),
        _row(f"NF4 {what}: imports", found, "hubpub", "transformers", "import_s", None),
    ]


def _kernel_rows(rounds: int) -> list[Row]:
    work = """
def timed(call):
    times = []
    for _ in range(5):
        start = time.perf_counter(); call(); times.append(time.perf_counter() - start)
    return sorted(times)[2]
weights = torch.randn(4096, 8192).mul_(0.02).bfloat16()
flat = weights.reshape(-1)
quantize_flat(flat)
times = {"hubpub": timed(lambda: quantize_flat(flat)),
         "bitsandbytes": timed(lambda: functional.quantize_4bit(weights, quant_type="nf4")),
         "memcpy": timed(lambda: weights.clone())}
print(json.dumps(times))
"""
    script = _child(
        "import torch\nfrom bitsandbytes import functional\n"
        "from publisher.engine.nf4_tensor import quantize_flat",
        work,
    )
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        lines = _run(script).splitlines()
        for name, seconds in json.loads(lines[-2]).items():
            found.setdefault(name, []).append(1000 * seconds)
    medians = {name: statistics.median(values) for name, values in found.items()}
    rows = []
    for peer, goal in (("bitsandbytes", 0.1), ("memcpy", 3.0)):
        ratio = medians["hubpub"] / medians[peer]
        rows.append({
            "what": "NF4 kernel, 33.6 M weights", "ours": medians["hubpub"], "peer": medians[peer], "peer_name": peer,
            "unit": "ms", "ratio": round(ratio, 3), "goal": goal, "met": ratio <= goal,
        })  # fmt: skip
    return rows


def _equal_row(what: str, sides: Mapping[str, str], out: Path) -> Row:
    """Both merges once more, tensor by tensor: how many differ in any bit."""
    from publisher.weights.tensors import digest_tensors

    tensors = []
    for name in ("hubpub", "peft"):
        _run(sides[name])
        tensors.append(digest_tensors(out))
        shutil.rmtree(out)
    ours, theirs = tensors
    differ = sum(ours.get(name) != tensor for name, tensor in theirs.items())
    return {
        "what": what, "ours": float(differ), "peer": 0.0, "peer_name": f"peft, {len(theirs)} tensors", "unit": "",
        "ratio": 1.0, "goal": None, "met": differ == 0,
    }  # fmt: skip


def _in_turns(
    sides: Mapping[str, str], out: Path, rounds: int, *, cold: Sequence[Path]
) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {name: [] for name in sides}
    for number in range(rounds):
        names = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in names:
            os.sync()  # what the one before wrote is not paid for by the next
            for file in (file for folder in cold for file in folder.iterdir()):
                _forget(file)
            found[name].append(json.loads(_run(sides[name]).splitlines()[-1]))
            shutil.rmtree(out)
    return found


def _forget(file: Path) -> None:
    """Take a file out of the page cache."""
    with file.open("rb") as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _row(
    what: str, found: Mapping[str, list[Measured]], ours: str, peer: str, key: str, goal: float | None
) -> Row:
    scale = 1e6 if key.endswith("_bytes") else 1.0
    mine, theirs = (statistics.median(each[key] for each in found[side]) / scale for side in (ours, peer))
    ratio = mine / theirs if theirs else float("inf")
    return {
        "what": what,
        "ours": round(mine, 3),
        "peer": round(theirs, 3),
        "peer_name": peer,
        "unit": "MB" if scale > 1 else "s",
        "ratio": round(ratio, 4),
        "goal": goal,
        "met": None if goal is None else ratio <= goal,
    }


def _child(imports: str, work: str) -> str:
    here = str(Path(__file__).resolve().parent)
    return CHILD.format(here=here, imports=imports, work=work)


def _run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=_quiet())
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return done.stdout


def _quiet() -> dict[str, str]:
    return {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }


if __name__ == "__main__":
    main()
