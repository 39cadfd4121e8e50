"""What a card says, beside real files: the files win; where nobody knows, nothing is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checks_samples import safetensors

from publisher.checks.known.models import families, mentions
from publisher.checks.observe.truths import lora_size
from publisher.checks.run import check_card, check_folder
from publisher.records.findings import Report, Severity

LORA = """
base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight F32 8x64
base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight F32 64x8
base_model.model.model.embed_tokens.weight F32 100x64
"""
FILES: dict[str, object] = {
    "adapter_config.json": {
        "peft_type": "LORA",
        "r": 8,
        "lora_alpha": 16,
        "lora_dropout": 0.05,
        "target_modules": ["q_proj"],
        "modules_to_save": ["embed_tokens"],
        "base_model_name_or_path": "google/gemma-3-12b-it",
    },
    "adapter_model.safetensors": safetensors(LORA, {"format": "pt"}),
}
MODEL: dict[str, object] = {
    "config.json": {"text_config": {"num_hidden_layers": 26, "hidden_size": 1152}, "num_attention_heads": 4},
    "model.safetensors": safetensors("model.a BF16 1000x2000", {"format": "pt"}),
}
HEAD = "---\nlicense: gemma\nbase_model: google/gemma-3-12b-it\n---\n"


def check(folder: Path, card: str, files: dict[str, object] | None) -> Report:
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    (folder / "README.md").write_text(HEAD + card, "utf-8")
    families_ = ["CLAIM", "SNIP"]
    return (
        check_folder(folder, select=families_)
        if files is not None
        else check_card(folder / "README.md", select=families_)
    )


@pytest.mark.parametrize(
    ("files", "line", "code", "truth"),
    [
        (FILES, "- LoRA rank: 16", "CLAIM123", "r = 8"),
        (FILES, "LoRA with rank 16 and all else as usual", "CLAIM123", "r = 8"),
        (FILES, "- Lora_alpha: 32", "CLAIM123", "lora_alpha = 16"),
        (FILES, "| LoRA dropout | 0.1 |", "CLAIM123", "lora_dropout = 0.05"),
        (FILES, "- Target modules: q_proj, v_proj", "CLAIM123", "does not adapt v_proj"),
        (FILES, "- Target modules: all linear layers", "CLAIM123", "does not adapt down_proj"),
        (FILES, "- Trainable parameters: 1,024", "CLAIM121", "holds 7,424"),
        (FILES, "- Embedding layer (frozen)", "CLAIM124", "trains embed_tokens"),
        (MODEL, "- Layers: 48", "CLAIM122", "config.json says 26"),
        (MODEL, "It has 42 transformer blocks.", "CLAIM122", "config.json says 26"),
        (MODEL, "| Hidden size | 3840 |", "CLAIM122", "config.json says 1,152"),
        (MODEL, "- Attention heads: 16", "CLAIM122", "config.json says 4"),
        (MODEL, "- **Parameters**: 12B", "CLAIM120", "2,000,000"),
        (MODEL, "- Tensor type: float32", "CLAIM125", "BF16"),
    ],
)
def test_a_number_that_the_files_refute_is_found(
    tmp_path: Path, files: dict[str, object], line: str, code: str, truth: str
) -> None:
    """The files are what people download; the card is what they believe."""
    found = check(tmp_path, f"# A\n\n{line}\n", files).findings

    assert [(code, 7)] == [(finding.code, finding.line) for finding in found]
    assert truth in found[0].message


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (FILES, "- LoRA rank: 8"),
        (FILES, "- Rank (r): 8, alpha 16"),
        (FILES, "- Target modules: `q_proj`"),
        (FILES, "- Trainable parameters: 7,424"),
        (FILES, "- Trainable parameters: ~7.4K"),
        (FILES, "- Attention: trained, feed-forward network frozen"),
        (FILES, "- Output head (frozen)"),
        (MODEL, "- Layers: 26"),
        (MODEL, "- Layers: 27 in the vision tower"),
        (MODEL, "The first 12 transformer layers were kept."),
        (MODEL, "Its sibling has 48 transformer layers, compared to which it is small."),
        (MODEL, "- Parameters: 2M"),
        (MODEL, "- Parameters: 1.98M"),
        (MODEL, "- Precision: fp32 in training"),
        (MODEL, "| Model | Layers | Heads |\n|---|---|---|\n| other | 48 | 16 |"),
        (MODEL, "Built on Gemma 3 12B, better than Gemma 2 9B."),
        (None, "- Layers: 48"),
        (None, "- Parameters: 12B"),
        (None, "- Parameters: 12.2B"),
        (
            None,
            "- LoRA rank: 64\n- Target modules: q_proj, k_proj, v_proj, o_proj\n- Trainable parameters: 84.9M",
        ),
    ],
)
def test_what_is_true_or_of_something_else_is_left_alone(
    tmp_path: Path, files: dict[str, object] | None, line: str
) -> None:
    """A linter that is wrong once is not read again."""
    assert () == check(tmp_path, f"# A\n\n{line}\n", files).findings


def test_where_no_truth_is_known_the_rule_is_skipped_and_says_why(tmp_path: Path) -> None:
    """Not compared is not the same as right."""
    path = tmp_path / "README.md"
    path.write_text(
        "# A\n\n- Layers: 7\n- Parameters: 3B\n- LoRA rank: 8\n- Trainable parameters: 1M\n", "utf-8"
    )

    report = check_card(path, select=["CLAIM120", "CLAIM121", "CLAIM122", "CLAIM123"])

    assert () == report.findings
    assert {"CLAIM120", "CLAIM121", "CLAIM122", "CLAIM123"} == {skip.code for skip in report.skipped}


def test_what_config_json_proves_is_an_error_and_what_a_base_suggests_a_warning(tmp_path: Path) -> None:
    """A release stops only for what is certain."""
    beside = check(tmp_path, "- Layers: 42\n", MODEL).findings[0]
    alone = check(tmp_path, "- Layers: 42\n", None).findings[0]

    assert (Severity.ERROR, Severity.WARNING) == (beside.severity, alone.severity)


def test_the_known_shapes_give_the_sizes_that_peft_counts() -> None:
    """Counted with peft on models without weights: rank 64 on q, k, v and o; all seven; SmolLM2."""
    shapes = {family.id(shape): shape for family in families() for shape in family.shapes}
    attention = ("q_proj", "k_proj", "v_proj", "o_proj")
    all_seven = (*attention, "gate_proj", "up_proj", "down_proj")

    assert 71_565_312 == lora_size(shapes["gemma-2-9b"], 64, attention)
    assert 84_934_656 == lora_size(shapes["gemma-3-12b"], 64, attention)
    assert 261_881_856 == lora_size(shapes["gemma-3-12b"], 64, all_seven)
    assert 7_372_800 == lora_size(shapes["smollm-2-135m"], 64, attention)


@pytest.mark.parametrize(
    ("text", "exists"),
    [
        ("google/gemma-2-12b-it", False),
        ("Gemma 2 9B", True),
        ("meta-llama/Llama-3.1-8B-Instruct", True),
        ("Meta-Llama-3-70B", True),
        ("Llama 3 405B", True),
        ("Qwen2.5-7B", True),
        ("Qwen/Qwen2.5-8B", False),
        ("Qwen3-30B-A3B", True),
        ("Gemma 12B", None),
        ("mistralai/Mistral-24B", None),
        ("gemma-4-99b", None),
        ("SmolLM2-135M", True),
        ("Llama-3.2-90B-Vision", True),
    ],
)
def test_sizes_are_known_to_exist_or_not_and_unknown_is_neither(text: str, exists: bool | None) -> None:
    """New models appear weekly; only a family that is closed can lack a size."""
    assert [exists] == [mention.exists for mention in mentions(text)]


@pytest.mark.parametrize(
    "text", ["CodeLlama-7b", "Gemma-Aerial-12B", "Qwen2.5-Coder-32B", "gemma-3n-E2B", "Llama 2"]
)
def test_names_of_other_models_are_not_taken_for_a_size_of_the_family(text: str) -> None:
    """Variants have sizes of their own."""
    assert [] == list(mentions(text))
