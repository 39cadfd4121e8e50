"""How fast a check is: a card beside the client's own start, a large model's headers, thousands of small repos."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing import Pool
from pathlib import Path

from publisher.checks.run import check_folder

ROUNDS = 5
BIN = Path(sys.executable).parent
REPOS, BATCH = 10_000, 250
CARD_GOAL, INDEX_GOAL, REPOS_GOAL, GROWTH_GOAL = 1.0, 2.0, 60.0, 1.1
SHARDS, HIDDEN, INNER = 100, 8192, 4096


def main() -> None:
    """Measure and print a table, or CONTRACT's JSON with --format json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--repos", type=int, default=REPOS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        rows = [
            card_row(Path(room)),
            index_row(Path(room) / "large"),
            *repos_rows(Path(room) / "small", asked.repos),
        ]
    if asked.format == "json":
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
        print(json.dumps({"schema": "hubpub/bench/1", "machine": machine, "rows": rows}))
        return
    print(f"{'what':<44} {'ours':>9} {'peer':>9} {'goal':>6} {'met':>4}")
    for row in rows:
        peer = "" if row["peer"] is None else f"{row['peer']:.2f}"
        met = "yes" if row["met"] else "no"
        print(f"{row['what']:<44} {row['ours']:>7.2f} {row['unit']:<2}{peer:>8} {row['goal']:>6} {met:>4}")


def card_row(room: Path) -> dict[str, object]:
    """Whole processes in turns with `hf --help`, median; the first round fills the disk's cache."""
    readme = room / "README.md"
    readme.write_text(small_card(random.Random(0), 0), "utf-8")
    ours, peer = [], []
    for _ in range(ROUNDS + 1):
        ours.append(_time("hubpub", "check", str(readme)))
        peer.append(_time("hf", "--help"))
    mine, theirs = statistics.median(ours[1:]), statistics.median(peer[1:])
    return _row("hubpub check README.md", mine, "s", CARD_GOAL, mine / theirs, peer=theirs, name="hf --help")


def index_row(folder: Path) -> dict[str, object]:
    """A model of 215 GB in 100 shards that take no room on the disk: only their headers are written."""
    total = write_large(folder)
    mine = statistics.median(_time("hubpub", "check", str(folder)) for _ in range(ROUNDS))
    return _row(f"hubpub check, {total / 1e9:.0f} GB in {SHARDS} shards", mine, "s", INDEX_GOAL, mine)


def repos_rows(folder: Path, count: int) -> list[dict[str, object]]:
    """Many small repos by one process for each core; its memory after the first repos, and after the last."""
    paths = [write_small(folder / f"repo-{number}", number) for number in range(count)]
    cores = min(2, os.cpu_count() or 1)
    started = time.perf_counter()
    with Pool(cores) as pool:
        memory: dict[int, list[int]] = {}
        spent: dict[int, float] = {}
        batches = [paths[start : start + BATCH] for start in range(0, count, BATCH)]
        for process, used, busy in pool.imap_unordered(check_batch, batches):
            memory.setdefault(process, []).append(used)
            spent[process] = spent.get(process, 0.0) + busy
    seconds = time.perf_counter() - started
    worked = sum(spent.values()) / cores
    growth = max(used[-1] / used[0] for used in memory.values())
    per_repos = REPOS_GOAL * count / REPOS
    return [
        _row(f"check_folder, {count:,} small repos, {cores} cores", seconds, "s", per_repos, seconds),
        # What it takes where nothing else runs on these cores.
        _row("the processor's time for it, a core", worked, "s", per_repos, worked),
        _row("its memory at the end, of that at the start", growth, "x", GROWTH_GOAL, growth),
    ]


def check_batch(folders: list[Path]) -> tuple[int, int, float]:
    """Check some repos; the process, the most memory that it ever held in bytes, and the processor's seconds for them."""
    started = time.process_time()
    for folder in folders:
        check_folder(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return os.getpid(), peak * (1 if sys.platform == "darwin" else 1024), time.process_time() - started


def write_large(folder: Path) -> int:
    """Sparse shards with true headers, and their index; returns the bytes of all tensors."""
    folder.mkdir()
    weight_map, total = {}, 0
    for shard in range(SHARDS):
        name = f"model-{shard + 1:05d}-of-{SHARDS:05d}.safetensors"
        header: dict[str, object] = {"__metadata__": {"format": "pt"}}
        position = 0
        for tensor, shape in _layer(shard):
            size = 2 * math.prod(shape)
            header[tensor] = {
                "dtype": "BF16",
                "shape": list(shape),
                "data_offsets": [position, position + size],
            }
            weight_map[tensor] = name
            position += size
        raw = json.dumps(header).encode()
        with (folder / name).open("wb") as file:
            file.write(len(raw).to_bytes(8, "little") + raw)
            file.truncate(8 + len(raw) + position)
        total += position
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2), "utf-8")
    config = {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "README.md").write_text(small_card(random.Random(0), 0), "utf-8")
    return total


