from __future__ import annotations

import json

import pytest

from publisher.engine.jobs import Quantize
from publisher.errors import HubpubError

pytestmark = pytest.mark.models
pytest.importorskip("bitsandbytes")

from publisher.engine import quantize  # noqa: E402


def quiet(event):
    """No one listens."""


@pytest.fixture(scope="module")
def nf4(tiny_base, tmp_path_factory):
    """The quantized tiny base, and what was measured."""
    out = tmp_path_factory.mktemp("nf4") / "out"
    result = quantize.run(Quantize(str(tiny_base), str(out)), quiet)
    return out, {fact.id: fact.value for fact in result.measured}


def logits(model):
    import torch

    with torch.no_grad():
        return model(torch.tensor([[1, 5, 9, 13]])).logits


def test_the_checkpoint_holds_the_very_weights_that_were_quantized(nf4, tiny_base):
    """Saved after a forward, the scales have been through bfloat16 and the logits differ by more than one."""
    import torch

    from publisher.engine.load import load_model
    from publisher.engine.nf4 import load_nf4

    fresh = load_nf4(tiny_base, double_quant=True, compute_dtype="bfloat16").eval()

    assert torch.equal(logits(fresh), logits(load_model(nf4[0], dtype="bfloat16")))


def test_in_float32_it_computes_what_its_unpacked_weights_do(nf4, tiny_base):
    """A checkpoint that says bfloat16, on a processor that would emulate it: nothing is left that computes in that."""
    import torch
    from bitsandbytes.functional import dequantize_4bit

    from publisher.engine.arithmetic import computed_in
    from publisher.engine.load import load_model

    packed, unpacked = load_model(nf4[0], dtype="float32"), load_model(tiny_base, dtype="float32")
    for name, layer in packed.named_modules():
        if (state := getattr(getattr(layer, "weight", None), "quant_state", None)) is not None:
            state.dtype = torch.float32
            unpacked.get_submodule(name).weight.data = dequantize_4bit(layer.weight.data, state)

    assert computed_in(packed) == "float32"
    assert torch.allclose(logits(packed), logits(unpacked), atol=1e-4)


def test_unless_told_it_computes_in_what_is_quick_here(nf4):
    from publisher.engine.arithmetic import computed_in, quick_dtype
    from publisher.engine.load import load_model

    assert computed_in(load_model(nf4[0])) == quick_dtype("bfloat16", "cpu")


@pytest.mark.parametrize("double_quant", [True, False])
@pytest.mark.parametrize("model", ["tiny_base", "tiny_gemma"])
def test_the_file_is_transformers_own_to_the_last_byte(model, double_quant, request, tmp_path):
    """Written piece by piece, without the model in memory; header, order and padding included."""
    from publisher.engine.nf4 import load_nf4

    source = request.getfixturevalue(model)
    load_nf4(source, double_quant=double_quant, compute_dtype="bfloat16").save_pretrained(tmp_path / "theirs")
    quantize.run(Quantize(str(source), str(tmp_path / "ours"), double_quant=double_quant), quiet)
    ours, theirs = (tmp_path / name / "model.safetensors" for name in ("ours", "theirs"))

    assert theirs.read_bytes() == ours.read_bytes()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_the_kernel_gives_the_bits_that_bitsandbytes_gives(dtype):
    """Zero blocks, huge and tiny values, and every type that weights come in."""
    import torch
    from bitsandbytes import functional

    from publisher.engine.nf4_tensor import quantize_flat

    torch.manual_seed(3)
    weights = torch.randn(64 * 300) * torch.logspace(-4, 4, 64 * 300)
    weights[:64] = 0
    weights = weights.to(getattr(torch, dtype))
    codes, absmax, finite = quantize_flat(weights)
    theirs, state = functional.quantize_4bit(weights, quant_type="nf4")

    assert finite
    assert torch.equal(theirs.reshape(-1), codes)
    assert torch.equal(state.absmax, absmax)


