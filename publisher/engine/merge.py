"""Fold a LoRA adapter into full-precision weights: W + s * B A, the base's files kept but for the adapted bytes.

Each shard is written anew: the bytes between adapted tensors are copied, the adapted ones are computed a slice at a time.
So layout, header, index and untouched tensors stay the base's own, and memory holds some slices, however large the model.
A killed run goes on with the first shard that it had not finished. The base need not be here whole: see `arrivals.py`.
Equal to the last bit to peft's `merge_and_unload()`: the product in float32, added, rounded once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from publisher.engine.arrivals import AT_HAND, Arrivals
from publisher.engine.jobs import Emit, JobResult, Merge
from publisher.engine.merge_shard import write_shard
from publisher.engine.nf4 import refuse_quantized
from publisher.engine.output import Ledger, continued_aside
from publisher.engine.skeleton import read_skeleton
from publisher.engine.untie import Untied, add_head, find_untied
from publisher.engine.updates import RoundTrip, Update
from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement
from publisher.weights.adapter import check_adapter, find_saved, find_weights
from publisher.weights.companions import copy_companions
from publisher.weights.copying import copy_file
from publisher.weights.describe import count_parameters, main_dtype, read_config, tied_embeddings
from publisher.weights.header import Header, TensorEntry, read_header
from publisher.weights.lora import CONFIG, WEIGHTS, Adapter, LoraPair, read_adapter
from publisher.weights.shards import ShardSet, read_shards


def run(job: Merge, emit: Emit) -> JobResult:
    """Merge and measure.

    Raises:
        HubpubError: HP-A01 … HP-A07 before anything is written; HP-E05, a merged weight is not finite;
            HP-E06, fewer tensors changed than the adapter has modules; HP-M10, the base is quantized;
            HP-X01, the disk has too little room, with what is missing.
    """
    base, adapter_folder, out = Path(job.base), Path(job.adapter), Path(job.out)
    adapter, config = read_adapter(adapter_folder), read_config(base)
    refuse_quantized(base, config)
    check_adapter(adapter_folder, base)
    shards = read_shards(base)
    pairs, saved = find_weights(adapter, shards), find_saved(adapter, shards)
    untied = find_untied(adapter, shards, pairs, saved, tied=tied_embeddings(config, shards))
    updates = _updates(job, shards, pairs, saved, untied)
    changed: list[str] = []
    with continued_aside(out, _key(job, shards)) as ledger:
        left = [shard for shard in shards.shards if ledger.done(shard.file.name) is None]
        arrivals = Arrivals(Path(job.arriving) if job.arriving else None, tuple(left), emit)
        _refuse_full_disk(ledger.folder, left, at_hand=AT_HAND if job.arriving else 0)
        written = 0
        for shard in shards.shards:
            changed += _make_shard(ledger, shard, updates, adapter, untied, arrivals)
            written += shard.size_bytes
            emit({"event": "bytes", "done": written, "of": shards.size_bytes})
        _refuse_idle(adapter, pairs, changed)
        copy_companions(base, ledger.folder)
        _copy_index(shards, ledger.folder, untied)
        if untied is not None:
            untied.write_config(config, ledger.folder)
        merged = read_shards(ledger.folder)
    made = read_config(out)
    other = {*changed, untied.name} if untied is not None else set(changed)
    changed_bytes = sum(
        tensor.stop - tensor.start for name, tensor in merged.tensors.items() if name in other
    )
    values: dict[str, tuple[Json, str | None]] = {
        "parameters": (count_parameters(made, merged), None),
        "size_bytes": (merged.size_bytes, "bytes"),
        "dtype": (main_dtype(merged), None),
        "tensors": (len(merged.tensors), None),
        "changed_tensors": (len(changed), None),
        "changed_bytes": (changed_bytes, "bytes"),
        "shards": (len(merged.shards), None),
        "merge_base": (job.merge_base, None),
        # alpha stands there, and nothing else would tell that it was edited after the training
        "adapter_config_sha256": (_sha256(adapter_folder / CONFIG), None),
    }
    measured = tuple(Measurement(f"merged.{name}", value, unit) for name, (value, unit) in values.items())
    touched = {shard.file.name for shard in shards.shards if not updates.keys().isdisjoint(shard.tensors)}
    touched |= {untied.shard} if untied is not None else set()
    untouched = sorted({shard.file.name for shard in shards.shards} - touched)
    return JobResult(measured, {"changed": sorted(changed), "untouched": list(untouched)})


def _updates(
    job: Merge,
    shards: ShardSet,
    pairs: Mapping[str, LoraPair],
    saved: Mapping[str, TensorEntry],
    untied: Untied | None,
) -> dict[str, Update]:
    """What is done to which tensor of the base."""
    trip: RoundTrip | None = None
    through: frozenset[str] = frozenset()
    if job.merge_base == "nf4":
        skeleton = read_skeleton(Path(job.base), shards)
        through, trip = skeleton.quantized, RoundTrip(skeleton.dtype, job.double_quant)
    updates = {name: Update(round_trip=trip) for name in through}
    for name, pair in pairs.items():
        updates[name] = Update(pair, round_trip=trip if name in through else None)
    stored = shards.tensors
    for name, tensor in saved.items():
        if name in stored and not (untied is not None and untied.name == name):
            updates[name] = Update(saved=tensor)
    return updates


def _make_shard(
    ledger: Ledger,
    shard: Header,
    updates: Mapping[str, Update],
    adapter: Adapter,
    untied: Untied | None,
    arrivals: Arrivals,
) -> list[str]:
    """Write one shard, unless a run before this one did; returns the tensors in it that differ from the base's."""
    name = shard.file.name
    done = ledger.done(name)
    if isinstance(done, list):
        return [str(tensor) for tensor in done]
    part = ledger.folder / f"{name}.part"
    changed: list[str] = []
    with arrivals.whole(shard) as whole:
        if not updates.keys().isdisjoint(shard.tensors):
            changed = sorted(write_shard(whole, part, updates, adapter))
        elif whole.file == shard.file:
            copy_file(shard.file, part)
        else:
            whole.file.rename(part)
    if untied is not None and untied.shard == name:
        add_head(part, untied, adapter)
    read_header(part)  # whole, and of the format
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    ledger.finish(part, name, list(changed))
    return changed


