"""What the files of a model prove: every fault here loads and talks, so nothing else would find it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from publisher.engine import merge, static_proof
from publisher.engine.jobs import Merge, ProveFiles
from publisher.errors import HubpubError

pytestmark = pytest.mark.models

ADAPTED = "model.layers.1.self_attn.o_proj.weight"
UNTOUCHED = "model.layers.1.mlp.up_proj.weight"


def prove(job: ProveFiles) -> dict[str, Any]:
    result = static_proof.run(job, lambda event: None)
    return {m.id.removeprefix(f"validate.{job.kind}."): m.value for m in result.measured}


def refusal(job: ProveFiles) -> HubpubError:
    with pytest.raises(HubpubError) as caught:
        prove(job)
    return caught.value


@pytest.fixture(scope="module")
def job(tiny_base: Path, tiny_adapter: Path, tiny_merged: Path) -> ProveFiles:
    return ProveFiles("merged", str(tiny_merged), str(tiny_base), str(tiny_adapter))


def spoilt(job: ProveFiles, folder: Path, change: Callable[[dict[str, Any]], object]) -> ProveFiles:
    """The same job about a copy of the merged model with other tensors."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(job.folder, folder)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return replace(job, folder=str(folder))


def configured(job: ProveFiles, folder: Path, name: str, **fields: object) -> ProveFiles:
    """The same job about a copy of the merged model with other fields in a file."""
    shutil.copytree(job.folder, folder)
    content = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
    (folder / name).write_text(json.dumps(content | fields))
    return replace(job, folder=str(folder))


def test_a_true_merge_differs_in_the_adapted_tensors_alone(job: ProveFiles) -> None:
    """peft's own merge: two layers of four projections, all else the base's bytes."""
    found = prove(job)

    assert {
        "fits_config": True,
        "finite_tensors": 20,
        "tied_embeddings": True,
        "differs_from_base": 8,
        "same_as_base": 12,
        "tokens_without_row": 0,
    }.items() <= found.items()
    assert found["vocabulary"] == found["embedding_rows"]


def test_the_base_passed_off_as_merged_is_named_as_that(job: ProveFiles) -> None:
    """A save that lost the merge: the most common fault of all."""
    error = refusal(replace(job, folder=str(job.base)))

    assert "HP-E06" == error.code
    assert "all of its tensors are the base's" in error.what


def test_a_forgotten_layer_is_named(job: ProveFiles, tmp_path: Path) -> None:
    """One module of eight as it was in the base: no smoke prompt would tell."""
    from safetensors.torch import load_file

    original = load_file(Path(str(job.base)) / "model.safetensors")[ADAPTED]
    error = refusal(spoilt(job, tmp_path / "m", lambda tensors: tensors.update({ADAPTED: original})))

    assert ("HP-E06", [ADAPTED]) == (error.code, error.data["tensors"])


def test_a_tensor_that_changed_without_being_adapted_is_named(job: ProveFiles, tmp_path: Path) -> None:
    """One value in one weight, as a bit that flipped on its way leaves it."""

    def flip(tensors: dict[str, Any]) -> None:
        tensors[UNTOUCHED][0, 0] += 1

    error = refusal(spoilt(job, tmp_path / "m", flip))

    assert ("HP-E06", [UNTOUCHED]) == (error.code, error.data["tensors"])


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_single_value_that_is_not_finite_is_found_in_its_tensor(
    job: ProveFiles, tmp_path: Path, value: float
) -> None:
    """In an embedding's row that no prompt uses it stays unseen for long."""

    def put(tensors: dict[str, Any]) -> None:
        tensors["model.embed_tokens.weight"][-1, -1] = value

    error = refusal(spoilt(job, tmp_path / "m", put))

    assert ("HP-E05", ["model.embed_tokens.weight"]) == (error.code, error.data["tensors"])


