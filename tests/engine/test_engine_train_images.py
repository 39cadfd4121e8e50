"""Image-text training: the pictures must reach the model, the answers alone be learnt, and faults be told before."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest

from publisher.engine.jobs import JobResult, Train
from publisher.errors import HubpubError

pytestmark = pytest.mark.models
pytest.importorskip("torch")

from parquet_rows import write_rows  # noqa: E402

from publisher.engine import train  # noqa: E402
from publisher.engine.chat import IGNORED  # noqa: E402
from publisher.engine.example import batch  # noqa: E402
from publisher.engine.pictures import tensors_of  # noqa: E402
from publisher.engine.reader import Reader, load_reader  # noqa: E402
from publisher.engine.rows import Row, Turn, asked, read_rows  # noqa: E402

COLOURS = ("red", "blue", "green", "white")


def quiet(event: object) -> None:
    """No one listens."""


def png(colour: str, size: tuple[int, int] = (60, 40)) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def shown(*colours: str) -> list[dict[str, Any]]:
    """Pictures as `datasets` stores them."""
    return [{"bytes": png(colour), "path": f"{colour}.png"} for colour in colours]


@pytest.fixture(scope="module")
def reader(gemma: Path) -> Reader:
    return load_reader(gemma)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of two pictures each; the answer is the first one's colour, so without pictures it is a guess."""
    folder = tmp_path_factory.mktemp("pictures")
    rows = [
        {"prompt": "Which colour?", "completion": colour, "images": shown(colour, "gray")}
        for colour in COLOURS
    ]
    write_rows(rows, folder / "train-00000-of-00001.parquet")
    write_rows(rows, folder / "validation-00000-of-00001.parquet")
    return folder


@pytest.fixture
def job(gemma: Path, pictures: Path, tmp_path: Path) -> Train:
    return Train(
        base=str(gemma),
        data=str(pictures),
        out=str(tmp_path / "run"),
        method="lora",
        r=4,
        alpha=8,
        dropout=0.1,
        target_modules=("q_proj", "k_proj", "v_proj", "o_proj"),
        learning_rate=1e-2,
        schedule="constant",
        warmup_ratio=0.0,
        batch_size=2,
        gradient_accumulation=1,
        max_grad_norm=1.0,
        steps=4,
        max_length=128,
        seed=3,
    )


def facts(result: JobResult) -> dict[str, Any]:
    return {fact.id: fact.value for fact in result.measured}


def layers(folder: Path) -> int:
    """Of the language model."""
    return int(json.loads((folder / "config.json").read_text())["text_config"]["num_hidden_layers"])


def losses(result: JobResult) -> list[float]:
    return [row["loss"] for row in facts(result)["train.log"]]


def test_an_example_is_what_the_processor_makes_of_the_whole_conversation(reader: Reader) -> None:
    """Cut into prompt and answer, the tokens and pixels must be those that users' own code would send."""
    import torch

    row = Row.of("Which colour?", "red", (png("red"), png("gray")))
    example = reader.encode(row)
    content = [{"type": "image"}, {"type": "image"}, {"type": "text", "text": "Which colour?"}]
    text = reader.processor.apply_chat_template(
        [{"role": "user", "content": content}, {"role": "assistant", "content": "red"}], tokenize=False
    )
    from PIL import Image

    images = [Image.open(io.BytesIO(file)) for file in row.images]
    made = reader.processor(text=text.rstrip(), images=images, add_special_tokens=False, return_tensors="pt")

    assert made["input_ids"][0].tolist() == example.input_ids
    assert made["token_type_ids"][0].tolist() == example.types["token_type_ids"]
    assert example.pictures is not None
    assert torch.equal(made["pixel_values"], tensors_of([example.pictures])["pixel_values"])


def test_pictures_and_prompts_are_never_learnt(reader: Reader) -> None:
    example = reader.encode(Row.of("Which colour?", "red", (png("red"),)))
    taught = [label for label in example.labels if label != IGNORED]

    assert "red<end_of_turn>" == reader.tokenizer.decode(taught)
    assert reader.tokenizer.image_token_id not in taught


