"""What a user writes under `train:`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from publisher.manifest.section import Many, Section


class LoraSettings(Section):
    """The adapter's shape."""

    r: int = Field(16, ge=1, description="Rank.")
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: Many[str] = ("q_proj", "k_proj", "v_proj", "o_proj")


class QuantizationSettings(Section):
    """How the base is held while a QLoRA adapter is trained."""

    type: Literal["nf4"] = "nf4"
    double_quant: bool = True
    compute_dtype: Literal["bfloat16", "float32"] = "bfloat16"


class TrainSettings(Section):
    """Fine-tuning."""

    method: Literal["qlora", "lora"] = "qlora"
    lora: LoraSettings = Field(default_factory=LoraSettings)
    quantization: QuantizationSettings = Field(default_factory=QuantizationSettings)
    learning_rate: float = Field(2e-4, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_ratio: float = Field(0.03, ge=0, lt=1)
    batch_size: int = Field(4, ge=1, description="Examples per micro-batch.")
    gradient_accumulation: int = Field(4, ge=1)
    max_grad_norm: float = Field(1.0, gt=0)
    steps: int = Field(63, ge=1, description="Optimizer steps.")
    max_length: int = Field(512, ge=8, description="Tokens per example; a longer one is refused, never cut.")
    gradient_checkpointing: bool = Field(True, description="QLoRA: less memory for more time.")
    seed: int = 7
