"""What a probe lets through is what users get: it must load, speak, and speak as the manifest expects."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from quantized_folders import write_fp8

from publisher.engine import memory, probe
from publisher.engine.jobs import Expectation, JobResult, Probe, SmokePrompt, Snippet
from publisher.errors import HubpubError
from publisher.records.answers import kept_answer

pytestmark = pytest.mark.models

RUNS = (SmokePrompt("1+2=?", Expectation(min_tokens=1), max_new_tokens=6),)


def run(job: Probe) -> JobResult:
    return probe.run(job, lambda event: None)


def values(result: JobResult, kind: str) -> dict[str, Any]:
    return {m.id.removeprefix(f"validate.{kind}."): m.value for m in result.measured}


def edit_tensors(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})


@pytest.fixture(scope="module")
def tiny_gemma(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Gemma 3 with its vision tower, as a stand-in for the gated one has it."""
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    folder = tmp_path_factory.mktemp("tiny-gemma")
    torch.manual_seed(0)
    text = {
        "vocab_size": 320, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32, "sliding_window": 32,
        "max_position_embeddings": 256, "eos_token_id": 2, "pad_token_id": 0,
    }  # fmt: skip
    vision = {
        "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 28, "patch_size": 14,
    }  # fmt: skip
    config = Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=4, image_token_index=310
    )
    Gemma3ForConditionalGeneration(config).to(torch.bfloat16).save_pretrained(folder)
    for file in tiny_base.glob("*token*"):
        shutil.copyfile(file, folder / file.name)
    shutil.copyfile(tiny_base / "chat_template.jinja", folder / "chat_template.jinja")
    return folder


def test_a_base_is_loaded_asked_loaded_in_4_bits_and_its_code_is_run(tiny_base: Path) -> None:
    """One child does it all, since importing torch costs more than the rest."""
    code = f"from transformers import AutoTokenizer\nprint(len(AutoTokenizer.from_pretrained({str(tiny_base)!r})))"
    events: list[dict[str, Any]] = []
    job = Probe("base", str(tiny_base), smoke=RUNS, snippets=(Snippet("README.md:3", code),))
    result = probe.run(job, events.append)
    found = values(result, "base")

    assert {
        "loads_clean": True,
        "finite": True,
        "smoke_passed": 1,
        "smoke_total": 1,
        "loads_in_4bit": True,
    }.items() <= found.items()
    assert found["load_seconds"] > 0
    assert found["peak_rss_bytes"] > 100e6
    assert ["load", "smoke", "load in 4 bits", "snippets"] == [event["step"] for event in events]
    assert "1+2=?" == result.details["answers"][0]["prompt"]
    assert result.details["snippets"][0]["output"].strip().isdigit()


def test_without_being_asked_for_4_bits_nothing_is_said_of_them(tiny_merged: Path) -> None:
    """A fact that was not measured must not exist."""
    result = run(Probe("merged", str(tiny_merged), in_4bit=False))

    assert "loads_in_4bit" not in values(result, "merged")


def test_an_adapter_is_put_on_its_base_and_must_change_what_it_says(
    tiny_base: Path, tiny_adapter: Path
) -> None:
    """The tokenizer is the base's, where the adapter brings none."""
    found = values(run(Probe("adapter", str(tiny_adapter), base=str(tiny_base), smoke=RUNS)), "adapter")

    assert (True, True) == (found["changes_output"], found["loads_in_4bit"])
    assert found["max_logit_change"] > 0.1


