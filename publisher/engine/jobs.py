"""What the torch room can be asked to do: frozen requests and results. Importing this imports no torch.

Each job runs in a child process (`worker.py`): no token, no network, its own HOME, bounded time and memory.
All paths are absolute. Results carry measurements only; the parent turns them into facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from publisher.records.artifacts import Kind
from publisher.records.facts import Json, Measurement

Emit = Callable[[dict[str, Json]], None]  # tells the parent how far a job is


@dataclass(frozen=True)
class Expectation:
    """What a smoke prompt's answer must be; None = not asked."""

    contains: str | None = None
    matches: str | None = None  # regular expression, searched
    min_tokens: int | None = None
    max_repetition: float | None = None  # share of the most frequent 4-gram of tokens, 0..1
    stops: bool | None = None  # True: generation must end by an end-of-turn token before the limit
    json: bool | None = None


@dataclass(frozen=True)
class SmokePrompt:
    """One prompt, greedy decoding, chat template applied."""

    prompt: str
    expect: Expectation = Expectation()
    max_new_tokens: int = 48


@dataclass(frozen=True)
class ConvertGguf:
    """Dequantize a GGUF file into a bf16 safetensors checkpoint that transformers 4 and 5 both read."""

    gguf: str
    out: str


@dataclass(frozen=True)
class Train:
    """Fine-tune a LoRA adapter on prompt/completion rows.

    `data`: folder with `train-*.parquet` (columns `prompt`, `completion`, both text). `out`: empty or holds the
    checkpoints of a killed run, which is resumed. Writes `out/adapter/` (adapter_config.json,
    adapter_model.safetensors) and `out/checkpoints/`.
    """

    base: str
    data: str
    out: str
    method: Literal["qlora", "lora"]
    r: int
    alpha: int
    dropout: float
    target_modules: tuple[str, ...]
    learning_rate: float
    schedule: str
    warmup_ratio: float
    batch_size: int  # examples per micro-batch
    gradient_accumulation: int
    max_grad_norm: float
    steps: int  # optimizer steps
    max_length: int  # tokens per example; longer ones are refused, never cut
    seed: int
    double_quant: bool = True
    compute_dtype: str = "bfloat16"
    gradient_checkpointing: bool = True  # QLoRA: recompute activations, which saves memory and costs time
    save_every: int = 2  # optimizer steps between checkpoints
    base_repo: str = ""  # written into adapter_config.json
    base_revision: str = ""


@dataclass(frozen=True)
class Merge:
    """Fold an adapter into full-precision weights: same dtype, same layout, same config files as the base.

    `merge_base`: add to the base's weights as they are (`full`), or as the adapter saw them in QLoRA training, through
    NF4 and back (`nf4`), quantized as `double_quant` says.
    """

    base: str
    adapter: str
    out: str
    merge_base: Literal["full", "nf4"] = "full"
    double_quant: bool = True


@dataclass(frozen=True)
class Quantize:
    """Write a pre-quantized bitsandbytes NF4 checkpoint (before any forward: saving later is lossy)."""

    model: str
    out: str
    double_quant: bool = True
    compute_dtype: str = "bfloat16"


@dataclass(frozen=True)
class MakeGguf:
    """Write a GGUF file of each type from a safetensors checkpoint, `<name>-<TYPE>.gguf`.

    Without types, its configuration and vocabulary are converted alone, to see whether it can be done; nothing is kept.
    """

    model: str
    out: str
    name: str
    types: tuple[str, ...]  # lower case: bf16, q8_0, q4_k_m
    converter: str  # llama.cpp's script, in a folder of its own
    quantizer: str | None = None  # llama.cpp's program, for types that the converter does not write
    says: Mapping[str, Json] = field(default_factory=dict)  # card fields that go into the header


@dataclass(frozen=True)
class Snippet:
    """A code block of a card: repo ids already rewritten to local folders."""

    name: str  # where it stands: `README.md:41`
    code: str


@dataclass(frozen=True)
class ProveFiles:
    """Prove a model by its files, at any size: nothing is loaded, memory holds a piece of one tensor.

    A merged model also names what it was made of: `base` and `adapter`, and how, as in `Merge`.
    """

    kind: Literal["base", "merged"]
    folder: str
    base: str | None = None
    adapter: str | None = None
    merge_base: Literal["full", "nf4"] = "full"
    double_quant: bool = True


@dataclass(frozen=True)
class Probe:
    """Load an artifact exactly as its users would, generate, and run its card's code blocks.

    `folder` is what is proven. `base` is needed for an adapter. `in_4bit`: also load it quantized (base,
    adapter and merged; an nf4 artifact always is).
    """

    kind: Kind  # any but gguf, which has a proof of its own
    folder: str
    base: str | None = None
    smoke: tuple[SmokePrompt, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    in_4bit: bool = True
    load_only: bool = False  # nothing is asked, computed or run
    stand_in: bool = False  # content expectations are refused, structural ones hold


@dataclass(frozen=True)
class ProbeGguf:
    """Prove GGUF files: llama.cpp answers the prompts, and transformers' reader is held against `full`.

    `full` is the checkpoint that they were made of, `against` its name in the facts. At `load_only`, transformers
    reads each file, every tensor accounted for, and nothing is asked.
    """

    folder: str
    full: str
    against: str = "merged"
    smoke: tuple[SmokePrompt, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    load_only: bool = False


@dataclass(frozen=True)
class Compare:
    """Prove a merge: merged equals base+adapter within tolerance, and differs from base where it must."""

    base: str
    adapter: str
    merged: str
    prompts: tuple[str, ...]
    tolerance: float = 0.5  # max absolute logit difference; the sum runs in another order, in bf16
    merge_base: Literal["full", "nf4"] = "full"  # what the adapter was added to, as in `Merge`
    double_quant: bool = True


@dataclass(frozen=True)
class Divergence:
    """How far a quantized model's predictions are from those of the model that it was made of.

    `kind` and `against` name the two in the facts: `validate.nf4.kl_to_merged`.
    """

    full: str
    quantized: str
    prompts: tuple[str, ...]
    kind: str = "nf4"
    against: str = "merged"


@dataclass(frozen=True)
class Evaluate:
    """Held-out loss and perplexity of each model on the same rows, answer tokens only.

    `data`: folder with `validation-*.parquet` (`prompt`, `completion`).
    """

    data: str
    base: str
    adapter: str | None = None
    merged: str | None = None
    nf4: str | None = None
    max_rows: int = 64


@dataclass(frozen=True)
class RunCode:
    """Run the code blocks of a card that others may have written, in their order and as one session.

    `limit_s`: seconds for each block.
    """

    snippets: tuple[Snippet, ...]
    limit_s: float = 300.0


Job = (
    ConvertGguf
    | Train
    | Merge
    | Quantize
    | MakeGguf
    | ProveFiles
    | Probe
    | ProbeGguf
    | Compare
    | Divergence
    | Evaluate
    | RunCode
)


@dataclass(frozen=True)
class JobResult:
    """What a job measured. `details` holds what is no fact: generated texts, per-step logs, outputs."""

    measured: tuple[Measurement, ...]
    details: Mapping[str, Json]
