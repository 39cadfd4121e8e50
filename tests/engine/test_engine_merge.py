from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from publisher.engine.jobs import Merge
from publisher.errors import HubpubError
from publisher.weights.shards import read_shards

pytestmark = pytest.mark.models
pytest.importorskip("torch")

from publisher.engine import merge, merge_shard  # noqa: E402


def run(base, adapter, out):
    result = merge.run(Merge(str(base), str(adapter), str(out)), lambda event: None)
    return {fact.id: fact.value for fact in result.measured}


def tensors(folder: Path):
    from safetensors.torch import load_file

    return {name: tensor for file in folder.glob("*.safetensors") for name, tensor in load_file(file).items()}


def peft_merge(base, adapter):
    """What peft itself makes of it."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    return PeftModel.from_pretrained(model, adapter).merge_and_unload().state_dict()


@pytest.fixture(scope="module")
def sharded(tmp_path_factory, make_llama):
    """A base of several shards whose head is its own."""
    from transformers import AutoModelForCausalLM

    whole = make_llama(tmp_path_factory.mktemp("whole"), layers=3, tied=False)
    folder = tmp_path_factory.mktemp("sharded")
    AutoModelForCausalLM.from_pretrained(whole).save_pretrained(folder, max_shard_size="120KB")
    for file in whole.iterdir():
        if file.name != "model.safetensors":
            shutil.copyfile(file, folder / file.name)
    return folder


def test_the_merge_is_peft_s_to_the_last_bit(tiny_base, tiny_adapter, tiny_merged, tmp_path):
    """Whoever loads base and adapter and merges them must get these very weights."""
    import torch

    run(tiny_base, tiny_adapter, tmp_path / "out")
    ours, theirs = tensors(tmp_path / "out"), tensors(tiny_merged)

    assert set(theirs) == set(ours)
    assert [] == [name for name in ours if not torch.equal(ours[name], theirs[name])]


@pytest.mark.parametrize(
    "config",
    [
        {"use_rslora": True},
        {"rank_pattern": {"layers.1.self_attn.q_proj": 2}, "alpha_pattern": {"v_proj": 1}},
        {"layers_to_transform": [1]},
    ],
)
def test_scales_and_ranks_by_pattern_are_peft_s(tiny_base, tmp_path, config, make_adapter):
    """The factor of the update is in the configuration only: a wrong one gives a model that nearly works."""
    import torch

    adapter = make_adapter(tiny_base, tmp_path / "adapter", **config)
    run(tiny_base, adapter, tmp_path / "out")
    ours, theirs = tensors(tmp_path / "out"), peft_merge(tiny_base, adapter)

    assert [] == [name for name in ours if not torch.equal(ours[name], theirs[name])]


def test_slices_do_not_change_the_sum(tiny_base, tiny_adapter, tiny_merged, tmp_path, monkeypatch):
    """Memory is bounded by slicing a tensor's rows; the last slice is a short one."""
    import torch

    monkeypatch.setattr(merge_shard, "SLICE_BYTES", 64 * 2 * 7)  # 7 rows of 64
    run(tiny_base, tiny_adapter, tmp_path / "out")
    ours, theirs = tensors(tmp_path / "out"), tensors(tiny_merged)

    assert [] == [name for name in ours if not torch.equal(ours[name], theirs[name])]


def test_only_the_adapted_tensors_differ_from_the_base(tiny_base, tiny_adapter, tmp_path):
    """Everything else is the base's, byte for byte: header, order, metadata, untouched weights."""
    measured = run(tiny_base, tiny_adapter, tmp_path / "out")
    base, merged = read_shards(tiny_base), read_shards(tmp_path / "out")
    before, after = (shards.shards[0].file.read_bytes() for shards in (base, merged))
    different = {
        name
        for name, tensor in base.tensors.items()
        if before[tensor.start : tensor.stop] != after[tensor.start : tensor.stop]
    }

    assert 8 == len(different) == measured["merged.changed_tensors"]
    lengths = [base.tensors[name].stop - base.tensors[name].start for name in different]
    assert sum(lengths) == measured["merged.changed_bytes"]
    assert {"q_proj", "k_proj", "v_proj", "o_proj"} == {name.split(".")[-2] for name in different}
    header = min(tensor.start for tensor in base.tensors.values())
    assert before[:header] == after[:header]


