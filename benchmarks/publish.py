"""1 GiB to the Hub and back: hubpub's publish, verify and promote beside plain `hf upload` and `hf download`.

Whole processes, in turns, on one embedded Hub, each round with files that the Hub has never seen. hubpub's side sends
the files to a branch, fetches every byte back and hashes it, and promotes; `hf` sends and fetches. What comes before
(taking the folder in, the card, the checks) is done before the clock starts, for `hf` has nothing of it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from serving import BIN, serving
from tiny_project import NAME, shapes_of, write_configuration

ROUNDS = 3
GOAL = 1.3
AGAIN_GOAL_S = 3.0
HIDDEN, LAYERS, VOCABULARY = 2048, 5, 28672  # 224 MiB of embeddings and 160 MiB a layer: 1 GiB in float32
SHARDS = 4
BLOCK = os.urandom(1 << 20)
MANIFEST = """
manifest: 1
owner: acme
licence: apache-2.0
base: {{folder: inputs/base}}
artifacts: {{base: {{repo: acme/{repo}}}}}
evidence: none
card: {{limitations: limitations.md}}
"""


def main() -> None:
    """Measure and print a table, or CONTRACT's JSON with --format json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    rows = measure(asked.rounds)
    if asked.format == "json":
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
        print(json.dumps({"schema": "hubpub/bench/1", "machine": machine, "rows": rows}))
        return
    print(f"{'what':<38} {'hubpub':>9} {'hf':>9} {'ratio':>6} {'goal':>6} {'met':>5}")
    for row in rows:
        peer = "" if row["peer"] is None else f"{row['peer']:.2f} s"
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        print(
            f"{row['what']:<38} {row['ours']:>7.2f} s {peer:>9} {ratio:>6} {row['goal']:>6} {row['met']!s:>5}"
        )


def measure(rounds: int) -> list[dict[str, object]]:
    """The rows of the table."""
    ours, theirs, again = [], [], []
    with tempfile.TemporaryDirectory(prefix="hubpub-bench-") as folder:
        place = Path(folder)
        with serving(place, HF_HUB_DISABLE_XET="1") as environment:
            for number in range(rounds):
                turns: list[Callable[[], None]] = [
                    lambda n=number: ours.append(_ours(place, environment, n, again)),
                    lambda n=number: theirs.append(_theirs(place, environment, n)),
                ]
                for turn in turns if number % 2 == 0 else reversed(turns):
                    turn()
    mine, peer, repeated = (statistics.median(times) for times in (ours, theirs, again))
    ratio = mine / peer
    return [
        {
            "what": "1 GiB there, and every byte back",
            "ours": round(mine, 3),
            "peer": round(peer, 3),
            "peer_name": "hf upload + hf download",
            "unit": "s",
            "ratio": round(ratio, 3),
            "goal": GOAL,
            "met": ratio <= GOAL,
        },
        {
            "what": "again, with nothing changed",
            "ours": round(repeated, 3),
            "peer": None,
            "peer_name": None,
            "unit": "s",
            "ratio": None,
            "goal": AGAIN_GOAL_S,
            "met": repeated <= AGAIN_GOAL_S,
        },
    ]


def _ours(place: Path, environment: dict[str, str], number: int, again: list[float]) -> float:
    root = place / f"ours-{number}"
    cards = root / "model_cards" / NAME
    write_model(cards / "inputs" / "base", nonce=2 * number)
    (cards / "release.yaml").write_text(MANIFEST.format(repo=f"ours-{number}").lstrip())
    (cards / "limitations.md").write_text("It knows nothing.\n")
    release = [
        BIN / "hubpub",
        "release",
        NAME,
        "--hub",
        environment["HF_ENDPOINT"],
        "--yes",
        "--proof",
        "static",
    ]
    _run([*release, "--until", "package"], root, environment)
    seconds = _run(release, root, environment)
    again.append(_run(release, root, environment))
    shutil.rmtree(root)
    return seconds


def _theirs(place: Path, environment: dict[str, str], number: int) -> float:
    root = place / f"theirs-{number}"
    write_model(root / "folder", nonce=2 * number + 1)
    repo = f"acme/theirs-{number}"
    seconds = _run([BIN / "hf", "upload", repo, root / "folder", "--private", "--quiet"], root, environment)
    seconds += _run(
        [BIN / "hf", "download", repo, "--local-dir", root / "back", "--quiet"], root, environment
    )
    for file in (root / "folder").iterdir():  # outside the clock: both sides must have done their work
        if file.stat().st_size != (root / "back" / file.name).stat().st_size:
            raise SystemExit(f"{file.name} did not come back")
    shutil.rmtree(root)
    return seconds


def _run(command: list[object], folder: Path, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - began


def write_model(folder: Path, *, nonce: int) -> None:
    """A model of 1 GiB in four shards and their index, other bytes for every nonce."""
    write_configuration(folder, HIDDEN, LAYERS, VOCABULARY)
    shapes = sorted(shapes_of(HIDDEN, LAYERS, VOCABULARY).items())
    index: dict[str, str] = {}
    for number in range(SHARDS):
        name = f"model-{number + 1:05d}-of-{SHARDS:05d}.safetensors"
        own = dict(shapes[number::SHARDS])
        index |= dict.fromkeys(own, name)
        _write_shard(folder / name, own, struct.pack("<QQ", nonce, number))
    size = sum((folder / name).stat().st_size for name in set(index.values()))
    told = {"metadata": {"total_size": size}, "weight_map": index}
    (folder / "model.safetensors.index.json").write_text(json.dumps(told))


def _write_shard(file: Path, shapes: dict[str, tuple[int, ...]], first: bytes) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text + first)
        left = end - len(first)
        while left:
            left -= stream.write(BLOCK[: min(left, len(BLOCK))])


if __name__ == "__main__":
    main()
