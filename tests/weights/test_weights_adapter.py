from __future__ import annotations

import json
import struct

import pytest

from publisher.errors import HubpubError
from publisher.weights.adapter import check_adapter, describe_adapter, weight_names

pytest.importorskip("numpy")
pytestmark = pytest.mark.models

LAYER = "base_model.model.model.layers.{}.self_attn.{}_proj.lora_{}.weight"
CONFIG = {
    "peft_type": "LORA",
    "r": 2,
    "lora_alpha": 4,
    "target_modules": ["v_proj", "q_proj"],
    "bias": "none",
}


def ones(name, length):
    """Every element 1.0 in float32."""
    return struct.pack("<f", 1.0) * (length // 4)


def lora(layers=2, rank=2, width=4):
    """Shapes of an adapter for q and v of a model of that many layers and that width."""
    return {
        LAYER.format(layer, target, side): ("F32", (rank, width) if side == "A" else (width, rank))
        for layer in range(layers)
        for target in "qv"
        for side in "AB"
    }


@pytest.fixture
def base(tmp_path, write_safetensors):
    """A base of two layers and width 4."""
    names = [f"model.layers.{layer}.self_attn.{target}_proj.weight" for layer in range(2) for target in "qkv"]
    write_safetensors(dict.fromkeys(names, ("BF16", (4, 4))), folder=tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def adapter(tmp_path, write_safetensors):
    """Write an adapter: shapes, changes to its configuration, and its values."""

    def write(tensors, *, fill=ones, **config):
        folder = tmp_path / "adapter"
        write_safetensors(tensors, name="adapter_model.safetensors", folder=folder, fill=fill)
        (folder / "adapter_config.json").write_text(json.dumps(CONFIG | config))
        return folder

    return write


def refusal(adapter, base):
    with pytest.raises(HubpubError) as caught:
        check_adapter(adapter, base)
    return caught.value


def test_an_adapter_that_fits_passes(adapter, base):
    """The good case, so that the bad ones mean something."""
    assert check_adapter(adapter(lora()), base) is None


def test_an_adapter_is_described_by_its_files(adapter):
    """What the card says about it; targets in an order that does not change from run to run."""
    measured = {fact.id: fact.value for fact in describe_adapter(adapter(lora()))}

    expected = {
        "adapter.parameters": 64,
        "adapter.tensors": 8,
        "adapter.modules": 4,
        "adapter.r": 2,
        "adapter.alpha": 4,
        "adapter.dtype": "float32",
        "adapter.target_modules": ["q_proj", "v_proj"],
    }

    assert expected == {key: measured[key] for key in expected}


@pytest.mark.parametrize(
    ("tensors", "config", "code"),
    [
        pytest.param(lora(width=6), {}, "HP-A01", id="another width"),
        pytest.param(lora(layers=3), {}, "HP-A01", id="a bigger sibling's layers"),
        pytest.param(lora(rank=3), {}, "HP-A02", id="another rank"),
        pytest.param(lora(layers=1), {}, "HP-A05", id="half the layers missing"),
        pytest.param(lora(), {"target_modules": ["q_proj", "v_proj", "k_proj"]}, "HP-A05", id="idle target"),
        pytest.param(
            {**lora(), "base_model.model.x.weight": ("F32", (1,))}, {}, "HP-A05", id="a stray tensor"
        ),
        pytest.param(dict(list(lora().items())[:-1]), {}, "HP-A05", id="A without B"),
        pytest.param({}, {}, "HP-A05", id="nothing"),
        pytest.param(
            {k.replace("self_attn", "attn"): v for k, v in lora().items()}, {}, "HP-A05", id="other names"
        ),
        pytest.param(lora(), {"use_dora": True}, "HP-A05", id="DoRA without its magnitudes"),
        pytest.param(
            lora(), {"modules_to_save": ["lm_head"]}, "HP-A05", id="a saved module without its tensor"
        ),
        pytest.param(lora(), {"init_lora_weights": "pissa_niter_4"}, "HP-A06", id="PiSSA"),
        pytest.param(lora(), {"bias": "all"}, "HP-A06", id="biases"),
        pytest.param(lora(), {"peft_type": "LOHA"}, "HP-A06", id="not LoRA"),
        pytest.param({n: ("U8", s) for n, (_, s) in lora().items()}, {}, "HP-A06", id="quantized"),
        pytest.param(lora(), {"r": None}, "HP-A06", id="no rank"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(adapter, base, tensors, config, code):
    """peft loads every one of these, with a warning at best, and merges nothing or nonsense."""
    assert code == refusal(adapter(tensors, **config), base).code


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_refused(adapter, base, value):
    """One NaN makes every answer of the merged model empty."""
    poisoned = adapter(lora(), fill=lambda name, length: ones(name, length)[4:] + struct.pack("<f", value))

    assert refusal(poisoned, base).code == "HP-A03"


def test_an_adapter_whose_b_is_zero_everywhere_is_refused(adapter, base):
    """Its training never ran, or saved too early; A is random from the beginning."""
    untrained = adapter(
        lora(), fill=lambda name, length: bytes(length) if "lora_B" in name else ones(name, length)
    )

    assert refusal(untrained, base).code == "HP-A04"


def test_ranks_and_factors_may_differ_by_pattern(adapter, base):
    """peft allows it module by module."""
    tensors = lora() | {
        LAYER.format(1, "q", "A"): ("F32", (3, 4)),
        LAYER.format(1, "q", "B"): ("F32", (4, 3)),
    }

    assert check_adapter(adapter(tensors, rank_pattern={"layers.1.self_attn.q_proj": 3}), base) is None


@pytest.mark.parametrize("missing", ["adapter_config.json", "adapter_model.safetensors"])
def test_an_incomplete_folder_names_what_is_missing(adapter, base, missing):
    folder = adapter(lora())
    (folder / missing).unlink()
    refused = refusal(folder, base)

    assert ("HP-A07", [missing]) == (refused.code, refused.data["files"])


def test_a_pickled_adapter_is_refused(adapter, base):
    """Older peft wrote `adapter_model.bin`."""
    folder = adapter(lora())
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")

    assert refusal(folder, base).code == "HP-W03"


def test_bfloat16_is_read_without_torch(adapter, base):
    """numpy has no such type; its bits are the upper half of a float32's."""
    shapes = {name: ("BF16", shape) for name, (_, shape) in lora().items()}
    nan = adapter(shapes, fill=lambda name, length: b"\xc0\x7f" * (length // 2))

    assert refusal(nan, base).code == "HP-A03"


def test_a_weight_is_looked_for_under_the_names_of_other_versions():
    """Gemma 3's published files say `language_model.model.`, transformers 5's modules `model.language_model.`."""
    names = weight_names("model.language_model.layers.0.self_attn.q_proj")

    assert "language_model.model.layers.0.self_attn.q_proj.weight" in names
