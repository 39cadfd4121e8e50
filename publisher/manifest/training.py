"""What a user writes under `train:`."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from publisher.manifest.section import Many, Section

STEPS = 63  # where a manifest does not say how long


class LoraSettings(Section):
    """The adapter's shape."""

    r: int = Field(16, ge=1, description="Rank.")
    alpha: int = Field(32, ge=1, description="The update is scaled by alpha / r.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of the adapter's inputs dropped in training.")
    target_modules: Many[str] = Field(
        ("q_proj", "k_proj", "v_proj", "o_proj"), description="Names of the linear layers that are adapted."
    )
    vision_tower: bool = Field(
        False,
        description="Adapt the vision tower's layers of these names as well; else the language model's alone.",
    )


class QuantizationSettings(Section):
    """How the base is held while a QLoRA adapter is trained."""

    type: Literal["nf4"] = Field("nf4", description="Format of the 4-bit weights.")
    double_quant: bool = Field(True, description="Quantize the blocks' scales as well.")
    compute_dtype: Literal["bfloat16", "float32"] = Field(
        "bfloat16", description="What the weights are unpacked to for each product."
    )


class FsdpSettings(Section):
    """How several GPUs share the frozen base, where one cannot hold it: each keeps a part of every layer."""

    reshard_after_forward: bool = Field(
        True, description="Drop a layer's gathered weights until the way back: less memory for more traffic."
    )
    offload: bool = Field(False, description="Keep the parts in the machine's memory, not the GPU's.")


class TrainSettings(Section):
    """Fine-tuning."""

    method: Literal["qlora", "lora"] = Field(
        "qlora", description="qlora: the base is held in 4 bits; lora: as it is published."
    )
    lora: LoraSettings = Field(
        default_factory=LoraSettings, description="The adapter's rank, scale and layers."
    )
    quantization: QuantizationSettings = Field(
        default_factory=QuantizationSettings, description="QLoRA: how the base is held."
    )
    learning_rate: float = Field(2e-4, gt=0, description="The highest one, after the warm-up.")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        "cosine", description="How the learning rate falls after the warm-up."
    )
    warmup_ratio: float = Field(0.03, ge=0, lt=1, description="Share of the steps in which it rises.")
    batch_size: int = Field(4, ge=1, description="Examples per micro-batch.")
    gradient_accumulation: int = Field(4, ge=1, description="Micro-batches of one optimizer step.")
    max_grad_norm: float = Field(1.0, gt=0, description="A longer gradient is scaled down to it.")
    steps: int | None = Field(
        None, ge=1, description="Optimizer steps; 63 where neither these nor epochs are given."
    )
    epochs: float | None = Field(
        None, gt=0, description="In place of steps: how often every row is seen, the last step filled up."
    )
    eval_every: int | None = Field(
        None,
        ge=1,
        description="Optimizer steps between held-out losses; the weights of the lowest become the adapter.",
    )
    eval_rows: int = Field(64, ge=1, description="Held-out rows of such a loss, at most.")
    report_to: Many[Literal["tensorboard"]] = Field(
        (),
        exclude=True,  # who looks on changes nothing of what is trained
        description="Programs that get the run's numbers, as files in the workspace; nothing is sent.",
    )
    max_length: int = Field(
        512, ge=8, description="Tokens per example, pictures included; a longer one is refused, never cut."
    )
    fsdp: FsdpSettings | None = Field(
        None,
        exclude=True,  # where weights lie changes nothing of what is trained
        description="With --processes: share the base among them, in place of a copy in each.",
    )
    gradient_checkpointing: bool = Field(True, description="QLoRA: less memory for more time.")
    seed: int = Field(7, description="Of the adapter's first weights and of the order of the rows.")

    @model_validator(mode="after")
    def _one_length(self) -> TrainSettings:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give steps or epochs, not both")
        return self

    def steps_over(self, rows: int) -> int:
        """Optimizer steps of a training on so many rows."""
        if self.epochs is None:
            return self.steps or STEPS
        return max(1, math.ceil(self.epochs * rows / (self.batch_size * self.gradient_accumulation)))
