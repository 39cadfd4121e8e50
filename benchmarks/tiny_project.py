"""A project to release in seconds: a base, an adapter and a dataset of a few kilobytes, written without torch."""

from __future__ import annotations

import json
import struct
from pathlib import Path

HIDDEN, LAYERS, VOCABULARY, RANK = 16, 2, 32, 2
TARGETS = ("k_proj", "o_proj", "q_proj", "v_proj")
NAME = "tiny"
MANIFEST = """
manifest: 1
owner: acme
licence: apache-2.0
visibility: public
base: {{folder: inputs/base, model: acme/tiny-base}}
adapter: inputs/adapter
{dataset}artifacts: {{{artifacts}}}
evidence: {evidence}
card: {{limitations: limitations.md}}
"""
KINDS = {
    "base": "base: {repo: acme/tiny-base}",
    "dataset": "dataset: {visibility: private}",
    "adapter": "adapter: {}",
}


def write_project(
    root: Path, kinds: tuple[str, ...] = ("base", "dataset", "adapter"), *, evidence: str = "full"
) -> Path:
    """Write `root/model_cards/tiny`; returns that folder."""
    folder = root / "model_cards" / NAME
    write_base(folder / "inputs" / "base")
    write_adapter(folder / "inputs" / "adapter")
    if "dataset" in kinds:
        write_dataset(folder / "inputs" / "data")
    dataset = "dataset: {folder: inputs/data}\n" if "dataset" in kinds else ""
    artifacts = ", ".join(KINDS[kind] for kind in kinds)
    text = MANIFEST.format(dataset=dataset, artifacts=artifacts, evidence=evidence)
    (folder / "release.yaml").write_text(text.lstrip())
    (folder / "limitations.md").write_text("It knows nothing.\n")
    return folder


def write_base(folder: Path) -> None:
    """A Llama by its files: configuration, tokenizer, float32 weights."""
    write_configuration(folder, HIDDEN, LAYERS, VOCABULARY)
    write_weights(folder / "model.safetensors", shapes_of(HIDDEN, LAYERS, VOCABULARY))


def write_configuration(folder: Path, hidden: int, layers: int, vocabulary: int) -> None:
    """All of a Llama's files but its weights."""
    folder.mkdir(parents=True)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "vocab_size": vocabulary,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
    }
    tokenizer = {"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0}}}
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "chat_template.jinja").write_text(
        "{% for message in messages %}{{ message.content }}{% endfor %}"
    )


def shapes_of(hidden: int, layers: int, vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a Llama's weights."""
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocabulary, hidden),
        "model.norm.weight": (hidden,),
    }
    for layer in range(layers):
        at = f"model.layers.{layer}"
        shapes |= {f"{at}.self_attn.{name}.weight": (hidden, hidden) for name in TARGETS}
        shapes |= {f"{at}.mlp.{name}.weight": (2 * hidden, hidden) for name in ("gate_proj", "up_proj")}
        shapes |= {f"{at}.mlp.down_proj.weight": (hidden, 2 * hidden)}
        shapes |= {
            f"{at}.{name}.weight": (hidden,) for name in ("input_layernorm", "post_attention_layernorm")
        }
    return shapes


def write_adapter(folder: Path, *, seed: float = 1.0) -> None:
    """A LoRA adapter for that base; other seeds are other weights."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": RANK,
        "lora_alpha": 2 * RANK,
        "target_modules": list(TARGETS),
        "base_model_name_or_path": "somewhere/else",
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2))
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(LAYERS):
        for name in TARGETS:
            at = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            shapes |= {f"{at}.lora_A.weight": (RANK, HIDDEN), f"{at}.lora_B.weight": (HIDDEN, RANK)}
    write_weights(folder / "adapter_model.safetensors", shapes, seed=seed)


def write_dataset(folder: Path) -> None:
    """Twelve rows for training, four held out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    for split, rows in (("train", 12), ("validation", 4)):
        table = pa.table(
            {"prompt": [f"{n}+1=?" for n in range(rows)], "completion": [str(n + 1) for n in range(rows)]}
        )
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")


def write_weights(file: Path, shapes: dict[str, tuple[int, ...]], *, seed: float = 1.0) -> None:
    """A safetensors file of float32 tensors whose values follow from the seed."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    for number, (name, shape) in enumerate(sorted(shapes.items()), start=1):
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        raw = struct.pack(f"<{count}f", *(seed * ((n * number) % 13 - 6) / 64 for n in range(count)))
        header[name] = {
            "dtype": "F32",
            "shape": list(shape),
            "data_offsets": [len(body), len(body) + len(raw)],
        }
        body += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + body)
