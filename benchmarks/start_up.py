"""How fast the command line starts, beside the client's own: whole processes, in turns, median of seven."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 7
BIN = Path(sys.executable).parent
GOAL = 0.4  # of `hf --help`


def main() -> None:
    """Measure and print a table, or CONTRACT's JSON with --format json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    asked = parser.parse_args()
    rows = [_row("--help", GOAL), _row("--version", None)]
    if asked.format == "json":
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
        print(json.dumps({"schema": "hubpub/bench/1", "machine": machine, "rows": rows}))
        return
    print(f"{'what':<12} {'hubpub':>8} {'hf':>8} {'ratio':>6} {'goal':>6}")
    for row in rows:
        goal = "" if row["goal"] is None else f"{row['goal']:.2f}"
        print(f"{row['what']:<12} {row['ours']:>7.3f}s {row['peer']:>7.3f}s {row['ratio']:>6.2f} {goal:>6}")


def _row(argument: str, goal: float | None) -> dict[str, object]:
    peer_argument = "version" if argument == "--version" else argument
    ours, peer = [], []
    for round_number in range(ROUNDS + 1):
        times = (_time("hubpub", argument), _time("hf", peer_argument))
        if round_number:  # the first round fills the disk's cache
            ours.append(times[0])
            peer.append(times[1])
    mine, theirs = statistics.median(ours), statistics.median(peer)
    ratio = mine / theirs
    return {
        "what": argument,
        "ours": round(mine, 4),
        "peer": round(theirs, 4),
        "peer_name": f"hf {peer_argument}",
        "unit": "s",
        "ratio": round(ratio, 3),
        "goal": goal,
        "met": None if goal is None else ratio <= goal,
    }


def _time(command: str, argument: str) -> float:
    started = time.perf_counter()
    subprocess.run([BIN / command, argument], check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
