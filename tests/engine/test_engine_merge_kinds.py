"""Merges of more than plain LoRA, merges into the 4-bit round trip, and merges that were killed."""

from __future__ import annotations

import json
import os
import warnings

import pytest

from publisher.engine.jobs import Merge
from publisher.errors import HubpubError

pytestmark = pytest.mark.models
pytest.importorskip("torch")

from publisher.engine import merge, merge_shard  # noqa: E402


def run(base, adapter, out, **settings):
    result = merge.run(Merge(str(base), str(adapter), str(out), **settings), lambda event: None)
    return {fact.id: fact.value for fact in result.measured}, result.details


def tensors(folder):
    from safetensors.torch import load_file

    return {name: tensor for file in folder.glob("*.safetensors") for name, tensor in load_file(file).items()}


def trained(base, folder, **config):
    """An adapter all of whose trainable weights were moved a little, as training does."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(5)
    settings = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tied layers among the saved ones
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(**(settings | config)))
        with torch.no_grad():
            for weight in model.parameters():
                if weight.requires_grad:
                    weight.add_(torch.randn_like(weight) * 0.05)
        model.save_pretrained(folder)
    return folder


def peft_merge(base, adapter, folder):
    """What peft makes of it and saves."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AutoModelForCausalLM.from_pretrained(base)
        merged = PeftModel.from_pretrained(model, adapter).merge_and_unload()
        merged.save_pretrained(folder)
    return folder


def different(ours, theirs):
    import torch

    return sorted(name for name in theirs if name not in ours or not torch.equal(ours[name], theirs[name]))


@pytest.mark.parametrize(
    "config",
    [
        {"use_dora": True},
        {"use_dora": True, "use_rslora": True, "rank_pattern": {"v_proj": 2}},
        {"modules_to_save": ["norm"]},
        {"modules_to_save": ["lm_head"]},
        {"modules_to_save": ["lm_head", "embed_tokens"]},
    ],
)
def test_what_peft_can_merge_is_merged_to_the_last_bit(make_llama, tmp_path, config):
    """A head of its own, trained whole; norms; directions and lengths apart."""
    base = make_llama(tmp_path / "base", tied=False)
    adapter = trained(base, tmp_path / "adapter", **config)
    run(base, adapter, tmp_path / "out")

    assert [] == different(tensors(tmp_path / "out"), tensors(peft_merge(base, adapter, tmp_path / "peft")))


def test_dora_is_the_same_in_slices(make_llama, tmp_path, monkeypatch):
    """Each row has a length of its own: slices of rows must not see one another."""
    base = make_llama(tmp_path / "base", tied=False)
    adapter = trained(base, tmp_path / "adapter", use_dora=True)
    monkeypatch.setattr(merge_shard, "SLICE_BYTES", 64 * 2 * 7)
    run(base, adapter, tmp_path / "out")

    assert [] == different(tensors(tmp_path / "out"), tensors(peft_merge(base, adapter, tmp_path / "peft")))


def test_head_and_embedding_that_were_trained_apart_are_untied(tiny_base, tmp_path):
    """The file gains a head, the configuration says so, and the count of parameters grows by it."""
    from transformers import AutoModelForCausalLM

    from publisher.weights.describe import count_parameters, read_config
    from publisher.weights.shards import read_shards

    adapter = trained(tiny_base, tmp_path / "adapter", modules_to_save=["lm_head", "embed_tokens"])
    measured, _ = run(tiny_base, adapter, tmp_path / "out")
    ours = tensors(tmp_path / "out")
    theirs = tensors(peft_merge(tiny_base, adapter, tmp_path / "peft"))
    before = count_parameters(read_config(tiny_base), read_shards(tiny_base))
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "out")

    assert "lm_head.weight" in theirs
    assert [] == different(ours, theirs)
    assert read_config(tmp_path / "out")["tie_word_embeddings"] is False
    assert measured["merged.parameters"] == before + ours["lm_head.weight"].numel()
    assert measured["merged.changed_bytes"] == ours["lm_head.weight"].nbytes + sum(
        ours[name].nbytes for name in different(ours, tensors(tiny_base)) if name != "lm_head.weight"
    )
    assert loaded.lm_head.weight.data_ptr() != loaded.model.embed_tokens.weight.data_ptr()


def test_an_untied_head_is_in_the_index_too(tiny_base, tmp_path):
    """Loaders read the index, not the folder."""
    import shutil

    from transformers import AutoModelForCausalLM

    from publisher.weights.shards import read_shards

    sharded = tmp_path / "sharded"
    AutoModelForCausalLM.from_pretrained(tiny_base).save_pretrained(sharded, max_shard_size="100KB")
    shutil.copyfile(tiny_base / "config.json", sharded / "config.json")
    adapter = trained(sharded, tmp_path / "adapter", modules_to_save=["lm_head", "embed_tokens"])
    run(sharded, adapter, tmp_path / "out")
    before = json.loads((sharded / "model.safetensors.index.json").read_text())
    after = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    merged = read_shards(tmp_path / "out")
    head = merged.tensors["lm_head.weight"]

    assert {"lm_head.weight"} == set(after["weight_map"]) - set(before["weight_map"])
    assert after["metadata"]["total_size"] == before["metadata"]["total_size"] + head.stop - head.start
    assert [] == different(
        tensors(tmp_path / "out"), tensors(peft_merge(sharded, adapter, tmp_path / "peft"))
    )