def _layer(number: int) -> list[tuple[str, tuple[int, ...]]]:
    stem = f"model.layers.{number}"
    found: list[tuple[str, tuple[int, ...]]] = [
        (f"{stem}.self_attn.{name}_proj.weight", (HIDDEN, HIDDEN)) for name in "qkvo"
    ]
    for expert in range(8):
        inside = f"{stem}.mlp.experts.{expert}"
        found += [(f"{inside}.{name}_proj.weight", (INNER, HIDDEN)) for name in ("gate", "up")]
        found.append((f"{inside}.down_proj.weight", (HIDDEN, INNER)))
    return found


def write_small(folder: Path, number: int) -> Path:
    """A repo's metadata, no two alike: an adapter, a model's configuration, or a dataset's card."""
    folder.mkdir(parents=True)
    chance = random.Random(number)
    (folder / "README.md").write_text(small_card(chance, number), "utf-8")
    kind = number % 3
    if kind == 0:
        rank = chance.choice((4, 8, 16, 64))
        adapter = {
            "peft_type": "LORA",
            "base_model_name_or_path": chance.choice(("google/gemma-2-9b-it", "meta-llama/Llama-3.1-8B")),
            "r": rank,
            "lora_alpha": 2 * rank,
            "target_modules": ["q_proj", "v_proj"],
            "task_type": chance.choice(("CAUSAL_LM", None)),
        }
        (folder / "adapter_config.json").write_text(json.dumps(adapter, indent=2), "utf-8")
    elif kind == 1:
        layers = chance.randint(2, 80)
        config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": layers}
        (folder / "config.json").write_text(json.dumps(config, indent=2), "utf-8")
        generation = {"temperature": chance.random(), "eos_token_id": chance.randint(0, 9)}
        (folder / "generation_config.json").write_text(json.dumps(generation, indent=2), "utf-8")
    else:
        (folder / "rows.jsonl").write_text(json.dumps({"text": f"row {number}"}) + "\n", "utf-8")
    return folder


def small_card(chance: random.Random, number: int) -> str:
    """A card with a table, a list, code and numbers that differ from repo to repo."""
    words = ("aerial", "river", "legal", "short", "Basque", "tool", "robust", "chess")
    name = f"{chance.choice(words)}-{number}"
    losses = "\n".join(f"| {step} | {chance.random():.3f} |" for step in range(100, 600, 100))
    return f"""---
license: {chance.choice(("mit", "apache-2.0", "gemma", "cc-by-4.0"))}
language: [en]
tags: [{name}, lora]
---

# {name}

Fine-tuned with r = {chance.choice((8, 16, 64))} on {chance.randint(100, 9000):,} examples, {chance.randint(1, 4)} epochs.

| step | loss |
|---|---|
{losses}

- learning rate {chance.choice(("1e-4", "2e-5"))}
- see [the data](https://huggingface.co/datasets/acme/{name})

```python
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("acme/{name}")
```
"""


def _row(
    what: str,
    ours: float,
    unit: str,
    goal: float,
    measured: float,
    *,
    peer: float | None = None,
    name: str = "",
) -> dict[str, object]:
    ratio = None if peer is None else round(ours / peer, 3)
    return {
        "what": what,
        "ours": round(ours, 4),
        "peer": None if peer is None else round(peer, 4),
        "peer_name": name,
        "unit": unit,
        "ratio": ratio,
        "goal": goal,
        "met": measured <= goal,
    }


def _time(command: str, *arguments: str) -> float:
    """Seconds of a whole process. A check that finds faults ends with 1 or 2; that is no failure here."""
    started = time.perf_counter()
    done = subprocess.run([BIN / command, *arguments], check=False, capture_output=True)
    seconds = time.perf_counter() - started
    if done.stderr and b"Traceback" in done.stderr:
        raise SystemExit(done.stderr.decode())
    return seconds


if __name__ == "__main__":
    main()