def test_missing_surplus_and_misshapen_tensors_are_told_without_loading_one(
    job: ProveFiles, tmp_path: Path
) -> None:
    """transformers fills what is missing with random numbers."""

    def break_up(tensors: dict[str, Any]) -> None:
        tensors["model.layers.7.mlp.up_proj.weight"] = tensors.pop(UNTOUCHED)
        tensors[ADAPTED] = tensors[ADAPTED][:10].clone()

    error = refusal(spoilt(job, tmp_path / "m", break_up))

    assert "HP-E03" == error.code
    assert ([UNTOUCHED], ["model.layers.7.mlp.up_proj.weight"], [ADAPTED]) == tuple(
        error.data[how] for how in ("missing", "unexpected", "mismatched")
    )


def test_a_merge_in_another_type_is_not_the_bases(job: ProveFiles, tmp_path: Path) -> None:
    """float32 doubles what everyone downloads, and the numbers are not those of the base's type."""

    def widen(tensors: dict[str, Any]) -> None:
        tensors[ADAPTED] = tensors[ADAPTED].float()

    error = refusal(spoilt(job, tmp_path / "m", widen))

    assert ("HP-E06", [ADAPTED]) == (error.code, error.data["tensors"])


def test_a_tied_head_that_is_stored_and_differs_is_refused(job: ProveFiles, tmp_path: Path) -> None:
    """Which of the two the model has then depends on the version of transformers."""

    def store(tensors: dict[str, Any]) -> None:
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"] * 2

    alone = replace(job, base=None, adapter=None)
    error = refusal(spoilt(alone, tmp_path / "m", store))

    assert ("HP-E03", ["lm_head.weight"]) == (error.code, error.data["unexpected"])


def test_an_end_of_turn_without_a_row_in_the_embedding_is_refused(job: ProveFiles, tmp_path: Path) -> None:
    """Such a model never stops."""
    error = refusal(
        configured(job, tmp_path / "m", "generation_config.json", eos_token_id=[2, 99999], do_sample=False)
    )

    assert ("HP-E03", 99999) == (error.code, error.data["token"])
    assert "generation_config.json" in error.what


def test_through_four_bits_every_quantized_layer_may_differ(
    job: ProveFiles, tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    """The round trip moves all linear layers: beside eight adapted ones the six of the two feed-forward blocks."""
    merge.run(Merge(str(tiny_base), str(tiny_adapter), str(tmp_path / "m"), "nf4"), lambda event: None)
    through = replace(job, folder=str(tmp_path / "m"), merge_base="nf4")

    assert 14 == prove(through)["differs_from_base"]
    assert "HP-E06" == refusal(replace(through, merge_base="full")).code


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`")  # peft's own word of caution
def test_a_head_that_the_merge_untied_is_the_only_tensor_that_is_new(
    tiny_base: Path, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """Eight adapted tensors and the head; under any other name it would be a stray."""
    adapter = make_adapter(tiny_base, tmp_path / "a", modules_to_save=["lm_head"])
    merge.run(Merge(str(tiny_base), str(adapter), str(tmp_path / "m")), lambda event: None)
    found = prove(ProveFiles("merged", str(tmp_path / "m"), str(tiny_base), str(adapter)))

    assert (9, 12, False) == tuple(
        found[name] for name in ("differs_from_base", "same_as_base", "tied_embeddings")
    )


def test_a_multimodal_merge_is_proven_by_the_names_in_its_files(
    tiny_gemma: Path, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """Gemma 3: module, file and adapter each have a name of their own for the same tensor."""
    adapter = make_adapter(tiny_gemma, tmp_path / "a", exclude_modules=".*vision_tower.*")
    merge.run(Merge(str(tiny_gemma), str(adapter), str(tmp_path / "m")), lambda event: None)

    found = prove(ProveFiles("merged", str(tmp_path / "m"), str(tiny_gemma), str(adapter)))

    assert (28, True) == (found["differs_from_base"], found["fits_config"])


def test_a_base_is_proven_by_itself(tiny_base: Path) -> None:
    """It is compared with nothing; the rest holds for it as well."""
    found = prove(ProveFiles("base", str(tiny_base)))

    assert {"fits_config", "finite_tensors"} <= found.keys()
    assert "differs_from_base" not in found