def test_a_weight_that_is_not_finite_is_refused_by_name(tiny_base, tmp_path):
    """bitsandbytes quantizes NaN to some code or other, and nobody ever hears of it."""
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    broken = shutil.copytree(tiny_base, tmp_path / "broken")
    tensors = load_file(broken / "model.safetensors")
    tensors["model.layers.1.mlp.up_proj.weight"][3, 5] = torch.nan
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(HubpubError) as caught:
        quantize.run(Quantize(str(broken), str(tmp_path / "out")), quiet)

    assert ("HP-E05", "model.layers.1.mlp.up_proj.weight") == (caught.value.code, caught.value.data["tensor"])
    assert not (tmp_path / "out").exists()


def test_plain_from_pretrained_loads_it_in_4_bit(nf4):
    """The user of a pre-quantized repo passes no configuration."""
    import bitsandbytes
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(nf4[0])
    quantized = [layer for layer in model.modules() if isinstance(layer, bitsandbytes.nn.Linear4bit)]

    assert 14 == len(quantized) == nf4[1]["nf4.quantized_layers"]


def test_the_facts_are_those_of_the_model(nf4, tiny_base):
    """Parameters are the model's, not the number of its packed bytes."""
    from publisher.weights.describe import count_parameters, read_config
    from publisher.weights.shards import read_shards

    out, measured = nf4

    expected = {
        "nf4.size_bytes": (out / "model.safetensors").stat().st_size,
        "nf4.quantized_layers": 14,
        "nf4.double_quant": True,
        "nf4.compute_dtype": "bfloat16",
        "nf4.parameters": count_parameters(read_config(tiny_base), read_shards(tiny_base)),
        "nf4.skipped_modules": ["lm_head"],
    }

    assert expected == measured


def test_tokenizer_and_template_are_the_model_s_byte_for_byte(nf4, tiny_base):
    """What was tested with the merged model must be what the quantized one is asked through."""
    out, _ = nf4
    names = [
        file.name for file in tiny_base.iterdir() if file.name not in ("config.json", "model.safetensors")
    ]

    assert [] == [name for name in names if (out / name).read_bytes() != (tiny_base / name).read_bytes()]
    assert {*names, "config.json", "model.safetensors"} == {file.name for file in out.iterdir()}
    assert {0o644} == {file.stat().st_mode & 0o777 for file in out.iterdir()}


def test_the_configuration_is_the_model_s_with_the_quantization_added(nf4, tiny_base):
    """transformers 4 reads `torch_dtype` and `rope_theta`; without them it answers nonsense."""
    ours = json.loads((nf4[0] / "config.json").read_text())
    quantization = ours.pop("quantization_config")

    assert json.loads((tiny_base / "config.json").read_text()) == ours
    assert ("nf4", True, "bfloat16") == tuple(
        quantization[f"bnb_4bit_{key}"] for key in ("quant_type", "use_double_quant", "compute_dtype")
    )


def test_without_double_quantization_the_scales_stay_floats(tiny_base, tmp_path):
    """The setting reaches the file."""
    quantize.run(Quantize(str(tiny_base), str(tmp_path / "out"), double_quant=False), quiet)
    config = json.loads((tmp_path / "out" / "config.json").read_text())["quantization_config"]

    assert config["bnb_4bit_use_double_quant"] is False


def test_a_quantized_model_is_not_quantized_again(nf4, tmp_path):
    """The base of an NF4 artifact is full precision, always."""
    with pytest.raises(HubpubError) as caught:
        quantize.run(Quantize(str(nf4[0]), str(tmp_path / "out")), quiet)

    assert caught.value.code == "HP-M10"


def test_a_model_with_a_hole_is_refused(tiny_base, tmp_path):
    """transformers fills it with random numbers and quantizes those."""
    import shutil

    from safetensors.torch import load_file, save_file

    broken = shutil.copytree(tiny_base, tmp_path / "broken")
    tensors = load_file(broken / "model.safetensors")
    del tensors["model.norm.weight"]
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(HubpubError) as caught:
        quantize.run(Quantize(str(broken), str(tmp_path / "out")), quiet)

    assert ("HP-E03", ["model.norm.weight"]) == (caught.value.code, caught.value.data["missing"])
    assert not (tmp_path / "out").exists()