def test_shards_index_and_companions_stay_as_they_are(sharded, tmp_path, make_adapter):
    """A shard without adapted tensors has the base's sha256, so that the Hub need not be sent it again."""
    import torch

    adapter = make_adapter(sharded, tmp_path / "adapter")
    measured = run(sharded, adapter, tmp_path / "out")
    names = sorted(file.name for file in sharded.iterdir())
    same = [name for name in names if (sharded / name).read_bytes() == (tmp_path / "out" / name).read_bytes()]
    theirs = peft_merge(sharded, adapter)
    ours = tensors(tmp_path / "out")

    assert names == sorted(file.name for file in (tmp_path / "out").iterdir())
    assert {name for name in names if not name.endswith(".safetensors")} <= set(same)
    assert [name for name in same if name.endswith(".safetensors")]  # the embedding's and the head's
    assert measured["merged.shards"] == len(read_shards(sharded).shards) > 2
    assert [] == [name for name in ours if not torch.equal(ours[name], theirs[name])]


def test_a_card_or_code_beside_the_base_is_not_carried_on(tiny_base, tiny_adapter, tmp_path):
    """The merged repo has a card of its own, and no stranger's program."""
    base = shutil.copytree(tiny_base, tmp_path / "base")
    for name in ("README.md", "modeling_x.py", "pytorch_model.bin"):
        (base / name).write_text("x")
    run(base, tiny_adapter, tmp_path / "out")

    assert {file.name for file in tiny_base.iterdir()} == {file.name for file in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize(
    ("feature", "value"),
    [("use_qalora", True), ("bias", "all"), ("trainable_token_indices", [3])],
)
def test_what_is_more_than_lora_is_refused_by_name_before_anything_is_written(
    tiny_base, tiny_adapter, tmp_path, feature, value
):
    """Leaving it out silently would publish another model than was trained."""
    adapter = shutil.copytree(tiny_adapter, tmp_path / "adapter")
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {feature: value}))
    with pytest.raises(HubpubError) as caught:
        run(tiny_base, adapter, tmp_path / "out")

    assert ("HP-A06", [feature]) == (caught.value.code, caught.value.data["features"])
    assert not list(tmp_path.glob("out*"))


def test_a_module_that_changes_nothing_is_an_error(tiny_base, tiny_adapter, tmp_path):
    """A B of zeros among others: the merged model is missing a part of its training."""
    from safetensors.torch import load_file, save_file

    adapter = shutil.copytree(tiny_adapter, tmp_path / "adapter")
    content = load_file(adapter / "adapter_model.safetensors")
    name = next(name for name in content if "lora_B" in name)
    save_file(content | {name: content[name] * 0}, adapter / "adapter_model.safetensors")
    with pytest.raises(HubpubError) as caught:
        run(tiny_base, adapter, tmp_path / "out")

    assert ("HP-E06", 7, 8) == (
        caught.value.code,
        caught.value.data["changed"],
        caught.value.data["expected"],
    )
    assert not (tmp_path / "out").exists()


def test_a_sum_beyond_the_type_is_an_error(tiny_base, tiny_adapter, tmp_path):
    """float16 bases overflow first."""
    from safetensors.torch import load_file, save_file

    adapter = shutil.copytree(tiny_adapter, tmp_path / "adapter")
    content = load_file(adapter / "adapter_model.safetensors")
    save_file(
        {name: tensor * 1e25 for name, tensor in content.items()}, adapter / "adapter_model.safetensors"
    )
    with pytest.raises(HubpubError) as caught:
        run(tiny_base, adapter, tmp_path / "out")

    assert caught.value.code == "HP-E05"


def test_a_tied_head_cannot_be_merged_into(tiny_base, tmp_path):
    """It is the embedding as well; merging would change what the model reads, not only what it says."""
    import warnings

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft warns of the same thing
        config = LoraConfig(r=2, target_modules=["lm_head"], task_type="CAUSAL_LM")
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_base), config)
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.ones_(weight)
        model.save_pretrained(tmp_path / "adapter")
    with pytest.raises(HubpubError) as caught:
        run(tiny_base, tmp_path / "adapter", tmp_path / "out")

    assert caught.value.code in {"HP-A05", "HP-A06"}


def test_a_multimodal_base_keeps_its_vision_tower(tiny_gemma, make_adapter, tmp_path):
    """File names, module names and adapter names of Gemma 3 differ from one another; every pair finds its weight."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    adapter = make_adapter(tiny_gemma, tmp_path / "adapter", exclude_modules=".*vision_tower.*")
    measured = run(tiny_gemma, adapter, tmp_path / "out")
    base = AutoModelForImageTextToText.from_pretrained(tiny_gemma)
    theirs = PeftModel.from_pretrained(base, adapter).merge_and_unload().state_dict()
    ours = AutoModelForImageTextToText.from_pretrained(tmp_path / "out").state_dict()

    assert 28 == measured["merged.changed_tensors"]
    assert [] == [name for name in ours if not torch.equal(ours[name], theirs[name])]
