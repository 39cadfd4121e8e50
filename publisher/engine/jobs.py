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
FAILED = "FAILED"  # the file that ends a merge's wait for shards


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
    """One prompt, greedy decoding, chat template applied. `images`: files of the pictures that stand before its words."""

    prompt: str
    expect: Expectation = Expectation()
    max_new_tokens: int = 48
    images: tuple[str, ...] = ()


Asked = str | SmokePrompt  # a prompt in words, or one whose pictures are shown as well


@dataclass(frozen=True)
class ConvertGguf:
    """Dequantize a GGUF file into a bf16 safetensors checkpoint that transformers 4 and 5 both read."""

    gguf: str
    out: str


@dataclass(frozen=True)
class MakeStandIn:
    """Write a small random model of an architecture, `gemma3` or `llama`, that says of itself that it is a stand-in.

    `model_type` as a config.json has it; `gemma3` takes pictures, `sam` and `clipseg` cut them up, any other is a model
    of text.
    """

    out: str
    model_type: str
    seed: int = 7


@dataclass(frozen=True)
class Fsdp:
    """How several processes share the frozen base. See `manifest.training.FsdpSettings`."""

    reshard_after_forward: bool = True
    offload: bool = False


@dataclass(frozen=True)
class Train:
    """Fine-tune a LoRA adapter on questions and answers, with pictures or without.

    `data`: folder with `train-*.parquet`, and with `validation-*.parquet` where held-out loss is asked for; their
    columns are those of `engine.rows.read_rows`. `out`: empty or holds the checkpoints of a killed run, which is
    resumed. Writes `out/adapter/` (adapter_config.json, adapter_model.safetensors), `out/checkpoints/`, and
    `out/reports/` for the programs that draw a run's numbers.
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
    vision_tower: bool = False  # adapt its layers of these names as well
    eval_every: int | None = (
        None  # optimizer steps between held-out losses; the lowest one's weights are kept
    )
    eval_rows: int = 64  # held-out rows at most
    report_to: tuple[str, ...] = ()  # programs that get the run's numbers: tensorboard
    save_every: int = 2  # optimizer steps between checkpoints
    processes: int = 1  # that share each step's examples: on a GPU each, or on this CPU
    fsdp: Fsdp | None = None  # several processes share the base as well; None = each has all of it
    base_repo: str = ""  # written into adapter_config.json
    base_revision: str = ""


@dataclass(frozen=True)
class Merge:
    """Fold an adapter into full-precision weights: same dtype, same layout, same config files as the base.

    `merge_base`: add to the base's weights as they are (`full`), or as the adapter saw them in QLoRA training, through
    NF4 and back (`nf4`), quantized as `double_quant` says.

    Where `arriving` names a folder, `base` holds no weights but their headers, each followed by a hole. The event `want`
    asks for a shard by its name, and the parent puts it there, whole; the job takes it away again. `base_is` says then
    which weights they are, for a killed merge to be gone on with. The file `FAILED` there ends the wait.
    """

    base: str
    adapter: str
    out: str
    merge_base: Literal["full", "nf4"] = "full"
    double_quant: bool = True
    arriving: str | None = None
    base_is: str = ""


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

    Without types, its configuration and vocabulary (and the vision part) are converted alone, to see whether it can be
    done; nothing is kept.
    """

    model: str
    out: str
    name: str
    types: tuple[str, ...]  # lower case: bf16, q8_0, q4_k_m
    converter: str  # llama.cpp's script, in a folder of its own
    quantizer: str | None = None  # llama.cpp's program, for types that the converter does not write
    says: Mapping[str, Json] = field(default_factory=dict)  # card fields that go into the header
    vision_part: bool = False  # the part that reads images too, `mmproj-<name>-BF16.gguf`


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

    `full` is the checkpoint that they were made of, `against` its name in the facts; None where it is not at hand, as of
    a repo of others. At `load_only`, transformers reads each file, every tensor accounted for, and nothing is asked.
    """

    folder: str
    full: str | None
    against: str = "merged"
    smoke: tuple[SmokePrompt, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    load_only: bool = False
    stand_in: bool = False  # what it answers is refused, that it answers holds


@dataclass(frozen=True)
class ReadByOlder:
    """Load a model with an older transformers and hold what it says against what the present one says.

    `packages`: the folder of that transformers, as `transformers_4.installed` has it. `base` is needed for an adapter.
    """

    kind: Kind
    folder: str
    packages: str
    base: str | None = None
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Compare:
    """Prove a merge: merged equals base+adapter within tolerance, and differs from base where it must."""

    base: str
    adapter: str
    merged: str
    prompts: tuple[Asked, ...]
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
    prompts: tuple[Asked, ...]
    kind: str = "nf4"
    against: str = "merged"


@dataclass(frozen=True)
class Evaluate:
    """Held-out loss and perplexity of each model on the same rows, answer tokens only; on general text; and answers.

    `data`: folder with `validation-*.parquet`, whose rows training could read as well. `answer_rows`: positions of the
    rows whose last turn is asked for. `general`: lines of running text. `variants`: folders of what other programs
    quantized, by form; `gguf`: the folder of the GGUF files.
    """

    data: str
    base: str
    adapter: str | None = None
    merged: str | None = None
    nf4: str | None = None
    max_rows: int = 64
    answer_rows: tuple[int, ...] = ()
    max_new_tokens: int = 48
    general: tuple[str, ...] = ()
    variants: Mapping[Kind, str] = field(default_factory=dict)
    gguf: str | None = None


@dataclass(frozen=True)
class Likelihood:
    """How likely a model finds given texts as answers to held-out questions.

    `data` and `rows` as in `Evaluate`; `texts`: by whom, an answer to each of those rows.
    """

    model: str
    data: str
    rows: tuple[int, ...]
    texts: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class MatmulRate:
    """Measure how fast `rows` tokens are passed through frozen weights (outs, ins) and back, held as the method does."""

    method: Literal["qlora", "lora"]
    compute_dtype: str
    rows: int
    shapes: tuple[tuple[int, int], ...]
    seconds: float = 1.0


@dataclass(frozen=True)
class FourBit:
    """Try whether 4-bit layers work here: one layer of so many inputs and outputs, forth and back."""

    width: int = 256


@dataclass(frozen=True)
class RunCode:
    """Run the code blocks of a card that others may have written, in their order and as one session.

    `limit_s`: seconds for each block.
    """

    snippets: tuple[Snippet, ...]
    limit_s: float = 300.0


Job = (
    ConvertGguf
    | MakeStandIn
    | Train
    | Merge
    | Quantize
    | MakeGguf
    | ProveFiles
    | Probe
    | ProbeGguf
    | ReadByOlder
    | Compare
    | Divergence
    | Evaluate
    | Likelihood
    | MatmulRate
    | FourBit
    | RunCode
)


@dataclass(frozen=True)
class JobResult:
    """What a job measured. `details` holds what is no fact: generated texts, per-step logs, outputs."""

    measured: tuple[Measurement, ...]
    details: Mapping[str, Json]
