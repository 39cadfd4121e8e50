"""What a training needs of memory, from files' headers alone: an estimate that tells which setting would save how much.

Imports no torch: a training that died for want of memory cannot be asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from publisher.engine.jobs import Train
from publisher.weights.describe import read_config
from publisher.weights.shape import Linear, ModelShape, shape_of_shards
from publisher.weights.shards import read_shards

NF4_BYTES = (
    0.52  # a weight in 4 bits, its share of the scales included (64 weights a block, scales in 8 bits)
)
TRAINED_BYTES = 16  # a trained weight in float32, its gradient and AdamW's two moments
NORM_BYTES = 4  # norms keep what they read in float32, whatever type it had
NORMS = 2  # of a layer
PROGRAM_BYTES = 600_000_000  # torch, transformers and peft themselves; on a GPU, its context
TOKENS = 100  # what shorter examples would save is told for so many tokens


@dataclass(frozen=True)
class Needs:
    """Bytes: the frozen base, what is trained with its optimizer, one micro-batch on its way through, and the program."""

    base: int
    trained: int
    batch: int
    program: int = PROGRAM_BYTES

    @property
    def total(self) -> int:
        """All of it."""
        return self.base + self.trained + self.batch + self.program


@dataclass(frozen=True)
class Advice:
    """What would take less memory, in words with numbers."""

    bytes_needed: int
    text: str


def advice_on(job: Train, *, gpu: bool) -> Advice | None:
    """Which settings of a training would save how much; None where its base does not tell enough."""
    base = Path(job.base)
    shape = shape_of_shards(read_config(base), read_shards(base))
    return None if shape is None else advice_for(job, shape, gpu=gpu)


def advice_for(job: Train, shape: ModelShape, *, gpu: bool) -> Advice:
    """The same of a base whose sizes are known."""
    now = needs_of(job, shape, gpu=gpu)
    saved = {way: now.total - needs_of(less, shape, gpu=gpu).total for way, less in _ways(job)}
    ranked = sorted(saved.items(), key=lambda entry: -entry[1])
    told = "; ".join(f"{way} takes {_gb(size)} less" for way, size in ranked if size > 0)
    parts = f"base {_gb(now.base)}, adapter and optimizer {_gb(now.trained)}, a micro-batch {_gb(now.batch)}"
    parts += f", the program itself {_gb(now.program)}"
    return Advice(now.total, f"about {_gb(now.total)} are needed ({parts}); {told}")


def needs_of(job: Train, shape: ModelShape, *, gpu: bool) -> Needs:
    """Estimate what a training takes at its peak, which is on the way back through the first micro-batch.

    What a layer keeps for the way back is counted tensor by tensor, as transformers and peft compute it: what its norms
    and its adapted layers read, queries, keys and values (repeated where several heads share them), attention's outcome
    (its matrix is never stored), and three tensors of the feed-forward layer. Logits are there once, and once as their
    gradient.

    Args:
        job: its `max_length` stands for the length of its examples. A tower for vision is not counted.
        shape: the base's.
        gpu: computes in the training's own type; a CPU goes on in float32 from a 4-bit base's embedding on.
    """
    wide = 2 if job.compute_dtype == "bfloat16" and (gpu or job.method == "lora") else 4
    stream = 4 if job.method == "qlora" else wide
    tokens = job.batch_size * job.max_length
    layer = tokens * (
        NORMS * NORM_BYTES * shape.hidden
        + wide * (4 * shape.queries + 3 * shape.intermediate)
        + _kept_by_adapters(job, shape, gpu=gpu) // shape.layers
    )
    kept = shape.layers * tokens * shape.hidden * stream
    inside = layer + kept if _recomputes(job) else shape.layers * layer
    quantized = shape.parameters - shape.embedding
    return Needs(
        # What bitsandbytes leaves as it is, above all the embedding, is trained beside in float32.
        base=int(quantized * NF4_BYTES) + 4 * shape.embedding
        if job.method == "qlora"
        else wide * shape.parameters,
        trained=TRAINED_BYTES * trained_parameters(job, shape),
        batch=inside + 2 * tokens * shape.vocabulary * wide,
    )


def trained_parameters(job: Train, shape: ModelShape) -> int:
    """Weights of the LoRA matrices."""
    return sum(each.times * job.r * (each.outs + each.ins) for each in _adapted(job, shape))


def _ways(job: Train) -> list[tuple[str, Train]]:
    """Settings that take less, and the training with them."""
    window = job.batch_size * job.gradient_accumulation
    small = replace(job, batch_size=1, gradient_accumulation=window)
    ways = [(f"`batch_size: 1` with `gradient_accumulation: {window}` (the same steps)", small)]
    if not _recomputes(job):
        ways.append(
            (
                "`method: qlora` with `gradient_checkpointing: true`",
                replace(job, method="qlora", gradient_checkpointing=True),
            )
        )
    if job.max_length > 2 * TOKENS:
        shorter = f"every {TOKENS} tokens of an example (`max_length` is {job.max_length})"
        ways.append((shorter, replace(job, max_length=job.max_length - TOKENS)))
    if job.r > 1:
        ways.append((f"`lora: {{r: {job.r // 2}}}`", replace(job, r=job.r // 2)))
    return ways


def _adapted(job: Train, shape: ModelShape) -> list[Linear]:
    named = tuple(f".{target}" for target in job.target_modules)
    return [
        each for each in shape.linears if each.name.endswith(named) and (job.vision_tower or each.of_text)
    ]


def _kept_by_adapters(job: Train, shape: ModelShape, *, gpu: bool) -> int:
    """Bytes a token, over all layers: what A reads after its dropout, what that left out, and what B reads."""
    wide = 2 if gpu and job.compute_dtype == "bfloat16" else 4  # autocast is a GPU's alone
    noise = (1 if gpu else 4) if job.dropout else 0  # a CPU's is a factor, not a mask
    return sum(
        each.times * (each.ins * (wide + noise) + job.r * wide)
        for each in _adapted(job, shape)
        if each.of_text
    )


def _recomputes(job: Train) -> bool:
    """Whether activations are computed twice in place of being kept."""
    return job.method == "qlora" and job.gradient_checkpointing


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 5e7 else f"{size / 1e6:.1f} MB"