def _refuse_idle(adapter: Adapter, pairs: Mapping[str, LoraPair], changed: list[str]) -> None:
    """Every pair must have changed its weight: an update that rounds away is a merge that did nothing there."""
    if idle := sorted(set(pairs) - set(changed)):
        raise HubpubError(
            "HP-E06",
            f"the adapter has {len(pairs)} modules, but only {len(pairs) - len(idle)} tensors differ from the base",
            hint="the update is too small for the base's precision: train longer or with a higher learning rate",
            where=str(adapter.folder),
            changed=len(pairs) - len(idle),
            expected=len(pairs),
        )


def _refuse_full_disk(folder: Path, left: Sequence[Header], *, at_hand: int) -> None:
    """Say at once what would else be found out after most of the bytes; `at_hand` shards of the base lie here as well."""
    sizes = sorted(shard.size_bytes for shard in left)
    needed = sum(sizes) + sum(sizes[len(sizes) - at_hand :])
    state = os.statvfs(folder)
    free = state.f_bavail * state.f_frsize
    if needed > free:
        raise HubpubError(
            "HP-X01",
            f"merging needs {needed:,} bytes, and {free:,} are free: {needed - free:,} are missing",
            hint="make room on the disk, then run the same command again",
            where=str(folder),
            missing_bytes=needed - free,
        )


def _copy_index(shards: ShardSet, folder: Path, untied: Untied | None) -> None:
    if shards.index is None:
        return
    target = folder / shards.index.name
    copy_file(shards.index, target)
    if untied is not None:
        content = json.loads(target.read_text(encoding="utf-8"))
        target.write_text(json.dumps(untied.indexed(content), indent=2) + "\n", encoding="utf-8")


def _key(job: Merge, shards: ShardSet) -> str:
    """What a half-made merge must agree in to be gone on with."""
    told: list[Json] = [job.merge_base, job.double_quant, job.base_is]
    for shard in shards.shards:
        changed = None if job.arriving else shard.file.stat().st_mtime_ns
        told.append([shard.file.name, shard.size_bytes, changed])
    told += [_sha256(Path(job.adapter) / name) for name in (CONFIG, WEIGHTS)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
