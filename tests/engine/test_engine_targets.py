"""Which layers are trained must be what the manifest says, what the facts count, and what peft users load."""

from __future__ import annotations

import re
from typing import Any

import pytest

from publisher.errors import HubpubError
from publisher.weights.adapter import names_in

pytestmark = pytest.mark.models
pytest.importorskip("torch")

from publisher.engine.targets import Targets, count_parameters, find_targets  # noqa: E402

NAMES = ("q_proj", "k_proj", "v_proj", "o_proj")


@pytest.fixture(scope="module")
def gemma_12b() -> Any:
    """gemma-3-12b-it as its configuration has it, without any weights."""
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    config = Gemma3Config(
        text_config={
            "vocab_size": 262208,
            "hidden_size": 3840,
            "intermediate_size": 15360,
            "num_hidden_layers": 48,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "head_dim": 256,
        },
        vision_config={
            "hidden_size": 1152,
            "intermediate_size": 4304,
            "num_hidden_layers": 27,
            "num_attention_heads": 16,
            "image_size": 896,
            "patch_size": 14,
        },
    )
    with torch.device("meta"):
        return Gemma3ForConditionalGeneration(config)


@pytest.mark.parametrize(("vision_tower", "expected"), [(False, 84_934_656), (True, 96_878_592)])
def test_the_obvious_names_hit_the_vision_tower_only_when_it_is_asked_for(
    gemma_12b: Any, vision_tower: bool, expected: int
) -> None:
    """Rank 64 on q, k, v and o: 84.9 million parameters in the language model, 11.9 million in the tower."""
    targets = find_targets(gemma_12b, NAMES, vision_tower=vision_tower)

    assert expected == count_parameters(gemma_12b, targets.modules, 64)
    assert 11_943_936 == count_parameters(gemma_12b, targets.vision, 64)


@pytest.mark.parametrize("vision_tower", [False, True])
def test_peft_finds_exactly_what_was_trained(gemma_12b: Any, vision_tower: bool) -> None:
    """adapter_config.json is all that a user of the adapter has."""
    import torch
    from peft import LoraConfig, get_peft_model

    targets = find_targets(gemma_12b, NAMES, vision_tower=vision_tower)
    with torch.device("meta"):
        adapted = get_peft_model(gemma_12b, LoraConfig(r=1, target_modules=targets.setting))
    found = sorted(adapted.targeted_module_names)
    adapted.unload()

    assert sorted(targets.modules) == found


def test_the_pattern_also_fits_the_names_that_transformers_4_gives_the_layers(gemma_12b: Any) -> None:
    targets = find_targets(gemma_12b, NAMES, vision_tower=False)
    assert isinstance(targets.setting, str)

    assert re.fullmatch(targets.setting, "language_model.model.layers.0.self_attn.q_proj")
    assert tuple(sorted(NAMES)) == names_in(targets.setting)


def test_a_model_of_text_keeps_its_plain_names(tiny_base: Any) -> None:
    from publisher.engine.load import load_model

    targets: Targets = find_targets(load_model(tiny_base, place="meta"), NAMES, vision_tower=False)

    assert (sorted(NAMES), (), 8) == (targets.setting, targets.vision, len(targets.modules))


@pytest.mark.parametrize(
    ("names", "vision_tower", "code"),
    [(("q_proj", "nonesuch"), False, "HP-A05"), (("gate_proj",), True, "HP-M10")],
)
def test_what_is_nowhere_to_be_found_is_refused(
    gemma_12b: Any, names: tuple[str, ...], vision_tower: bool, code: str
) -> None:
    """peft is silent about a name that does not exist as long as another does."""
    with pytest.raises(HubpubError) as caught:
        find_targets(gemma_12b, names, vision_tower=vision_tower)

    assert code == caught.value.code


def test_a_pattern_of_others_is_not_read_for_names() -> None:
    """It may mean anything, and running it may take forever."""
    assert None is names_in(r".*language_model.*\.(q|k)_proj")
    assert None is names_in("all-linear")
