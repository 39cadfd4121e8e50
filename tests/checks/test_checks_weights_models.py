"""Whole models that transformers writes are quiet, and one that no longer fits its config.json is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.checks.run import check_folder
from publisher.records.findings import Severity

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]
pytest.importorskip("transformers")

import transformers  # noqa: E402

FAMILIES = ("WGT", "CFG", "TOK", "FILE", "SEC")
SIZES = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
TOWER = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 5,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
KINDS: dict[str, Callable[[], Any]] = {
    "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES)),
    "llama_tied": lambda: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(**SIZES, tie_word_embeddings=True)
    ),
    "llama_bias": lambda: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(**SIZES, attention_bias=True, mlp_bias=True)
    ),
    "classifier": lambda: transformers.LlamaForSequenceClassification(transformers.LlamaConfig(**SIZES)),
    "body": lambda: transformers.LlamaModel(transformers.LlamaConfig(**SIZES)),
    "mistral": lambda: transformers.MistralForCausalLM(transformers.MistralConfig(**SIZES)),
    "qwen2": lambda: transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SIZES)),
    "qwen3": lambda: transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**SIZES)),
    "gemma": lambda: transformers.GemmaForCausalLM(transformers.GemmaConfig(**SIZES)),
    "gemma2": lambda: transformers.Gemma2ForCausalLM(transformers.Gemma2Config(**SIZES)),
    "gemma3": lambda: transformers.Gemma3ForConditionalGeneration(
        transformers.Gemma3Config(
            text_config=SIZES, vision_config=TOWER, mm_tokens_per_image=4, image_token_index=5
        )
    ),
    "gemma3_text": lambda: transformers.Gemma3ForCausalLM(transformers.Gemma3TextConfig(**SIZES)),
    "smollm3": lambda: transformers.SmolLM3ForCausalLM(transformers.SmolLM3Config(**SIZES)),
    "mixtral": lambda: transformers.MixtralForCausalLM(
        transformers.MixtralConfig(**SIZES, num_local_experts=2)
    ),
    "phi3": lambda: transformers.Phi3ForCausalLM(transformers.Phi3Config(**SIZES)),
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=64)
    ),
    "t5": lambda: transformers.T5ForConditionalGeneration(
        transformers.T5Config(vocab_size=64, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4)
    ),
    "bert": lambda: transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48
        )
    ),
}


def save(folder: Path, kind: str, shards: str = "50MB") -> Path:
    KINDS[kind]().save_pretrained(folder, max_shard_size=shards)
    (folder / "tokenizer.json").write_text('{"model": {"vocab": {"a": 0}}}', "utf-8")
    if kind == "gemma3":
        (folder / "processor_config.json").write_text("{}", "utf-8")
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_as_transformers_saves_it_is_quiet(tmp_path: Path, kind: str) -> None:
    """Every architecture lays its weights out in its own way; a rule that knows one must leave the others alone."""
    report = check_folder(save(tmp_path / "model", kind, shards="20KB"), select=FAMILIES)

    assert [] == [(f.code, f.message) for f in report.findings if f.severity is not Severity.NOTE]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vocab_size", 65),
        ("num_hidden_layers", 4),
        ("num_hidden_layers", 2),
        ("hidden_size", 48),
        ("intermediate_size", 64),
        ("num_attention_heads", 8),
        ("num_key_value_heads", 4),
    ],
)
@pytest.mark.parametrize("kind", ["llama", "gemma2", "qwen3", "gemma3"])
def test_a_configuration_of_another_size_is_found_at_its_key(
    tmp_path: Path, kind: str, key: str, value: int
) -> None:
    """transformers fails on the sizes, or fills missing layers with random numbers."""
    folder = save(tmp_path / "model", kind)
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config.setdefault("text_config", config)[key] = value
    config["text_config"]["head_dim"] = config["text_config"].get("head_dim") or 8
    if config["text_config"] is config:
        del config["text_config"]
    path.write_text(json.dumps(config, indent=2), "utf-8")

    findings = check_folder(folder, select=["WGT045"]).findings

    assert 1 == len(findings)
    line = path.read_text("utf-8").splitlines()[(findings[0].line or 0) - 1]
    assert f'"{key}"' in line or '"text_config"' in line