def test_every_answer_of_a_conversation_is_learnt_and_each_picture_stands_where_it_was_shown(
    reader: Reader,
) -> None:
    turns = (
        Turn("user", ("First: ", None)),
        Turn("assistant", ("red",)),
        Turn("user", ("and ", None, " now?")),
        Turn("assistant", ("blue",)),
    )
    example = reader.encode(Row(turns, (png("red"), png("blue"))))
    taught = [
        token for token, label in zip(example.input_ids, example.labels, strict=True) if label != IGNORED
    ]
    whole = reader.tokenizer.decode(example.input_ids)

    assert "red<end_of_turn>blue<end_of_turn>" == reader.tokenizer.decode(taught)
    assert whole.index("First") < whole.index("<start_of_image>") < whole.index("red<end")
    assert whole.index("and") < whole.rindex("<start_of_image>") < whole.index("now?")


def test_a_prompt_is_asked_as_it_was_trained(reader: Reader) -> None:
    row = Row.of("Which colour?", "red", (png("red"),))
    question = reader.ask("Which colour?", row.images)

    assert question.input_ids == reader.encode(row).input_ids[: len(question.input_ids)]


def test_rows_with_and_without_pictures_stand_side_by_side(reader: Reader, gemma: Path) -> None:
    """Padding, token types and pixels of a mixed batch give each row the loss that it has alone."""
    import torch

    from publisher.engine.load import load_model
    from publisher.engine.loss import summed_loss

    model = load_model(gemma, dtype="float32")
    rows = [
        Row.of("Which colour?", "red", (png("red"), png("gray"))),
        Row.of("What is two and three?", "five"),
        Row.of("And this?", "white", (png("white"),)),
    ]
    examples = [reader.encode(row) for row in rows]
    with torch.inference_mode():
        together = float(summed_loss(model, *batch(examples, reader.padding, model)))
        alone = sum(float(summed_loss(model, *batch([each], reader.padding, model))) for each in examples)
        blind = dataclasses.replace(
            examples[0],
            pictures=reader.encode(Row.of("Which colour?", "red", (png("blue"), png("gray")))).pictures,
        )
        other = float(summed_loss(model, *batch([blind], reader.padding, model)))
        own = float(summed_loss(model, *batch([examples[0]], reader.padding, model)))

    assert together == pytest.approx(alone, rel=1e-4)
    assert abs(own - other) > 1e-4  # the model does look at the pictures


