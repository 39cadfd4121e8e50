"""Files as other trainers leave them, in their real shapes; what must not travel is planted in each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from publisher.evidence.imported.run import read_run
from publisher.records.facts import Json

SECRETS = ("anna", "gpu-box-7", "hf_", "wandb.ai", "checkpoint-", "/home", "s3cr3t", "1764000000")

LOG: list[dict[str, Any]] = [
    {"epoch": 0.5, "grad_norm": 1.25, "learning_rate": 0.0002, "loss": 2.5, "step": 10},
    {"epoch": 1.0, "grad_norm": 1.125, "learning_rate": 0.0001, "loss": 1.75, "step": 20},
    {"epoch": 1.0, "eval_loss": 1.9, "eval_runtime": 0.5, "step": 20},
    {"epoch": 1.5, "grad_norm": 0.5, "learning_rate": 1e-05, "loss": 1.5, "step": 30},
    {"epoch": 1.5, "step": 30, "total_flos": 1.5e12, "train_loss": 1.9166, "train_runtime": 93.1},
]
STATE: dict[str, Any] = {
    "best_global_step": 20,
    "best_metric": 1.9,
    "best_model_checkpoint": "/home/anna/out/checkpoint-20",
    "epoch": 1.5,
    "global_step": 30,
    "log_history": LOG,
    "max_steps": 40,
    "num_input_tokens_seen": 0,
    "num_train_epochs": 2,
    "total_flos": 1.5e12,
    "train_batch_size": 8,
    "trial_name": "anna-s3cr3t",
}
ARGUMENTS: dict[str, Any] = {
    "output_dir": "/home/anna/out",
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 2,
    "num_train_epochs": 2.0,
    "max_steps": -1,
    "learning_rate": 0.0002,
    "lr_scheduler_type": "cosine",
    "warmup_ratio": 0.03,
    "warmup_steps": 0,
    "optim": "adamw_torch_fused",
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
    "bf16": True,
    "seed": 42,
    "max_length": 1024,
    "packing": False,
    "hub_token": "hf_s3cr3t",
    "hub_model_id": "anna/model",
    "report_to": ["wandb"],
    "run_name": "anna-on-gpu-box-7",
    "logging_dir": "/home/anna/runs/gpu-box-7",
    "deepspeed": "/home/anna/ds.json",
}
AXOLOTL = """\
base_model: NousResearch/Meta-Llama-3-8B
load_in_4bit: true
datasets:
  - path: teknium/GPT4-LLM-Cleaned
    type: alpaca
  - path: /home/anna/s3cr3t-client.jsonl
    type: sharegpt
output_dir: /home/anna/out
hub_model_id: anna/model
adapter: qlora
sequence_len: 2048
sample_packing: true
lora_r: 2
lora_alpha: 4
lora_dropout: 0.05
lora_target_modules: [q_proj, v_proj, k_proj, o_proj]
wandb_entity: anna
gradient_accumulation_steps: 4
micro_batch_size: 2
num_epochs: 3
optimizer: paged_adamw_8bit
lr_scheduler: cosine
learning_rate: 2e-4
bf16: auto
"""


def write(folder: Path, name: str, content: Json) -> Path:
    """Write a file: text as it is, anything else as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, indent=2)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def told(folder: Path, *names: str) -> dict[str, Json]:
    """What files tell, by fact id without `train.`, but for the files themselves."""
    measured = read_run(folder, names).measured
    words = json.dumps([[m.id, m.value] for m in measured if not m.id.startswith("train.source.")])
    assert [] == [secret for secret in SECRETS if secret in words]
    return {m.id.removeprefix("train."): m.value for m in measured if not m.id.startswith("train.source.")}
