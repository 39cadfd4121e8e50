"""What a base's name says of its shape, and where it says nothing; numbers and vocabularies at their edges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checks_samples import safetensors

from publisher.checks.observe.shapes import base_sizes
from publisher.checks.observe.values import is_zero
from publisher.checks.run import check_folder


@pytest.mark.parametrize(
    ("name", "layers", "hidden"),
    [
        ("google/gemma-2-9b-it", 42, 3584),
        ("google/gemma-7b", 28, 3072),
        ("google/gemma-3-12b-it-qat-q4_0-unquantized", 48, 3840),
        ("unsloth/gemma-3-12b-it-unsloth-bnb-4bit", 48, 3840),
        ("meta-llama/Llama-2-7b-chat-hf", 32, 4096),
        ("meta-llama/Meta-Llama-3-8B-Instruct", 32, 4096),
        ("unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit", 32, 4096),
        ("mistralai/Mistral-7B-Instruct-v0.2", 32, 4096),
        ("Qwen/Qwen2.5-7B-Instruct", 28, 3584),
        ("Qwen/Qwen3-4B-Instruct-2507", 36, 2560),
    ],
)
def test_a_publishers_name_tells_the_shape(name: str, layers: int, hidden: int) -> None:
    """The base's own config.json is not at hand when an adapter is checked."""
    known = base_sizes(name)

    assert known is not None
    assert (layers, hidden) == (known.sizes.layers, known.sizes.hidden)


@pytest.mark.parametrize(
    "name",
    [
        "someone/gemma-2-9b-it",
        "someone/Llama-3-8B-pruned",
        "google/gemma-3n-E4B-it",
        "google/gemma-2-9b-it-pruned-6b",
        "google/shieldgemma-2b",
        "google/t5gemma-2b-2b-ul2",
        "google/recurrentgemma-2b",
        "Qwen/Qwen2-VL-7B-Instruct",
        "Qwen/Qwen2.5-VL-3B-Instruct",
        "Qwen/Qwen3-30B-A3B",
        "Qwen/Qwen3-Embedding-8B",
        "meta-llama/Llama-3.2-11B-Vision-Instruct",
        "mistralai/Mixtral-8x7B-v0.1",
        "mistralai/Mistral-7B-plus",
        "gemma-2-9b-it",
        "/models/google/gemma-2-9b-it",
        "",
    ],
)
def test_a_name_that_leaves_a_choice_tells_nothing(name: str) -> None:
    """An error on a sound adapter is worse than no word on a broken one."""
    assert base_sizes(name) is None


@pytest.mark.parametrize(
    ("raw", "dtype", "expected"),
    [
        (b"\0\0\0\0\0\0\0\x80", "F32", True),
        (b"\0\x80\0\0", "BF16", True),
        (b"\0\0\x80\x00", "F32", False),
        (b"\x80\0", "F16", False),
    ],
    ids=["signed", "signed half", "denormal", "smallest"],
)
def test_a_zero_may_have_a_sign(raw: bytes, dtype: str, expected: bool) -> None:
    """An optimizer with weight decay leaves -0.0; the adapter changes nothing all the same."""
    assert expected == is_zero(raw, dtype)


def test_a_large_vocabulary_is_looked_at_by_its_ends_only(tmp_path: Path) -> None:
    """Parsing 30 MB of JSON at each save would make people leave the check out."""
    text = json.dumps({"model": {"vocab": {f"token-{number}": number for number in range(300_000)}}})
    path = tmp_path / "tokenizer.json"
    path.write_text(text, "utf-8")

    assert () == check_folder(tmp_path, select=["TOK060"]).findings
    path.write_text(text[:-3], "utf-8")

    assert ["TOK060"] == [finding.code for finding in check_folder(tmp_path, select=["TOK060"]).findings]


def test_code_that_is_left_out_matters_where_transformers_has_no_such_class(tmp_path: Path) -> None:
    """Fine-tunes of Phi or Falcon keep an auto_map of the base that nobody needs any more."""
    found = []
    for name in ("Phi3ForCausalLM", "MineForCausalLM"):
        config = {"architectures": [name], "auto_map": {"AutoModelForCausalLM": f"modeling_mine.{name}"}}
        (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
        found += check_folder(tmp_path, select=["CFG055"]).findings

    assert ["warning", "error"] == [finding.severity.value for finding in found]


def test_weights_with_a_shard_missing_are_not_measured(tmp_path: Path) -> None:
    """Half a model has half the layers: the missing shard is the fault, and another rule's."""
    (tmp_path / "config.json").write_text('{"model_type": "llama", "num_hidden_layers": 2}', "utf-8")
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(
        safetensors("model.layers.0.mlp.up_proj.weight F32 8x8")
    )

    assert () == check_folder(tmp_path, select=["WGT045"]).findings


ODD = (None, True, -1, 2**70, 1e300, "", "9" * 5000, "\\", [], [[]], [None], {}, {"a": []}, {"9": {"a": 1}})
KEYS = {
    "adapter_config.json": (
        "peft_type peft_version base_model_name_or_path target_modules exclude_modules layers_to_transform"
        " auto_mapping use_dora use_rslora inference_mode task_type revision r lora_alpha rank_pattern"
    ),
    "config.json": (
        "model_type text_config vocab_size hidden_size num_hidden_layers num_attention_heads head_dim"
        " num_key_value_heads architectures auto_map transformers_version dtype _name_or_path"
    ),
    "generation_config.json": "eos_token_id temperature do_sample",
    "tokenizer_config.json": "tokenizer_class auto_map eos_token added_tokens_decoder",
    "tokenizer.json": "model added_tokens",
}
SANE: dict[str, dict[str, object]] = {
    "adapter_config.json": {
        "peft_type": "LORA",
        "base_model_name_or_path": "google/gemma-2-2b",
        "target_modules": ["q_proj"],
        "r": 8,
    },
    "config.json": {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8},
    "generation_config.json": {"eos_token_id": 1},
    "tokenizer_config.json": {"eos_token": "</s>", "added_tokens_decoder": {"2": {"content": "</s>"}}},
    "tokenizer.json": {"model": {"vocab": {}}},
}
ODD_TENSORS = """
base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight F32 8
base_model.model.model.layers.999999.self_attn.q_proj.lora_B.weight F32 8x8x1
model.layers.0.self_attn.q_proj.weight F32 8
model.embed_tokens.weight F32 8
"""


@pytest.mark.parametrize(
    ("file", "key"), [(file, key) for file, keys in KEYS.items() for key in keys.split()]
)
@pytest.mark.parametrize("adapter", [True, False], ids=["adapter", "model"])
def test_a_value_of_any_type_is_judged_or_left_alone(
    tmp_path: Path, file: str, key: str, adapter: bool
) -> None:
    """Files of strangers hold anything; a check that falls over it says nothing of the rest."""
    for name, data in SANE.items():
        if adapter or name != "adapter_config.json":
            (tmp_path / name).write_text(json.dumps(data), "utf-8")
    weights = "adapter_model.safetensors" if adapter else "model.safetensors"
    (tmp_path / weights).write_bytes(safetensors(ODD_TENSORS))

    for value in ODD:
        (tmp_path / file).write_text(json.dumps(SANE[file] | {key: value}), "utf-8")
        report = check_folder(tmp_path, select=["ADPT", "WGT", "CFG", "TOK", "FILE"])

        assert {finding.path for finding in report.findings} <= {*SANE, weights}
