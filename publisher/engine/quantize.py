"""Write a pre-quantized NF4 checkpoint: quantize, save, and nothing in between.

bitsandbytes repacks weights at the first forward on a CPU; a checkpoint saved after that differs from one saved
before. So nothing is run here; a fresh process proves the checkpoint (`probe.py`).
"""

from __future__ import annotations

import json
from pathlib import Path

from publisher.engine.jobs import Emit, JobResult, Quantize
from publisher.engine.load import Model
from publisher.engine.nf4 import load_nf4
from publisher.engine.output import written_aside
from publisher.engine.spelling import open_to_read, spell_for_both
from publisher.records.facts import Json, Measurement
from publisher.weights.companions import copy_companions
from publisher.weights.describe import count_parameters, read_config
from publisher.weights.shards import read_shards


def run(job: Quantize, emit: Emit) -> JobResult:
    """Quantize and measure. `nf4.parameters` is the number that the model had, not that of its packed bytes.

    Raises:
        HubpubError: HP-E01, HP-E03 and HP-M10 from loading, HP-B04 and HP-W01 … HP-W03 for the model's files.
    """
    source, out = Path(job.model), Path(job.out)
    config = read_config(source)
    parameters = count_parameters(config, read_shards(source))
    emit({"event": "phase", "phase": "quantize"})
    model = load_nf4(source, double_quant=job.double_quant, compute_dtype=job.compute_dtype)
    quantized, kept = _linear_layers(model)
    emit({"event": "phase", "phase": "save", "layers": len(quantized)})
    with written_aside(out) as folder:
        model.save_pretrained(folder)
        # The model's own files, not what transformers makes of them; its configuration gains one entry.
        saved = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        copy_companions(source, folder, without=("config.json",))
        own = spell_for_both(config) | {"quantization_config": saved["quantization_config"]}
        text = json.dumps(own, indent=2, ensure_ascii=False)
        (folder / "config.json").write_text(text + "\n", encoding="utf-8")
        open_to_read(folder)
        size_bytes = read_shards(folder).size_bytes
    values: dict[str, tuple[Json, str | None]] = {
        "size_bytes": (size_bytes, "bytes"),
        "quantized_layers": (len(quantized), None),
        "double_quant": (job.double_quant, None),
        "compute_dtype": (job.compute_dtype, None),
        "parameters": (parameters, None),
        "skipped_modules": (kept, None),
    }
    measured = tuple(Measurement(f"nf4.{name}", value, unit) for name, (value, unit) in values.items())
    return JobResult(measured, {"quantized": quantized})


def _linear_layers(model: Model) -> tuple[list[str], list[str]]:
    """Names of the linear layers that are quantized now, and of those that are not."""
    import bitsandbytes
    import torch

    linear = {name: layer for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear)}
    quantized = [name for name, layer in linear.items() if isinstance(layer, bitsandbytes.nn.Linear4bit)]
    return sorted(quantized), sorted(set(linear) - set(quantized))
