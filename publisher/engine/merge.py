"""Fold a LoRA adapter into full-precision weights: W + s * B A, the base's files kept but for the adapted bytes.

Each shard is copied as it is, then the adapted tensors are overwritten in place; so layout, header, index and
untouched tensors stay the base's own, and memory holds a slice of one tensor, however large the model.
Equal to the last bit to peft's `merge_and_unload()`: the product in float32, added, rounded once.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from publisher.engine.jobs import Emit, JobResult, Merge
from publisher.engine.output import written_aside
from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement
from publisher.weights.adapter import check_adapter, find_weights
from publisher.weights.companions import copy_companions
from publisher.weights.describe import count_parameters, main_dtype, read_config, tied_embeddings
from publisher.weights.header import Header, TensorEntry, read_header
from publisher.weights.lora import Adapter, LoraPair, read_adapter
from publisher.weights.shards import read_shards

SLICE_BYTES = 64_000_000  # of the base's tensor; the float32 product of a slice takes twice that of bf16
_TORCH = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}


def run(job: Merge, emit: Emit) -> JobResult:
    """Merge and measure.

    Raises:
        HubpubError: HP-A01 … HP-A07 before anything is written; HP-E05, a merged weight is not finite;
            HP-E06, fewer tensors changed than the adapter has modules.
    """
    base, adapter_folder, out = Path(job.base), Path(job.adapter), Path(job.out)
    check_adapter(adapter_folder, base)
    shards, adapter, config = read_shards(base), read_adapter(adapter_folder), read_config(base)
    pairs = find_weights(adapter, shards)
    _refuse_tied(pairs, adapter, tied=tied_embeddings(config, shards))
    changed = 0
    written = 0
    with written_aside(out) as folder:
        copy_companions(base, folder)
        if shards.index is not None:
            shutil.copyfile(shards.index, folder / shards.index.name)
        for shard in shards.shards:
            target = folder / shard.file.name
            shutil.copyfile(shard.file, target)
            target.chmod(0o644)
            changed += _merge_shard(shard, target, pairs, adapter)
            written += shard.size_bytes
            emit({"event": "bytes", "done": written, "of": shards.size_bytes})
        if changed != len(pairs):
            raise HubpubError(
                "HP-E06",
                f"the adapter has {len(pairs)} modules, but only {changed} tensors differ from the base",
                hint="the update is too small for the base's precision: train longer or with a higher learning rate",
                where=str(adapter_folder),
                changed=changed,
                expected=len(pairs),
            )
        merged = read_shards(folder)
    values: dict[str, tuple[Json, str | None]] = {
        "parameters": (count_parameters(config, merged), None),
        "size_bytes": (merged.size_bytes, "bytes"),
        "dtype": (main_dtype(merged), None),
        "tensors": (len(merged.tensors), None),
        "changed_tensors": (changed, None),
        "shards": (len(merged.shards), None),
        "merge_base": ("full", None),
    }
    measured = tuple(Measurement(f"merged.{name}", value, unit) for name, (value, unit) in values.items())
    return JobResult(measured, {"changed": sorted(pairs)})


def _refuse_tied(pairs: Mapping[str, LoraPair], adapter: Adapter, *, tied: bool) -> None:
    """Refuse a tied embedding or head: merging into one would change the other as well."""
    shared = [name for name in pairs if name.endswith(("lm_head.weight", "embed_tokens.weight"))]
    if tied and shared:
        raise HubpubError(
            "HP-A06",
            f"the adapter changes {shared[0]}, which the base uses for input and output alike",
            hint="train without `lm_head` and `embed_tokens` among the target modules",
            where=str(adapter.folder),
            features=shared,
        )


def _merge_shard(shard: Header, target: Path, pairs: Mapping[str, LoraPair], adapter: Adapter) -> int:
    """Overwrite the adapted tensors of one copied shard; returns how many of them differ from the base now."""
    touched = sorted(
        (tensor for name, tensor in shard.tensors.items() if name in pairs), key=lambda tensor: tensor.start
    )
    changed = 0
    with shard.file.open("rb") as source, target.open("r+b") as sink:
        for tensor in touched:
            changed += _merge_tensor(source, sink, tensor, pairs[tensor.name], adapter)
        sink.flush()
        os.fsync(sink.fileno())
    read_header(target)  # the copy is whole
    return changed


def _merge_tensor(
    source: BinaryIO, sink: BinaryIO, entry: TensorEntry, pair: LoraPair, adapter: Adapter
) -> bool:
    """W + s * B A for one weight, some rows at a time; returns whether any byte changed."""
    import torch

    outs, ins = entry.shape
    row_bytes = (entry.stop - entry.start) // outs
    rows = max(1, SLICE_BYTES // row_bytes)
    dtype = getattr(torch, _TORCH[entry.dtype])
    down, up = (_float32(adapter, half) for half in (pair.down, pair.up))
    changed = False
    for first in range(0, outs, rows):
        last = min(first + rows, outs)
        source.seek(entry.start + first * row_bytes)
        before = source.read((last - first) * row_bytes)
        weight = torch.frombuffer(bytearray(before), dtype=dtype).view(last - first, ins)
        # In place, as peft does: the sum is float32 and rounded once. Two roundings differ in 7% of the elements.
        weight += (up[first:last] @ down) * pair.scale
        if not bool(torch.isfinite(weight).all()):
            raise HubpubError(
                "HP-E05",
                f"{entry.name} is not finite after merging",
                hint="base or adapter hold values beyond the base's type: check both",
                where=str(adapter.folder),
                tensor=entry.name,
            )
        after = weight.view(torch.uint8).numpy().tobytes()
        changed = changed or after != before
        sink.seek(entry.start + first * row_bytes)
        sink.write(after)
    return changed


def _float32(adapter: Adapter, entry: TensorEntry) -> Any:
    """One matrix of the adapter in float32, which is what peft computes with."""
    import torch

    dtype = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}[entry.dtype]
    with adapter.header.file.open("rb") as stream:
        stream.seek(entry.start)
        raw = bytearray(stream.read(entry.stop - entry.start))
    return torch.frombuffer(raw, dtype=dtype).view(entry.shape).float()
