"""transformers and peft load models with holes and say so in a log at most. These must be errors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.engine.arithmetic import computed_in, quick_dtype
from publisher.engine.load import load_adapter, load_model, load_tokenizer, stored_dtype
from publisher.errors import HubpubError

pytestmark = pytest.mark.models

Tensors = dict[str, Any]


def edit_tensors(file: Path, change: Callable[[Tensors], None]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})


def edit_config(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.fixture
def base(tiny_base: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(tiny_base, tmp_path / "base"))


@pytest.fixture
def adapter(tiny_adapter: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(tiny_adapter, tmp_path / "adapter"))


def test_a_sound_checkpoint_loads_in_its_own_dtype_where_that_is_quick_ready_for_use(tiny_base: Path) -> None:
    """A tied lm_head is absent from the file by design and must not be reported."""
    model = load_model(tiny_base)

    assert (quick_dtype("bfloat16", "cpu"), False) == (computed_in(model), model.training)


def test_the_comparisons_float32_and_the_4_bit_load_are_what_they_say(tiny_base: Path) -> None:
    """Both are asked for by name elsewhere; a silent fallback would make their numbers lies."""
    import bitsandbytes

    exact, quantized = load_model(tiny_base, dtype="float32"), load_model(tiny_base, in_4bit=True)
    weight = quantized.model.layers[0].self_attn.q_proj.weight

    assert ("torch.float32", bitsandbytes.nn.Params4bit, "nf4") == (
        str(exact.dtype),
        type(weight),
        weight.quant_type,
    )


@pytest.mark.parametrize(
    ("change", "fault", "key"),
    [
        (lambda t: t.pop("model.norm.weight"), "missing", "model.norm.weight"),
        (lambda t: t.update(left_over=t["model.norm.weight"].clone()), "unexpected", "left_over"),
        (
            lambda t: t.update({"model.norm.weight": t["model.norm.weight"][:2].clone()}),
            "mismatched",
            "model.norm.weight",
        ),
    ],
    ids=["missing", "unexpected", "mismatched"],
)
def test_a_weight_that_is_not_as_it_should_be_is_named(
    base: Path, change: Callable[[Tensors], None], fault: str, key: str
) -> None:
    """transformers fills such a hole with random numbers and goes on."""
    edit_tensors(base / "model.safetensors", change)
    with pytest.raises(HubpubError) as caught:
        load_model(base)

    assert ("HP-E03", [key]) == (caught.value.code, caught.value.data[fault])
    assert f"1 {fault}: {key}" in caught.value.what


def test_of_many_missing_weights_five_are_named_and_the_rest_counted(base: Path) -> None:
    """A checkpoint of another architecture misses hundreds; the message must stay readable."""
    edit_tensors(base / "model.safetensors", lambda t: [t.pop(key) for key in list(t) if ".layers." in key])
    with pytest.raises(HubpubError, match=r"18 missing: (\S+, ){4}\S+ and 13 more"):
        load_model(base)


def test_a_missing_lm_head_is_no_fault_only_when_it_is_tied(base: Path) -> None:
    """Untied, it would be random: fluent nonsense."""
    edit_config(base, tie_word_embeddings=False)
    with pytest.raises(HubpubError) as caught:
        load_model(base)

    assert ["lm_head.weight"] == caught.value.data["missing"]


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda d: (d / "config.json").unlink(), "HP-E03"),
        (lambda d: (d / "config.json").write_text("{"), "HP-E03"),
        (lambda d: (d / "config.json").write_text('{"model_type": "unheard-of"}'), "HP-E03"),
        (lambda d: (d / "model.safetensors").unlink(), "HP-E03"),
        (lambda d: (d / "model.safetensors").rename(d / "pytorch_model.bin"), "HP-W03"),
        (lambda d: (d / "model.safetensors").write_bytes(b"cut off"), "HP-W01"),
    ],
    ids=["no config", "broken config", "unknown architecture", "no weights", "pickle", "damaged"],
)
def test_a_folder_that_holds_no_sound_model_is_refused(
    base: Path, damage: Callable[[Path], None], code: str
) -> None:
    """Every way of being broken ends in an error of ours that names the folder."""
    damage(base)
    with pytest.raises(HubpubError) as caught:
        load_model(base)

    assert (code, str(base)) == (caught.value.code, caught.value.where)


def test_code_inside_a_checkpoint_is_never_run(base: Path, tmp_path: Path) -> None:
    """`auto_map` is how a model brings its own Python along."""
    edit_config(base, model_type="mine", auto_map={"AutoConfig": "mine.C", "AutoModelForCausalLM": "mine.M"})
    (base / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(HubpubError):
        load_model(base)

    assert not (tmp_path / "ran").exists()


def test_an_adapter_finds_its_place_and_stays_unmerged(tiny_base: Path, tiny_adapter: Path) -> None:
    """Merged in place it could not be switched off for comparison."""
    adapted = load_adapter(load_model(tiny_base), tiny_adapter)
    layer = adapted.base_model.model.model.layers[0].self_attn.q_proj

    assert (True, False) == (bool(layer.lora_B["default"].weight.any()), layer.merged)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda t: [t.pop(key) for key in list(t) if "layers.1" in key], "missing"),
        (
            lambda t: t.update({k.replace("layers.1", "layers.9"): v.clone() for k, v in t.items()}),
            "unexpected",
        ),
    ],
)
def test_an_adapter_that_is_not_applied_in_full_is_refused(
    tiny_base: Path, adapter: Path, change: Callable[[Tensors], None], fault: str
) -> None:
    """peft warns of the first and says nothing of the second; either way half of the training is lost."""
    edit_tensors(adapter / "adapter_model.safetensors", change)
    with pytest.raises(HubpubError) as caught:
        load_adapter(load_model(tiny_base), adapter)

    assert ("HP-A05", 8) == (caught.value.code, len(caught.value.data[fault]))


def test_an_adapter_of_a_wider_base_is_refused_with_the_shapes(tiny_base: Path, adapter: Path) -> None:
    """The most common mistake: the same family in another size."""
    edit_tensors(
        adapter / "adapter_model.safetensors",
        lambda t: t.update({k: v.repeat(1, 2) for k, v in t.items() if "lora_A" in k}),
    )
    with pytest.raises(HubpubError, match=r"\[4, 128\]") as caught:
        load_adapter(load_model(tiny_base), adapter)

    assert "HP-A01" == caught.value.code


@pytest.mark.parametrize(
    ("rename", "code"), [("elsewhere.safetensors", "HP-A07"), ("adapter_model.bin", "HP-W03")]
)
def test_an_adapter_without_safetensors_is_refused(
    tiny_base: Path, adapter: Path, rename: str, code: str
) -> None:
    """peft would open the pickle."""
    (adapter / "adapter_model.safetensors").rename(adapter / rename)
    if code == "HP-A07":
        (adapter / rename).unlink()
    with pytest.raises(HubpubError) as caught:
        load_adapter(load_model(tiny_base), adapter)

    assert code == caught.value.code


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    """The error must be ours, not a page of transformers' advice."""
    with pytest.raises(HubpubError) as caught:
        load_tokenizer(tmp_path)

    assert "HP-E03" == caught.value.code


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"dtype": "bfloat16"}, "bfloat16"),
        ({"torch_dtype": "float16"}, "float16"),
        ({"text_config": {"dtype": "bfloat16"}}, "bfloat16"),
        ({}, "float32"),
    ],
)
def test_a_checkpoints_dtype_is_read_in_every_spelling(
    tmp_path: Path, config: dict[str, object], name: str
) -> None:
    """The merge is rounded to it; the wrong one makes a true merge look false."""
    (tmp_path / "config.json").write_text(json.dumps(config))

    assert f"torch.{name}" == str(stored_dtype(tmp_path))
