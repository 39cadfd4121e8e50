"""A stand-in is loaded, asked and cut up as the real one would be, or the rehearsal would show nothing."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from publisher.engine import stand_in
from publisher.engine.jobs import JobResult, MakeStandIn, Snippet
from publisher.engine.snippets import run_snippet
from publisher.errors import HubpubError
from publisher.records.stand_in import MARK
from publisher.weights.stand_in import is_marked

pytestmark = pytest.mark.models

USAGE = Path(__file__).resolve().parents[2] / "model_cards/gemma-aerial-12b/usage.md"


def make(folder: Path, model_type: str) -> JobResult:
    return stand_in.run(MakeStandIn(str(folder), model_type), lambda event: None)


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, JobResult]:
    """A stand-in for Gemma 3, and what was measured of it."""
    folder = tmp_path_factory.mktemp("stand-in") / "gemma"
    return folder, make(folder, "gemma3")


def test_it_is_small_says_what_it_is_and_is_measured_as_any_base(gemma: tuple[Path, JobResult]) -> None:
    """The card of the rehearsal has the sections that the real one will have."""
    folder, result = gemma
    told = {m.id: m.value for m in result.measured}

    assert 5e6 > sum(file.stat().st_size for file in folder.iterdir())
    assert is_marked(folder / "config.json")
    assert is_marked(folder / "model.safetensors")
    assert ("Gemma3ForConditionalGeneration", "gemma3", "bfloat16", True) == tuple(
        told[f"base.{fact}"] for fact in ("architecture", "model_type", "dtype", "chat_template")
    )


def test_the_same_job_gives_the_same_bytes(gemma: tuple[Path, JobResult], tmp_path: Path) -> None:
    """Else no second run of a rehearsal could say that nothing changed."""
    make(tmp_path / "again", "gemma3")

    assert digests(gemma[0]) == digests(tmp_path / "again")


def test_it_sees_two_pictures_in_few_tokens_and_they_count(gemma: tuple[Path, JobResult]) -> None:
    """Loaded by the classes that a card names, with layers of both kinds of attention."""
    import torch
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model, info = AutoModelForImageTextToText.from_pretrained(gemma[0], output_loading_info=True)
    processor = AutoProcessor.from_pretrained(gemma[0])

    def inputs(*colours: str) -> Any:
        pictures = [{"type": "image", "image": Image.new("RGB", (96, 96), colour)} for colour in colours]
        content = [*pictures, {"type": "text", "text": "Describe the ship."}]
        return processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )

    red, blue = inputs("red", "red"), inputs("blue", "red")
    with torch.no_grad():
        change = (model(**red).logits - model(**blue).logits).abs().max()

    assert [] == [key for keys in info.values() for key in keys]
    assert getattr(model.config, MARK) is True
    assert {"sliding_attention", "full_attention"} == set(model.config.text_config.layer_types)
    assert (2, 8) == (red["pixel_values"].shape[0], int(red["token_type_ids"].sum()))
    assert change > 0.1


@pytest.mark.parametrize("model_type", ["llama", "qwen3", "gemma3_text"])
def test_a_model_of_text_is_made_by_its_type_alone(tmp_path: Path, model_type: str) -> None:
    """Its words come back as they went in, and turns end where generation stops."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    make(tmp_path / "made", model_type)
    model, info = AutoModelForCausalLM.from_pretrained(tmp_path / "made", output_loading_info=True)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "made")
    said = "The red ship, “größer” than 漢."
    turn = tokenizer.apply_chat_template([{"role": "user", "content": said}], tokenize=False)

    assert (model_type, []) == (model.config.model_type, [key for keys in info.values() for key in keys])
    assert said == tokenizer.decode(tokenizer(said)["input_ids"])
    assert tokenizer(turn.rstrip())["input_ids"][-1] in model.generation_config.eos_token_id


def test_a_type_that_is_no_language_model_is_refused(tmp_path: Path) -> None:
    """Rather than rehearsed with another architecture."""
    with pytest.raises(HubpubError) as caught:
        make(tmp_path / "made", "no_such_model")

    assert "HP-M10" == caught.value.code


def test_the_cards_code_from_phrase_to_mask_runs_on_stand_ins_of_its_segmenters(tmp_path: Path) -> None:
    """The classes are transformers' own, so the calls are what the real ones take."""
    make(tmp_path / "sam", "sam")
    make(tmp_path / "clipseg", "clipseg")
    found = re.search(r"```python\n(.*?)```", USAGE.read_text(), re.DOTALL)
    assert found is not None
    code = found[1]
    for repo, name in (("facebook/sam-vit-base", "sam"), ("CIDAS/clipseg-rd64-refined", "clipseg")):
        assert f'"{repo}"' in code
        code = code.replace(repo, str(tmp_path / name))

    outcome = run_snippet(Snippet("usage.md", code))

    assert outcome.error is None
    assert re.search(r"\d+ of 230400 pixels", outcome.output)
