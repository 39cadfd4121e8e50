"""The model that is trained: a frozen base, quantized or not, with LoRA matrices in float32 on top."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from publisher.engine.jobs import Train
from publisher.engine.load import Model, load_model
from publisher.engine.nf4 import load_nf4
from publisher.engine.output import written_aside
from publisher.engine.spelling import open_to_read
from publisher.engine.targets import Targets, find_targets


def build_trainable(job: Train) -> tuple[Model, Targets]:
    """Load the base, freeze it, and put fresh LoRA matrices on it (A random from the seed, B zero).

    Raises:
        HubpubError: HP-A05, a target module is not in the base; HP-M10, a vision tower that it has not; HP-E01, HP-E03
            and more from loading.
    """
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    base = Path(job.base)
    if job.method == "qlora":
        # Sharing gathers whole layers: codes of the type that the rest computes in are gathered with it in one go.
        storage = job.compute_dtype if job.fsdp is not None and job.processes > 1 else "uint8"
        model = load_nf4(
            base, double_quant=job.double_quant, compute_dtype=job.compute_dtype, storage=storage
        )
        model = prepare_model_for_kbit_training(
            model,
            use_gradient_checkpointing=job.gradient_checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False},
        )
    else:
        model = load_model(base, dtype=job.compute_dtype)
    targets = find_targets(model, job.target_modules, vision_tower=job.vision_tower)
    model.config.get_text_config().use_cache = False  # a cache of keys and values is of no use while training
    torch.manual_seed(job.seed)
    config = LoraConfig(
        r=job.r,
        lora_alpha=job.alpha,
        lora_dropout=job.dropout,
        target_modules=targets.setting,
        bias="none",
        task_type="CAUSAL_LM",
    )
    trainable = get_peft_model(model, config)
    trainable.train()
    return trainable, targets


def save_adapter(model: Model, job: Train, folder: Path) -> None:
    """Write adapter_config.json and adapter_model.safetensors, as peft reads them but clean.

    peft itself writes the local path of the base, the targets' names in an order that changes from run to run,
    a model card, and files that only their owner may read.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    tensors = get_peft_model_state_dict(model, save_embedding_layers=False)
    config: dict[str, Any] = model.peft_config["default"].to_dict() | {
        "base_model_name_or_path": job.base_repo or None,
        "revision": job.base_revision or None,
        "inference_mode": True,
    }
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in config.items()}
    with written_aside(folder) as aside:
        text = json.dumps(plain, indent=2, sort_keys=True)
        (aside / "adapter_config.json").write_text(text + "\n", encoding="utf-8")
        contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, aside / "adapter_model.safetensors", metadata={"format": "pt"})
        open_to_read(aside)
