"""A model larger than memory must be proven with the very numbers that a smaller one is proven with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.engine import compare, divergence, evaluate, memory, merge, probe, quantize, streamed
from publisher.engine.chat import encode_prompt
from publisher.engine.compare import mean_kl, measure
from publisher.engine.generate import read_logits
from publisher.engine.jobs import (
    Compare,
    Divergence,
    Evaluate,
    JobResult,
    Merge,
    Probe,
    Quantize,
    SmokePrompt,
)
from publisher.engine.load import load_adapter, load_model, load_tokenizer
from publisher.engine.nf4 import load_nf4
from publisher.engine.reader import load_reader
from publisher.engine.rows import read_rows
from publisher.errors import HubpubError

pytestmark = pytest.mark.models

PROMPTS = ("1+2=?", "how many cars are there in this image, and how many houses?")  # not of one length


@pytest.fixture(autouse=True)
def _no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 1)


def prove(base: Path, adapter: Path, merged: Path, how: Any = "full") -> JobResult:
    job = Compare(str(base), str(adapter), str(merged), PROMPTS, merge_base=how)
    return compare.run(job, lambda event: None)


def values(result: JobResult) -> dict[str, Any]:
    return {m.id.removeprefix("validate.merged."): m.value for m in result.measured}


def merged_into(base: Path, adapter: Path, folder: Path, how: Any = "full") -> Path:
    merge.run(Merge(str(base), str(adapter), str(folder), how), lambda event: None)
    return folder


def in_memory(base: Any, adapter: Path, merged: Path) -> dict[str, float]:
    """The same numbers from whole models, one prompt at a time."""
    tokenizer = load_tokenizer(merged)
    texts = [encode_prompt(tokenizer, prompt) for prompt in PROMPTS]
    model = load_adapter(base, adapter)
    adapted = [read_logits(model, text) for text in texts]
    found = [read_logits(load_model(merged, dtype="float32"), text) for text in texts]
    difference = measure(adapted, found)
    return {
        "max_logit_difference": difference.largest,
        "mean_logit_difference": difference.mean,
        "argmax_agreement": difference.agreement,
        "positions": difference.positions,
        "kl": mean_kl(adapted, found),
    }


def same(numbers: dict[str, float]) -> Any:
    """Equal but for the order of float32 sums, which a batch of texts changes."""
    return pytest.approx(numbers, rel=2e-3, abs=2e-6)


def test_a_llama_read_layer_by_layer_has_the_numbers_of_the_whole_one(
    tiny_base: Path, tiny_adapter: Path, tiny_merged: Path
) -> None:
    """Base, adapter and merged are never in memory; greedy answers would take a pass a token and are unknown."""
    result = prove(tiny_base, tiny_adapter, tiny_merged)
    found = values(result)
    whole = in_memory(load_model(tiny_base, dtype="float32"), tiny_adapter, tiny_merged)

    assert same(whole) == {name: found[name] for name in whole}
    assert (True, 0.0, None) == (
        result.details["streamed"],
        found["unexplained_logit_difference"],
        found["same_greedy_text"],
    )
    assert 0 < found["mean_logit_difference"]


def test_a_gemma_with_its_two_kinds_of_attention_has_them_too(
    tiny_gemma: Path, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """Sliding windows, a rotary embedding for each kind, a scaled embedding, a vision tower that stays out of it."""
    adapter = make_adapter(tiny_gemma, tmp_path / "a", exclude_modules=".*vision_tower.*")
    merged = merged_into(tiny_gemma, adapter, tmp_path / "m")
    found = values(prove(tiny_gemma, adapter, merged))
    whole = in_memory(load_model(tiny_gemma, dtype="float32"), adapter, merged)

    assert same(whole) == {name: found[name] for name in whole}
    assert 0.0 == found["unexplained_logit_difference"] < found["mean_logit_difference"]


@pytest.mark.parametrize(
    "kind",
    [{"use_dora": True}, {"use_rslora": True}, {"modules_to_save": ["lm_head", "embed_tokens"]}],
    ids=lambda kind: next(iter(kind)),
)
def test_other_kinds_of_adapters_too(
    make_llama: Callable[..., Path], make_adapter: Callable[..., Path], tmp_path: Path, kind: dict[str, Any]
) -> None:
    """DoRA reads the weight below it while it runs; modules that were trained whole lie in no file of the base."""
    base = make_llama(tmp_path / "b", tied=False)
    adapter = make_adapter(base, tmp_path / "a", **kind)
    merged = merged_into(base, adapter, tmp_path / "m")
    found = values(prove(base, adapter, merged))
    whole = in_memory(load_model(base, dtype="float32"), adapter, merged)

    assert same(whole) == {name: found[name] for name in whole}
    assert 0.0 == found["unexplained_logit_difference"]


def test_what_was_merged_through_four_bits_is_compared_with_that(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    """The base that the adapter saw in QLoRA training is made anew, weight by weight."""
    import torch

    merged = merged_into(tiny_base, tiny_adapter, tmp_path / "m", "nf4")
    found = values(prove(tiny_base, tiny_adapter, merged, "nf4"))
    dequantized = load_nf4(tiny_base, double_quant=True, compute_dtype="bfloat16").dequantize()
    whole = in_memory(dequantized.to(torch.float32).eval(), tiny_adapter, merged)

    assert same(whole) == {name: found[name] for name in whole}
    assert 0.0 == found["unexplained_logit_difference"]


def test_the_base_and_a_forgotten_layer_are_no_merge_here_either(
    tiny_base: Path, tiny_adapter: Path, tiny_merged: Path, tmp_path: Path
) -> None:
    """The verdict is that of the whole models."""
    from safetensors.torch import load_file, save_file

    name = "model.layers.1.self_attn.o_proj.weight"
    shutil.copytree(tiny_merged, tmp_path / "m")
    tensors = load_file(tmp_path / "m" / "model.safetensors")
    tensors[name] = load_file(tiny_base / "model.safetensors")[name]
    save_file(tensors, tmp_path / "m" / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(HubpubError, match="exactly those of the base"):
        prove(tiny_base, tiny_adapter, tiny_base)
    with pytest.raises(HubpubError, match="adapter's own effect") as caught:
        prove(tiny_base, tiny_adapter, tmp_path / "m")

    assert "HP-E06" == caught.value.code


@pytest.mark.parametrize("kind", ["adapter", "merged"])
def test_a_probe_of_such_a_model_tells_what_passes_over_the_files_tell_and_no_more(
    tiny_base: Path, tiny_adapter: Path, tiny_merged: Path, kind: Any
) -> None:
    """It loads, is finite and an adapter changes it; its answers are unknown, not taken for good ones."""
    folder = {"adapter": tiny_adapter, "merged": tiny_merged}[kind]
    smoke = tuple(SmokePrompt(prompt) for prompt in PROMPTS)
    job = Probe(kind, str(folder), base=str(tiny_base), smoke=smoke)
    told = probe.run(job, lambda event: None).measured
    found = {m.id.removeprefix(f"validate.{kind}."): (m.value, m.status) for m in told}

    assert {
        "loads_clean": (True, "known"),
        "finite": (True, "known"),
        "smoke_passed": (None, "unknown"),
        "smoke_total": (2, "known"),
    }.items() <= found.items()
    assert ("changes_output" in found) == (kind == "adapter")


def test_a_nan_in_such_a_model_is_found(tiny_merged: Path, tmp_path: Path) -> None:
    """Logits are looked at here as well."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny_merged, tmp_path / "m")
    tensors = load_file(tmp_path / "m" / "model.safetensors")
    tensors["model.norm.weight"][3] = float("nan")
    save_file(tensors, tmp_path / "m" / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(HubpubError) as caught:
        probe.run(Probe("merged", str(tmp_path / "m")), lambda event: None)

    assert "HP-E05" == caught.value.code


def test_what_four_bits_cost_is_told_of_such_a_model_too(tiny_merged: Path, tmp_path: Path) -> None:
    """The packed weights are unpacked as they are read; equal to the whole models, both in float32."""
    import torch

    quantize.run(Quantize(str(tiny_merged), str(tmp_path / "nf4")), lambda event: None)
    job = Divergence(str(tiny_merged), str(tmp_path / "nf4"), PROMPTS)
    result = divergence.run(job, lambda event: None)
    found = {m.id.removeprefix("validate.nf4.").removesuffix("_to_merged"): m.value for m in result.measured}
    tokenizer = load_tokenizer(tiny_merged)
    texts = [encode_prompt(tokenizer, prompt) for prompt in PROMPTS]
    full = load_model(tiny_merged, dtype="float32")
    four = load_nf4(tiny_merged, double_quant=True, compute_dtype="bfloat16").dequantize()
    expected = [read_logits(full, text) for text in texts]
    packed = [read_logits(four.to(torch.float32).eval(), text) for text in texts]
    difference = measure(expected, packed)
    whole = {
        "kl": mean_kl(expected, packed),
        "argmax_agreement": difference.agreement,
        "max_logit_difference": difference.largest,
        "positions": difference.positions,
    }

    assert result.details["streamed"]
    assert same(whole) == found
    assert 0.001 < found["kl"]


def test_a_packed_checkpoint_of_another_model_is_refused(
    tiny_merged: Path, make_llama: Callable[..., Path], tmp_path: Path
) -> None:
    """The shape comes from the one, the weights from the other: names must meet."""
    other = make_llama(tmp_path / "other", layers=1)
    quantize.run(Quantize(str(other), str(tmp_path / "nf4")), lambda event: None)

    with pytest.raises(HubpubError, match=r"holds no model\.layers\.1") as caught:
        divergence.run(Divergence(str(tiny_merged), str(tmp_path / "nf4"), PROMPTS), lambda event: None)

    assert "HP-E03" == caught.value.code


def test_held_out_losses_of_such_models_are_those_of_the_whole_ones(
    tiny_base: Path, tiny_adapter: Path, tiny_merged: Path, tiny_data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Row by row, of every artifact; nothing is asked, and that is said. So little room that it takes passes."""
    import torch

    quantize.run(Quantize(str(tiny_merged), str(tmp_path / "nf4")), lambda event: None)
    nf4 = str(tmp_path / "nf4")
    job = Evaluate(
        str(tiny_data), str(tiny_base), str(tiny_adapter), str(tiny_merged), nf4, answer_rows=(0, 1)
    )
    vocabulary = load_model(tiny_base).get_input_embeddings().weight.shape[0]
    monkeypatch.setattr(streamed, "LOGITS_BYTES", 4 * vocabulary * 5)  # two rows' answers
    steps: list[Any] = []
    result = evaluate.run(job, steps.append)
    reader = load_reader(tiny_base)
    rows = [reader.encode(row) for row in read_rows(str(tiny_data), "validation")]
    four = load_nf4(tiny_merged, double_quant=True, compute_dtype="bfloat16").dequantize()
    whole = {
        "base": load_model(tiny_base, dtype="float32"),
        "adapter": load_adapter(load_model(tiny_base, dtype="float32"), tiny_adapter),
        "merged": load_model(tiny_merged, dtype="float32"),
        "nf4": four.to(torch.float32).eval(),
    }
    expected = {
        kind: [loss.loss for loss in evaluate.measure_losses(kind, model, rows, reader.padding, steps.append)]
        for kind, model in whole.items()
    }
    told = {m.id: (m.value, m.status) for m in result.measured}

    assert expected.keys() == result.details["row_losses"].keys()
    for kind, losses in expected.items():
        assert pytest.approx(losses, rel=1e-4) == result.details["row_losses"][kind], kind
    assert ({}, (None, "unknown")) == (result.details["answers"], told["evaluate.answers"])
    assert [2, 4] == [step["done"] for step in steps if step["kind"] == "merged"][:2]