def test_an_adapter_that_changes_nothing_is_refused(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    """Untrained, it would be published as a fine-tune of itself."""
    adapter = Path(shutil.copytree(tiny_adapter, tmp_path / "adapter"))
    edit_tensors(
        adapter / "adapter_model.safetensors", lambda t: [v.zero_() for k, v in t.items() if "lora_B" in k]
    )
    with pytest.raises(HubpubError) as caught:
        run(Probe("adapter", str(adapter), base=str(tiny_base), smoke=RUNS))

    assert "HP-E10" == caught.value.code


def test_an_adapter_without_a_base_cannot_be_proven(tiny_adapter: Path) -> None:
    """Guessing the base from its configuration would reach for the network."""
    with pytest.raises(HubpubError) as caught:
        run(Probe("adapter", str(tiny_adapter)))

    assert "HP-A07" == caught.value.code


def test_an_nf4_checkpoint_loads_as_it_is(tiny_base: Path, tmp_path: Path) -> None:
    """Its users pass no quantization settings; the folder alone must do."""
    from publisher.engine.load import load_model

    folder = tmp_path / "nf4"
    load_model(tiny_base, in_4bit=True).save_pretrained(folder)
    for file in tiny_base.iterdir():
        if file.suffix != ".safetensors" and file.name != "config.json":
            shutil.copyfile(file, folder / file.name)

    assert values(run(Probe("nf4", str(folder), smoke=RUNS)), "nf4")["loads_in_4bit"]


def test_an_nf4_artifact_in_full_precision_is_refused(tiny_base: Path) -> None:
    """It would be four times the size that its card says."""
    with pytest.raises(HubpubError, match="not quantized") as caught:
        run(Probe("nf4", str(tiny_base)))

    assert "HP-E03" == caught.value.code


def test_weights_that_are_not_finite_are_refused(tiny_base: Path, tmp_path: Path) -> None:
    """transformers generates from NaN without a word: token 0, again and again."""
    folder = Path(shutil.copytree(tiny_base, tmp_path / "nan"))
    edit_tensors(folder / "model.safetensors", lambda t: t["model.norm.weight"].fill_(float("nan")))
    with pytest.raises(HubpubError) as caught:
        run(Probe("base", str(folder)))

    assert "HP-E05" == caught.value.code


def test_all_prompts_are_judged_and_every_miss_is_told_with_the_answer(tiny_base: Path) -> None:
    """Whoever reads the error sees what the model said, not only that it was wrong."""
    smoke = (
        SmokePrompt("what is it?", Expectation(contains="Paris", json=True), 6),
        *RUNS,
        SmokePrompt("and this?", Expectation(matches="^Rome$"), 6),
    )
    with pytest.raises(HubpubError, match="2 of 3 smoke prompts") as caught:
        run(Probe("base", str(tiny_base), smoke=smoke))
    missed = caught.value.data["missed"]

    assert "HP-E04" == caught.value.code
    assert [("what is it?", ["contains", "json"]), ("and this?", ["matches"])] == [
        (miss["prompt"], [outcome["assertion"] for outcome in miss["misses"]]) for miss in missed
    ]
    assert all(repr(miss["prompt"]) in caught.value.what for miss in missed)
    assert 3 == len(caught.value.data["answers"])


def test_a_generation_config_that_forgets_the_end_of_the_turn_is_found_out(
    tiny_base: Path, tmp_path: Path
) -> None:
    """In the hands of users such a model talks to itself until the limit."""
    folder = Path(shutil.copytree(tiny_base, tmp_path / "endless"))
    for name in ("generation_config.json", "config.json"):
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | {"eos_token_id": None}))
    prompt = SmokePrompt("1+2=?", Expectation(stops=True), 64)

    with pytest.raises(HubpubError, match="stops True"):
        run(Probe("base", str(folder), smoke=(prompt,)))


def test_a_multimodal_stand_in_is_proven_in_structure_and_its_words_are_refused(tiny_gemma: Path) -> None:
    """A rehearsal with random weights must neither fail for its nonsense nor praise it."""
    smoke = (SmokePrompt("find the red car", Expectation(contains="car", json=True), 4),)
    result = run(Probe("merged", str(tiny_gemma), smoke=smoke, stand_in=True))
    passed = next(m for m in result.measured if m.id.endswith("smoke_passed"))

    assert ("refused", None) == (passed.status, passed.value)
    assert {"loads_clean": True, "finite": True, "smoke_total": 1}.items() <= values(result, "merged").items()


def test_a_stand_in_with_a_hole_is_still_refused(tiny_gemma: Path, tmp_path: Path) -> None:
    """Structure is what a rehearsal is for."""
    folder = Path(shutil.copytree(tiny_gemma, tmp_path / "hole"))
    edit_tensors(
        folder / "model.safetensors",
        lambda t: t.pop(next(k for k in t if "vision" in k and k.endswith("weight"))),
    )
    with pytest.raises(HubpubError) as caught:
        run(Probe("merged", str(folder), stand_in=True))

    assert "HP-E03" == caught.value.code


def test_a_dataset_is_loaded_with_every_split(tiny_data: Path) -> None:
    """`load_dataset` with no more than its name is what the card promises."""
    result = run(Probe("dataset", str(tiny_data)))

    assert (True, 16) == (values(result, "dataset")["loads_clean"], values(result, "dataset")["rows"])
    assert {"train": 12, "validation": 4} == result.details["rows"]


@pytest.mark.parametrize(
    "content",
    [b"no parquet", None, "empty"],
    ids=["broken", "nothing", "no rows"],
)
def test_a_dataset_that_does_not_load_or_is_empty_is_refused(
    tmp_path: Path, content: bytes | str | None
) -> None:
    """The Hub's viewer would show an error in the place of the data."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = tmp_path / "train-00000-of-00001.parquet"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content == "empty":
        pq.ParquetWriter(file, pa.schema([("prompt", pa.string())])).close()
    with pytest.raises(HubpubError) as caught:
        run(Probe("dataset", str(tmp_path)))

    assert ("HP-D05", str(tmp_path)) == (caught.value.code, caught.value.where)


def test_an_answer_is_kept_for_the_next_version_by_its_digest(tiny_base: Path) -> None:
    """The very text that was judged; what was expected of it is no part of the question."""
    result = run(Probe("base", str(tiny_base), smoke=RUNS, in_4bit=False))
    (said,) = result.details["answers"]
    found = values(result, "base")
    asked = {"max_new_tokens": 6, "compute_dtype": found["compute_dtype"]}

    assert [kept_answer("1+2=?", asked, said["answer"])] == found["answers"]


def test_what_others_packed_is_loaded_whole_or_not_at_all(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layer by layer its packed weights would be read for the model's own; memory that does not do says so itself."""
    monkeypatch.setattr(memory, "available_bytes", lambda: 1)
    folder = write_fp8(tiny_base, tmp_path / "fp8")
    found = values(run(Probe("fp8", str(folder), in_4bit=False, load_only=True)), "fp8")

    assert (True, "bfloat16") == (found["loads_clean"], found["compute_dtype"])