def test_a_killed_image_training_goes_on_and_gives_the_same_losses(job: Train, tmp_path: Path) -> None:
    """QLoRA, dropout, pictures and held-out losses in between: none of it may leave a trace of the kill."""
    job = dataclasses.replace(
        job, method="qlora", batch_size=1, steps=2, save_every=1, eval_every=1, eval_rows=2
    )
    undisturbed = train.run(dataclasses.replace(job, out=str(tmp_path / "undisturbed")), quiet)

    class Killed(Exception):
        """The process dies, as far as the loop can tell."""

    def die(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == 2:
            raise Killed

    with pytest.raises(Killed):
        train.run(job, die)
    resumed = train.run(job, quiet)

    assert 1 == resumed.details["resumed_from_step"]
    assert losses(undisturbed) == losses(resumed)
    for fact in ("train.eval_log", "train.best_step", "train.best_loss", "train.images_seen"):
        assert facts(undisturbed)[fact] == facts(resumed)[fact]
    assert ([1, 2], 4) == (
        [row["step"] for row in facts(resumed)["train.eval_log"]],
        facts(resumed)["train.images_seen"],
    )
    first, second = (
        (tmp_path / name / "adapter" / "adapter_model.safetensors").read_bytes()
        for name in ("undisturbed", "run")
    )
    assert first == second


def test_without_a_vision_tower_only_the_language_model_is_adapted(job: Train, gemma: Path) -> None:
    """The obvious names hit q, k and v of the vision tower as well; both counts are said."""
    from publisher.weights.adapter import check_adapter

    measured = facts(train.run(dataclasses.replace(job, steps=1), quiet))

    assert (False, 4 * layers(gemma)) == (measured["train.lora.vision_tower"], measured["adapter.modules"])
    assert 2 * 3 * 4 * (64 + 64) == measured["train.lora.vision_parameters"]
    assert measured["train.trainable_parameters"] == measured["adapter.parameters"]
    assert check_adapter(Path(job.out) / "adapter", gemma) is None


def test_a_layer_that_is_missing_from_such_an_adapter_is_missed(job: Train, gemma: Path) -> None:
    """A pattern says which layers there must be as well as a list of names does."""
    from publisher.weights.adapter import check_adapter

    train.run(dataclasses.replace(job, steps=1), quiet)
    drop_layer(Path(job.out) / "adapter", layer=1)
    with pytest.raises(HubpubError) as caught:
        check_adapter(Path(job.out) / "adapter", gemma)

    assert "HP-A05" == caught.value.code


def test_with_the_vision_tower_its_layers_are_adapted_merged_and_found_again(
    job: Train, gemma: Path, tmp_path: Path
) -> None:
    """The pattern in adapter_config.json must mean to peft, to the check and to the merge what was trained."""
    from publisher.engine import compare, merge
    from publisher.engine.jobs import Compare, Merge, SmokePrompt

    picture = tmp_path / "red.png"
    picture.write_bytes(png("red"))
    trained = facts(train.run(dataclasses.replace(job, steps=2, vision_tower=True), quiet))
    adapter, merged = str(Path(job.out) / "adapter"), str(tmp_path / "merged")
    merge.run(Merge(str(gemma), adapter, merged), quiet)
    result = compare.run(
        Compare(str(gemma), adapter, merged, (SmokePrompt("Which?", images=(str(picture),)),)), quiet
    )

    assert 4 * layers(gemma) + 2 * 3 == trained["adapter.modules"]
    text_only = trained["train.trainable_parameters"] - trained["train.lora.vision_parameters"]
    assert (True, 4 * layers(gemma) * (2 * (64 + 128) + 2 * (64 + 64))) == (
        trained["train.lora.vision_tower"],
        text_only,
    )
    assert facts(result)["validate.merged.same_greedy_text"]


def test_a_probe_shows_a_prompt_s_pictures_and_keeps_what_was_asked(gemma: Path, tmp_path: Path) -> None:
    """Another picture under the same words is another question to the next version."""
    from publisher.engine import probe
    from publisher.engine.jobs import Probe, SmokePrompt

    picture = tmp_path / "a.png"
    asked = []
    for colour in ("red", "blue"):
        picture.write_bytes(png(colour))
        smoke = (SmokePrompt("Which colour?", max_new_tokens=4, images=(str(picture), str(picture))),)
        found = facts(probe.run(Probe("merged", str(gemma), smoke=smoke, in_4bit=False), quiet))
        asked.append(found["validate.merged.answers"][0]["asked"])

    assert (True, 1) == (found["validate.merged.finite"], found["validate.merged.smoke_passed"])
    assert asked[0] != asked[1]


def test_a_picture_that_is_gone_is_told_before_the_model_is_loaded(gemma: Path, tmp_path: Path) -> None:
    from publisher.engine import probe
    from publisher.engine.jobs import Probe, SmokePrompt

    smoke = (SmokePrompt("Which colour?", images=(str(tmp_path / "gone.png"),)),)
    with pytest.raises(HubpubError) as caught:
        probe.run(Probe("merged", str(gemma), smoke=smoke), quiet)

    assert "HP-M06" == caught.value.code


def drop_layer(adapter: Path, layer: int) -> None:
    """A half-saved adapter: one layer's matrices are not there."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(adapter / "adapter_model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if f".layers.{layer}." not in name}
    save_file(kept, adapter / "adapter_model.safetensors", metadata={"format": "pt"})


def refused(reader: Reader, row: Row) -> HubpubError:
    with pytest.raises(HubpubError) as caught:
        reader.encode(row)
    return caught.value


def test_pictures_for_a_model_of_text_are_refused(tiny_base: Path) -> None:
    error = refused(load_reader(tiny_base), Row.of("What?", "red", (png("red"),)))

    assert ("HP-D02", True) == (error.code, "text only" in error.what)


def test_a_chat_template_without_a_place_for_pictures_is_refused(gemma: Path) -> None:
    """It would render, and the model would be trained blind."""
    reader = load_reader(gemma)
    reader.processor.chat_template = reader.processor.chat_template.replace("<start_of_image>", "")

    assert "HP-B05" == refused(reader, Row.of("What?", "red", (png("red"),))).code


def test_words_that_stand_for_a_picture_are_refused(reader: Reader) -> None:
    """They would take another picture's place, or leave the model with a place and no picture."""
    assert "HP-D02" == refused(reader, Row.of("What is <start_of_image>?", "red", (png("red"),))).code


def test_half_a_picture_is_refused(reader: Reader) -> None:
    assert "HP-D02" == refused(reader, Row.of("What?", "red", (png("red")[:40],))).code


def test_a_picture_that_cannot_be_read_is_told_with_its_row_before_the_model_is_loaded(
    job: Train, tmp_path: Path
) -> None:
    rows = [
        {"prompt": "?", "completion": "red", "images": images}
        for images in (shown("red"), [{"bytes": b"no", "path": None}])
    ]
    write_rows(rows, tmp_path / "data" / "train-00000-of-00001.parquet")
    events: list[Any] = []
    with pytest.raises(HubpubError) as caught:
        train.run(dataclasses.replace(job, data=str(tmp_path / "data")), events.append)

    assert ("HP-D02", 2, []) == (caught.value.code, caught.value.data["row"], events)


def said(role: str, *parts: str | None) -> dict[str, Any]:
    """A turn as a list of parts, None for a picture."""
    return {
        "role": role,
        "content": [
            {"type": "image", "text": None} if part is None else {"type": "text", "text": part}
            for part in parts
        ],
    }


def test_messages_are_read_as_text_or_as_parts(tmp_path: Path) -> None:
    plain = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": "red"},
    ]
    write_rows([{"messages": plain, "images": shown("red")}], tmp_path / "a" / "train-00000-of-00001.parquet")
    parts = [said("user", "this ", None), said("assistant", "red")]
    write_rows([{"messages": parts, "images": shown("red")}], tmp_path / "b" / "train-00000-of-00001.parquet")
    first, second = (read_rows(tmp_path / name, "train")[0] for name in ("a", "b"))

    answer = Turn("assistant", ("red",))
    assert (Turn("system", ("Be brief.",)), asked("?", 1), answer) == first.turns
    assert (Turn("user", ("this ", None)), answer) == second.turns
    assert (png("red"),) == first.images == second.images


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"prompt": "?", "completion": None}, "empty"),
        ({"prompt": "?", "completion": "red", "images": [{"bytes": None, "path": "/home/me/a.png"}]}, "no bytes"),
        ({"messages": [said("user", "?", None), said("assistant", "red")], "images": shown("red", "blue")}, "shows 1 pictures"),
        ({"messages": [said("user", "?"), said("user", "?"), said("assistant", "red")]}, "take turns"),
        ({"messages": [said("user", "?")]}, "last turn"),
        ({"messages": [said("user", "?"), said("assistant", "red", None)], "images": shown("red")}, "words"),
        ({"messages": [said("tool", "?"), said("assistant", "red")]}, "role 'tool'"),
        ({"messages": [said("user", None), said("assistant", "red")], "images": shown("red")}, "no words"),
    ],
)  # fmt: skip
def test_what_is_no_conversation_is_told_with_its_row(tmp_path: Path, row: dict[str, Any], told: str) -> None:
    good = {key: value if key != "completion" else "red" for key, value in row.items()}
    if "messages" in row:
        good = {"messages": [said("user", "?"), said("assistant", "red")]}
    elif "images" in row:
        good["images"] = shown("red")
    write_rows([good, row], tmp_path / "train-00000-of-00001.parquet")
    with pytest.raises(HubpubError) as caught:
        read_rows(tmp_path, "train")

    assert ("HP-D02", 2) == (caught.value.code, caught.value.data["row"])
    assert told in caught.value.what