def test_an_embedding_that_was_trained_alone_is_refused_where_it_is_the_head_too(tiny_base, tmp_path):
    """peft would leave a head behind that no file has: what the model says would depend on who loads it."""
    adapter = trained(tiny_base, tmp_path / "adapter", modules_to_save=["embed_tokens"])
    with pytest.raises(HubpubError) as caught:
        run(tiny_base, adapter, tmp_path / "out")

    assert ("HP-A06", ["model.embed_tokens.weight"]) == (caught.value.code, caught.value.data["features"])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("double_quant", [True, False])
def test_the_4_bit_round_trip_is_the_base_that_a_qlora_adapter_saw(
    tiny_base, tiny_adapter, tmp_path, double_quant
):
    """Every linear layer goes through NF4 and back, adapted or not; then the update is added."""
    import torch
    from peft import PeftModel

    from publisher.engine.nf4 import load_nf4

    quantized = load_nf4(tiny_base, double_quant=double_quant, compute_dtype="bfloat16")
    plain = quantized.dequantize()
    theirs = PeftModel.from_pretrained(plain, tiny_adapter).merge_and_unload().state_dict()
    measured, _ = run(tiny_base, tiny_adapter, tmp_path / "out", merge_base="nf4", double_quant=double_quant)
    ours = tensors(tmp_path / "out")

    assert [] == [name for name in ours if not torch.equal(ours[name], theirs[name].to(torch.bfloat16))]
    assert ("nf4", 14) == (measured["merged.merge_base"], measured["merged.changed_tensors"])


def test_a_killed_merge_goes_on_with_the_shard_that_it_was_at(make_llama, make_adapter, tmp_path):
    """Shards that are whole are not made again, and the result is the one of an undisturbed run."""
    import shutil

    from transformers import AutoModelForCausalLM

    whole = make_llama(tmp_path / "whole", layers=3, tied=False)
    base = tmp_path / "base"
    AutoModelForCausalLM.from_pretrained(whole).save_pretrained(base, max_shard_size="100KB")
    shutil.copyfile(whole / "config.json", base / "config.json")
    adapter = make_adapter(base, tmp_path / "adapter")
    run(base, adapter, tmp_path / "undisturbed")

    class Killed(BaseException):
        """As a signal, it is no Exception."""

    def die_after_two(event):
        seen.append(event)
        if len(seen) == 2:
            raise Killed

    seen: list[object] = []
    job = Merge(str(base), str(adapter), str(tmp_path / "out"))
    with pytest.raises(Killed):
        merge.run(job, die_after_two)
    aside = tmp_path / "out.tmp"
    kept = {file.name: file.stat().st_ino for file in aside.glob("*.safetensors")}
    (aside / "model-00003-of-00006.safetensors.part").write_bytes(b"half a shard")
    merge.run(job, lambda event: None)
    after = {file.name: file.stat().st_ino for file in (tmp_path / "out").glob("*.safetensors")}
    files = {file.name: file.read_bytes() for file in (tmp_path / "undisturbed").iterdir()}

    assert 2 == len(kept) < len(after)
    assert kept == {name: after[name] for name in kept}
    assert files == {
        file.name: file.read_bytes()
        for file in (tmp_path / "out").iterdir()
        if not file.name.endswith(".part")
    }
    assert not list((tmp_path / "out").glob("*.part"))


def test_what_another_adapter_left_half_made_is_not_gone_on_with(tiny_base, make_adapter, tmp_path):
    """The key of a half-made merge is what goes into it."""
    import torch

    one, other = (make_adapter(tiny_base, tmp_path / f"adapter{seed}", seed=seed) for seed in (1, 2))
    with pytest.raises(ZeroDivisionError):
        merge.run(Merge(str(tiny_base), str(one), str(tmp_path / "out")), lambda event: 1 / 0)
    run(tiny_base, other, tmp_path / "out")
    run(tiny_base, other, tmp_path / "undisturbed")
    ours, theirs = tensors(tmp_path / "out"), tensors(tmp_path / "undisturbed")

    assert [] == [name for name in theirs if not torch.equal(ours[name], theirs[name])]


def test_a_disk_without_room_is_said_before_the_work(tiny_base, tiny_adapter, tmp_path, monkeypatch):
    """How much is missing is what its owner needs to know."""

    class Full:
        f_bavail, f_frsize = 10, 100

    monkeypatch.setattr(os, "statvfs", lambda path: Full)
    with pytest.raises(HubpubError) as caught:
        run(tiny_base, tiny_adapter, tmp_path / "out")
    size = (tiny_base / "model.safetensors").stat().st_size

    assert ("HP-X01", size - 1000) == (caught.value.code, caught.value.data["missing_bytes"])
    assert not (tmp_path / "out").exists()


def test_a_base_in_4_bits_is_refused(tiny_base, tiny_adapter, tmp_path):
    """What comes out of adding to packed codes is noise; merge_base nf4 makes the round trip from full weights."""
    from publisher.engine import quantize
    from publisher.engine.jobs import Quantize

    quantize.run(Quantize(str(tiny_base), str(tmp_path / "nf4")), lambda event: None)
    with pytest.raises(HubpubError) as caught:
        run(tmp_path / "nf4", tiny_adapter, tmp_path / "out")

    assert "HP-M10" == caught.value.code
