"""How fast a card is written, beside the client's own template: whole processes, in turns, median of nine.

Ours reads the manifest, the lock and the prose, renders every card of a small release with its trace, and writes them.
The client's fills its one template with what it is given in code, and writes that.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))

from tiny_project import NAME, write_project

ROUNDS = 9
GOAL = 1.0
BIN = Path(sys.executable).parent
PEER = """
import sys
from huggingface_hub import EvalResult, ModelCard, ModelCardData

results = [
    EvalResult(task_type="text-generation", dataset_type="acme/tiny-data", dataset_name="tiny",
               metric_type="loss", metric_value=1.25)
]
data = ModelCardData(license="apache-2.0", language="en", library_name="peft", base_model="acme/tiny-base",
                     datasets=["acme/tiny-data"], tags=["lora"], model_name="tiny-lora", eval_results=results)
card = ModelCard.from_template(data, model_id="acme/tiny-lora", model_description="A LoRA adapter.",
                               developers="acme", bias_risks_limitations="It knows nothing.")
card.save(sys.argv[1])
"""


def main() -> None:
    """Measure and print a table, or CONTRACT's JSON with --format json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    asked = parser.parse_args()
    rows = [_one_card()]
    if asked.format == "json":
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
        print(json.dumps({"schema": "hubpub/bench/1", "machine": machine, "rows": rows}))
        return
    print(f"{'what':<26} {'hubpub':>8} {'peer':>8} {'ratio':>6} {'goal':>6}  peer")
    for row in rows:
        print(
            f"{row['what']:<26} {row['ours']:>7.3f}s {row['peer']:>7.3f}s {row['ratio']:>6.2f} {row['goal']:>6.2f}"
            f"  {row['peer_name']}"
        )
    if find_spec("sentence_transformers") is None:
        print("sentence-transformers is not installed: not compared")


def _one_card() -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="hubpub-bench-") as folder:
        root = Path(folder)
        write_project(root, ("adapter",))
        release = ["release", NAME, "--until", "card", "--hub", "local", "--proof", "static", "--yes"]
        subprocess.run([BIN / "hubpub", *release], check=True, capture_output=True, cwd=root)
        ours, peer = [], []
        for round_number in range(ROUNDS + 1):
            times = (
                _time([BIN / "hubpub", "card", NAME], root),
                _time([sys.executable, "-c", PEER, root / "peer.md"], root),
            )
            if round_number:  # the first round fills the disk's caches
                ours.append(times[0])
                peer.append(times[1])
    mine, theirs = statistics.median(ours), statistics.median(peer)
    return {
        "what": "a card, start to finish",
        "ours": round(mine, 4),
        "peer": round(theirs, 4),
        "peer_name": "huggingface_hub ModelCard.from_template",
        "unit": "s",
        "ratio": round(mine / theirs, 3),
        "goal": GOAL,
        "met": mine / theirs < GOAL,
    }


def _time(command: list[str | Path], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
