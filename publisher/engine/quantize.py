"""Write a pre-quantized NF4 checkpoint tensor by tensor: every byte as transformers and bitsandbytes write it.

Nothing is loaded and nothing runs: memory holds a piece of one weight, whatever the model's size. (bitsandbytes repacks
weights at the first forward on a CPU, so a checkpoint saved after that would differ from one saved before.) A fresh
process proves the result (`probe.py`).
"""

from __future__ import annotations

import json
from pathlib import Path

from publisher.engine.jobs import Emit, JobResult, Quantize
from publisher.engine.nf4 import nf4_config, refuse_quantized
from publisher.engine.nf4_tensor import Spool, quantize_tensor, read_pieces
from publisher.engine.output import written_aside
from publisher.engine.skeleton import Skeleton, read_skeleton
from publisher.engine.spelling import spell_for_both
from publisher.records.facts import Json, Measurement
from publisher.weights.assemble import Part, assemble
from publisher.weights.companions import copy_companions
from publisher.weights.describe import count_parameters, read_config
from publisher.weights.header import TORCH_NAMES, Header, TensorEntry
from publisher.weights.shards import ShardSet, read_shards

_SAFETENSORS = {torch_name: name for name, torch_name in TORCH_NAMES.items()}


def run(job: Quantize, emit: Emit) -> JobResult:
    """Quantize and measure. `nf4.parameters` is the number that the model had, not that of its packed bytes.

    Raises:
        HubpubError: HP-E03, model and weights do not belong together; HP-E05, a weight is not finite; HP-M10,
            the model is quantized already; HP-B04 and HP-W01 … HP-W03 for its files.
    """
    source, out = Path(job.model), Path(job.out)
    config, shards = read_config(source), read_shards(source)
    refuse_quantized(source, config)
    settings = nf4_config(double_quant=job.double_quant, compute_dtype=job.compute_dtype)
    skeleton = read_skeleton(source, shards)
    emit({"event": "phase", "phase": "quantize", "layers": len(skeleton.quantized)})
    with written_aside(out) as folder:
        _write_weights(skeleton, shards, folder, emit, double_quant=job.double_quant)
        # The model's own files, not what transformers makes of them; its configuration gains one entry.
        copy_companions(source, folder, without=("config.json",))
        own = spell_for_both(config) | {"quantization_config": settings.to_dict()}
        text = json.dumps(own, indent=2, ensure_ascii=False)
        (folder / "config.json").write_text(text + "\n", encoding="utf-8")
        size_bytes = read_shards(folder).size_bytes
    values: dict[str, tuple[Json, str | None]] = {
        "size_bytes": (size_bytes, "bytes"),
        "quantized_layers": (len(skeleton.quantized), None),
        "double_quant": (job.double_quant, None),
        "compute_dtype": (job.compute_dtype, None),
        "parameters": (count_parameters(config, shards), None),
        "skipped_modules": (list(skeleton.kept), None),
    }
    measured = tuple(Measurement(f"nf4.{name}", value, unit) for name, (value, unit) in values.items())
    return JobResult(measured, {"quantized": sorted(skeleton.quantized)})


def _write_weights(
    skeleton: Skeleton, shards: ShardSet, folder: Path, emit: Emit, *, double_quant: bool
) -> None:
    """`model.safetensors`. Its header names sizes that only the quantized weights tell, so these are spooled first."""
    homes = {name: shard for shard in shards.shards for name in shard.tensors}
    parts: list[Part] = []
    spooled = folder / "spool"
    done = 0
    with spooled.open("wb") as stream:
        spool = Spool(stream)
        for name, entry in skeleton.stored.items():
            shard, dtype = homes[name], skeleton.target_dtype(name)
            if name in skeleton.quantized:
                parts += quantize_tensor(spool, shard, entry, dtype, double_quant=double_quant)
            else:
                parts.append(_as_loaded(spool, shard, entry, dtype))
            done += entry.stop - entry.start
            emit({"event": "bytes", "done": done, "of": shards.size_bytes})
    assemble(parts, folder / "model.safetensors", {"format": "pt"})
    spooled.unlink()


def _as_loaded(spool: Spool, shard: Header, entry: TensorEntry, dtype: str) -> Part:
    """A tensor that stays unquantized: where it lies already, or in the type that it is loaded as."""
    if entry.torch_dtype == dtype or entry.dtype not in ("BF16", "F16", "F32"):
        return Part(entry.name, entry.dtype, entry.shape, shard.file, entry.start, entry.stop)
    import torch

    pieces = (piece.view(torch.uint8).numpy().data for piece in read_pieces(shard, entry, dtype))
    return spool.put(entry.name, _SAFETENSORS[dtype], entry.shape, pieces)
