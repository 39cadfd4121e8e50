from __future__ import annotations

import json

import pytest

from publisher.errors import HubpubError
from publisher.weights.describe import describe_model

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 4,
    "num_attention_heads": 2,
    "vocab_size": 8,
    "max_position_embeddings": 64,
}
EMBEDDING = "model.embed_tokens.weight"


@pytest.fixture
def describe(tmp_path, write_safetensors):
    def run(config, tensors):
        (tmp_path / "config.json").write_text(json.dumps(config))
        write_safetensors(tensors)
        return {measured.id: measured for measured in describe_model(tmp_path, "base")}

    return run


def test_a_tied_head_counts_once(describe):
    """A head that is stored although it is the embedding would inflate the card's parameter count."""
    stored = {EMBEDDING: ("BF16", (8, 4)), "lm_head.weight": ("BF16", (8, 4)), "n.weight": ("F32", (4,))}
    measured = describe(LLAMA | {"tie_word_embeddings": True}, stored)

    expected = (36, True, "bfloat16")
    actual = tuple(measured[f"base.{name}"].value for name in ("parameters", "tied_embeddings", "dtype"))

    assert expected == actual


def test_an_untied_head_counts(describe):
    """Where the configuration says nothing, a stored head is a head of its own."""
    measured = describe(LLAMA, {EMBEDDING: ("BF16", (8, 4)), "lm_head.weight": ("BF16", (8, 4))})

    assert (64, False) == (measured["base.parameters"].value, measured["base.tied_embeddings"].value)


def test_what_the_configuration_leaves_open_is_unknown(describe):
    """An architecture's default is not read from the file, so it must not stand in a card."""
    measured = describe(LLAMA, {EMBEDDING: ("BF16", (8, 4))})["base.intermediate_size"]

    assert (None, "unknown") == (measured.value, measured.status)


def test_a_multimodal_model_is_described_by_its_language_part(describe):
    """Gemma 3 keeps the numbers of its text model in `text_config`."""
    config = {
        "architectures": ["Gemma3ForConditionalGeneration"],
        "model_type": "gemma3",
        "text_config": LLAMA,
    }
    measured = describe(config, {EMBEDDING: ("BF16", (8, 4))})

    assert ("gemma3", 2) == (measured["base.model_type"].value, measured["base.layers"].value)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("chat_template.jinja", "{{ messages }}"),
        ("tokenizer_config.json", '{"chat_template": "{{ messages }}"}'),
    ],
)
def test_a_chat_template_is_found_in_both_places(describe, tmp_path, file, content):
    """Older checkpoints keep it inside the tokenizer's configuration."""
    (tmp_path / file).write_text(content)

    assert describe(LLAMA, {EMBEDDING: ("BF16", (8, 4))})["base.chat_template"].value is True


def test_no_template_is_a_known_no(describe):
    """It was looked for."""
    measured = describe(LLAMA, {EMBEDDING: ("BF16", (8, 4))})["base.chat_template"]

    assert (False, "known") == (measured.value, measured.status)


def test_a_folder_without_configuration_is_no_model(tmp_path, write_safetensors):
    write_safetensors({EMBEDDING: ("BF16", (8, 4))})

    with pytest.raises(HubpubError) as caught:
        describe_model(tmp_path, "base")

    assert caught.value.code == "HP-B04"
