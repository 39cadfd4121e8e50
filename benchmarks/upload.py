"""What an upload costs: the bytes that `publish` sends for a merged model whose base is on the same Hub, with Xet on.

The base goes to an embedded Hub by `hf upload`; hubpub merges, plans, and publishes. What was sent is what came to lie
in the Hub's store of chunks, their lists included, without compression: that random numbers pack well must not flatter.
Sizes, not times: one run is enough.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from big_model import ATTENTION, write_adapter, write_llama
from serving import BIN, serving

from publisher.weights.shards import read_shards

GOAL = 1.15  # of the bytes of the tensors that changed
CLOSE = 1.05  # prediction and what was sent, either way round
BASE = "acme/random"
MANIFEST = f"""
manifest: 1
owner: acme
licence: apache-2.0
base: {{folder: inputs/base, model: {BASE}}}
adapter: inputs/adapter
artifacts: {{merged: {{repo: acme/tuned}}}}
evidence: none
card: {{limitations: limitations.md}}
"""
Row = dict[str, Any]


def main() -> None:
    """Measure and print a table, or CONTRACT's JSON with --format json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[0.5])
    asked = parser.parse_args()
    rows: list[Row] = []
    for gigabytes in asked.gigabytes:
        with tempfile.TemporaryDirectory(prefix="hubpub-bench-", dir=os.environ.get("HUBPUB_BENCH")) as place:
            rows += measure(Path(place), gigabytes)
    if asked.format == "json":
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
        print(json.dumps({"schema": "hubpub/bench/1", "machine": machine, "rows": rows}))
        return
    print(f"{'what':<36} {'hubpub':>10} {'peer':>10} {'ratio':>7} {'goal':>6} {'met':>5}  peer")
    for row in rows:
        numbers = f"{row['ours']:>7.2f} MB {row['peer']:>7.2f} MB {row['ratio']:>7.4f}"
        goal, met = ("" if row[key] is None else str(row[key]) for key in ("goal", "met"))
        print(f"{row['what']:<36} {numbers} {goal:>6} {met:>5}  {row['peer_name']}")


def measure(place: Path, gigabytes: float) -> list[Row]:
    """The rows of one size."""
    cards = place / "model_cards" / "tuned"
    base = write_llama(cards / "inputs" / "base", gigabytes)
    _add_tokenizer(base)
    write_adapter(cards / "inputs" / "adapter", base, ATTENTION, r=16)
    (cards / "release.yaml").write_text(MANIFEST.lstrip())
    (cards / "limitations.md").write_text("It knows nothing.\n")
    with serving(place, HF_HUB_DISABLE_XET="0", HF_XET_XORB_COMPRESSION_POLICY="none") as environment:
        _run(["hf", "upload", BASE, base, "--private", "--quiet"], place, environment)
        there = ["tuned", "--hub", environment["HF_ENDPOINT"]]
        release = ["hubpub", "release", *there, "--yes", "--proof", "static"]
        _run([*release, "--until", "package"], place, environment)
        plan = json.loads(_run(["hubpub", "plan", *there, "--format", "json"], place, environment))
        before = _stored(place / "hub")
        _run([*release, "--until", "publish"], place, environment)
        sent = _stored(place / "hub") - before
    changed = _changed(base, place / ".hubpub" / "tuned" / "artifacts" / "merged")
    predicted, whole = plan["bytes_new"], plan["bytes_to_upload"]
    what = f"merged, {gigabytes:g} GB, q k v o"
    return [
        _row(f"{what}: sent", sent, changed, "the tensors that changed", GOAL, sent / changed <= GOAL),
        _row(f"{what}: predicted", predicted, sent, "sent", CLOSE, 1 / CLOSE <= predicted / sent <= CLOSE),
        _row(f"{what}: sent", sent, whole, "LFS, which sends files whole", None, None),
    ]


def _row(what: str, ours: int, peer: int, name: str, goal: float | None, met: bool | None) -> Row:
    return {
        "what": what,
        "ours": round(ours / 1e6, 3),
        "peer": round(peer / 1e6, 3),
        "peer_name": name,
        "unit": "MB",
        "ratio": round(ours / peer, 4),
        "goal": goal,
        "met": met,
    }


def _add_tokenizer(model: Path) -> None:
    """A model folder without one is none."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"<unk>": 0, "<s>": 1, "</s>": 2}, unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    tokenizer.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    tokenizer.save_pretrained(model)


def _stored(hub: Path) -> int:
    """Bytes of all chunks, and lists of them, that clients have sent to a Hub; links to what others sent count for nothing."""
    kinds = ("xorbs/default.*", "xorbs/shards/*.mdb")
    found = (
        file.stat() for part in ("xet", "xet-known") for kind in kinds for file in (hub / part).rglob(kind)
    )
    return sum({each.st_ino: each.st_size for each in found}.values())


def _changed(base: Path, merged: Path) -> int:
    """Bytes of the tensors that are other than the base's, by comparing them."""
    theirs, changed = read_shards(base), 0
    for shard in read_shards(merged).shards:
        with shard.file.open("rb") as ours, (base / shard.file.name).open("rb") as other:
            for name, tensor in shard.tensors.items():
                assert (tensor.start, tensor.stop) == (theirs.tensors[name].start, theirs.tensors[name].stop)
                ours.seek(tensor.start)
                other.seek(tensor.start)
                length = tensor.stop - tensor.start
                changed += length if ours.read(length) != other.read(length) else 0
    return changed


def _run(command: list[Any], folder: Path, environment: dict[str, str]) -> str:
    """Run one of the environment's programs; returns what it prints."""
    whole = [str(BIN / command[0]), *map(str, command[1:])]
    done = subprocess.run(whole, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(whole)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
