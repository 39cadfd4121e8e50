"""Image-text models besides Gemma 3: what their processors make of pictures, and what their checkpoints call weights.

Each relative is tried for what differs: LLaVA's picture is a fixed number of tokens and its weights are stored under other
names than the model has; Idefics 3 stacks each example's pictures; Qwen2.5-VL makes patches, whose number follows the size.
"""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from publisher.engine.jobs import Asked, Compare, JobResult, Merge, Probe, Quantize, SmokePrompt, Train
from publisher.errors import HubpubError

pytestmark = pytest.mark.models
pytest.importorskip("torch")

from parquet_rows import write_rows  # noqa: E402

from publisher.engine import compare, merge, probe, quantize, train  # noqa: E402
from publisher.engine.example import batch  # noqa: E402
from publisher.engine.load import load_adapter, load_model  # noqa: E402
from publisher.engine.loss import summed_loss  # noqa: E402
from publisher.engine.reader import load_reader  # noqa: E402
from publisher.engine.rows import Row  # noqa: E402
from publisher.engine.stand_in_tokenizer import Words, write_tokenizer  # noqa: E402

SIDE, PATCH = 28, 14  # pixels of a picture, and of a patch of it
LAYERS, TARGETS = 2, ("q_proj", "v_proj")
TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
    "tie_word_embeddings": False,
}
VISION: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": PATCH,
}
Ids = Mapping[str, int]


def llava(ids: Ids, tokens: dict[str, int]) -> Any:
    from transformers import LlavaConfig

    return LlavaConfig(
        text_config={"model_type": "llama", **TEXT, **tokens},
        vision_config={"model_type": "clip_vision_model", **VISION, "projection_dim": 32},
        image_token_index=ids["<image>"],
        image_seq_length=4,
        tie_word_embeddings=False,
    )


def llava_processor(tokenizer: Any) -> Any:
    from transformers import CLIPImageProcessor, LlavaProcessor

    pictures = CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    return LlavaProcessor(
        pictures,
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )


def idefics(ids: Ids, tokens: dict[str, int]) -> Any:
    from transformers import Idefics3Config

    return Idefics3Config(
        text_config={"model_type": "llama", **TEXT, **tokens},
        vision_config=VISION,
        image_token_id=ids["<image>"],
        scale_factor=2,
        tie_word_embeddings=False,
    )


def idefics_processor(tokenizer: Any) -> Any:
    from transformers import Idefics3ImageProcessor, Idefics3Processor

    pictures = Idefics3ImageProcessor(
        size={"longest_edge": SIDE}, max_image_size={"longest_edge": SIDE}, do_image_splitting=True
    )
    return Idefics3Processor(pictures, tokenizer, image_seq_len=1)


def qwen(ids: Ids, tokens: dict[str, int]) -> Any:
    from transformers import Qwen2_5_VLConfig

    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 64,
        "patch_size": PATCH,
        "window_size": 4 * PATCH,
        "fullatt_block_indexes": [1],
    }
    return Qwen2_5_VLConfig(
        text_config={
            **TEXT,
            **tokens,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]},
        },
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        video_token_id=ids["<|video_pad|>"],
        tie_word_embeddings=False,
    )


def qwen_processor(tokenizer: Any) -> Any:
    from transformers import Qwen2_5_VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor

    pictures = Qwen2VLImageProcessor(patch_size=PATCH, min_pixels=SIDE * SIDE, max_pixels=16 * SIDE * SIDE)
    return Qwen2_5_VLProcessor(pictures, tokenizer, Qwen2VLVideoProcessor(patch_size=PATCH))


@dataclass(frozen=True)
class Relative:
    """An architecture: its special tokens, how a template marks a picture, its configuration and its processor."""

    special: tuple[str, ...]
    mark: str
    config: Callable[[Ids, dict[str, int]], Any]
    processor: Callable[[Any], Any]
    needs: str = "PIL"

    @property
    def sees(self) -> bool:
        """Whether its processor can be made here."""
        return importlib.util.find_spec(self.needs) is not None


RELATIVES = {
    "llava": Relative(("<image>",), "<image>", llava, llava_processor),
    "idefics3": Relative(
        ("<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>"),
        "<image>",
        idefics,
        idefics_processor,
    ),
    "qwen2_5_vl": Relative(
        ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
        "<|vision_start|><|image_pad|><|vision_end|>",
        qwen,
        qwen_processor,
        needs="torchvision",
    ),
}
TEMPLATE = (
    "{%%- for message in messages -%%}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{%%- if message['content'] is string -%%}{{ message['content'] }}{%%- else -%%}"
    "{%%- for part in message['content'] -%%}"
    "{%%- if part['type'] == 'image' -%%}{{ '%s' }}{%%- else -%%}{{ part['text'] }}{%%- endif -%%}"
    "{%%- endfor -%%}{%%- endif -%%}{{ '<|im_end|>\n' }}{%%- endfor -%%}"
    "{%%- if add_generation_prompt -%%}{{ '<|im_start|>assistant\n' }}{%%- endif -%%}"
)


def build(folder: Path, relative: Relative) -> Path:
    """A random checkpoint in bfloat16, saved as transformers saves it, with its processor."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoTokenizer

    folder.mkdir(parents=True)
    template = TEMPLATE % relative.mark
    ids = write_tokenizer(
        folder, Words(("<|im_start|>", "<|im_end|>", *relative.special), "<|im_end|>", template)
    )
    tokens = {
        "vocab_size": len(ids),
        "pad_token_id": ids["<pad>"],
        "bos_token_id": ids["<bos>"],
        "eos_token_id": ids["<|im_end|>"],
    }
    if relative.sees:
        processor = relative.processor(AutoTokenizer.from_pretrained(folder))
        processor.chat_template = template
        processor.save_pretrained(folder)
    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_config(relative.config(ids, tokens))
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=sorted(RELATIVES))
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("relatives") / request.param, RELATIVES[request.param])


@pytest.fixture
def seeing(base: Path) -> Path:
    """The base, if its processor is there."""
    if not RELATIVES[base.name].sees:
        pytest.skip(f"{base.name} needs {RELATIVES[base.name].needs}")
    return base


@pytest.fixture
def picture(tmp_path: Path) -> str:
    file = tmp_path / "picture.png"
    file.write_bytes(png("red"))
    return str(file)


def png(colour: str, size: tuple[int, int] = (60, 40)) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def quiet(event: object) -> None:
    """No one listens."""


def facts(result: JobResult) -> dict[str, Any]:
    return {fact.id: fact.value for fact in result.measured}


def trained(base: Path, room: Path, method: Literal["lora", "qlora"]) -> JobResult:
    """Two steps over rows of two pictures and of one, of unequal sizes; of words alone where the base sees nothing."""
    shown = {"red": [png("red"), png("gray", (40, 90))], "blue": [png("blue", (30, 30))]}
    rows: list[dict[str, Any]] = [
        {"prompt": f"Which colour is {colour}?", "completion": colour} for colour in shown
    ]
    if RELATIVES[base.name].sees:
        for row in rows:
            row["images"] = [{"bytes": file, "path": None} for file in shown[row["completion"]]]
    write_rows(rows, room / "data" / "train-00000-of-00001.parquet")
    job = Train(
        base=str(base),
        data=str(room / "data"),
        out=str(room / "run"),
        method=method,
        r=4,
        alpha=8,
        dropout=0.0,
        target_modules=TARGETS,
        learning_rate=1e-2,
        schedule="constant",
        warmup_ratio=0.0,
        batch_size=2,
        gradient_accumulation=1,
        max_grad_norm=1.0,
        steps=2,
        max_length=128,
        seed=3,
    )
    return train.run(job, quiet)


@pytest.fixture(scope="module")
def lora(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    room = tmp_path_factory.mktemp("lora")
    trained(base, room, "lora")
    return room / "run" / "adapter"


@pytest.fixture(scope="module")
def merged(base: Path, lora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("merged") / "model"
    merge.run(Merge(str(base), str(lora), str(out)), quiet)
    return out


def test_each_row_of_a_mixed_batch_has_the_loss_that_it_has_alone(seeing: Path) -> None:
    """Two pictures, none, and one of another size: joined and padded as the processor itself would."""
    import torch

    model, reader = load_model(seeing, dtype="float32"), load_reader(seeing)
    rows = [
        Row.of("Which colour?", "red", (png("red"), png("gray", (40, 90)))),
        Row.of("What is two and three?", "five"),
        Row.of("And this?", "white", (png("white", (30, 30)),)),
    ]
    examples = [reader.encode(row) for row in rows]
    with torch.inference_mode():
        together = summed_loss(model, *batch(examples, reader.padding, model))
        alone = [summed_loss(model, *batch([each], reader.padding, model)) for each in examples]

    assert float(sum(alone)) == pytest.approx(float(together), rel=1e-5)


def test_the_second_picture_is_seen_as_well_as_the_first(seeing: Path) -> None:
    import torch

    model, reader = load_model(seeing, dtype="float32"), load_reader(seeing)
    losses = set()
    with torch.inference_mode():
        for shown in (("red", "gray"), ("blue", "gray"), ("red", "white")):
            example = reader.encode(Row.of("Which?", "red", tuple(png(colour) for colour in shown)))
            losses.add(float(summed_loss(model, *batch([example], reader.padding, model))))

    assert 3 == len(losses)


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_the_language_model_alone_is_trained_on_pictures(
    seeing: Path, tmp_path: Path, method: Literal["lora", "qlora"]
) -> None:
    from safetensors import safe_open

    found = facts(trained(seeing, tmp_path, method))
    with safe_open(tmp_path / "run" / "adapter" / "adapter_model.safetensors", "pt") as file:
        names = sorted(file.keys())

    assert [3, 3] == [row["images"] for row in found["train.log"]]
    assert LAYERS * len(TARGETS) * 2 == len(names)
    assert [] == [name for name in names if "vision" in name or "visual" in name]


def test_a_merge_is_pefts_to_the_last_bit(base: Path, lora: Path, merged: Path) -> None:
    import torch

    plain = load_model(base, dtype="bfloat16").state_dict()
    theirs = load_adapter(load_model(base, dtype="bfloat16"), lora).merge_and_unload().state_dict()
    ours = load_model(merged, dtype="bfloat16").state_dict()

    assert theirs.keys() == ours.keys()
    assert [] == [name for name, weight in theirs.items() if not torch.equal(weight, ours[name])]
    assert LAYERS * len(TARGETS) == sum(not torch.equal(weight, ours[name]) for name, weight in plain.items())


def test_a_merge_is_proven_with_pictures(seeing: Path, lora: Path, merged: Path, picture: str) -> None:
    prompts: tuple[Asked, ...] = (SmokePrompt("Which colour?", images=(picture, picture)),)
    found = facts(compare.run(Compare(str(seeing), str(lora), str(merged), prompts=prompts), quiet))

    assert 0.0 == found["validate.merged.unexplained_logit_difference"]


def test_four_bits_are_written_as_transformers_would_and_answer_about_pictures(
    base: Path, merged: Path, picture: str, tmp_path: Path
) -> None:
    out = tmp_path / "nf4"
    result = quantize.run(Quantize(str(merged), str(out)), quiet)
    shown = (picture, picture) if RELATIVES[base.name].sees else ()
    smoke = (SmokePrompt("Which colour?", max_new_tokens=4, images=shown),)
    found = facts(probe.run(Probe("nf4", str(out), smoke=smoke), quiet))

    theirs = load_model(merged, in_4bit=True, dtype="bfloat16").state_dict()
    ours = load_model(out, dtype="bfloat16").state_dict()
    assert (True, 1) == (found["validate.nf4.finite"], found["validate.nf4.smoke_passed"])
    assert facts(result)["nf4.quantized_layers"] == sum(name.endswith(".absmax") for name in ours)
    assert theirs.keys() == ours.keys()


@pytest.mark.skipif(RELATIVES["qwen2_5_vl"].sees, reason="torchvision is installed")
def test_a_processor_that_needs_another_package_is_refused_with_its_name(tmp_path: Path) -> None:
    """It would be told as a broken file, or the model be trained as one of text."""
    write_tokenizer(tmp_path, Words(RELATIVES["qwen2_5_vl"].special, "<eos>", TEMPLATE % "?"))
    told = {"image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2_5_VLProcessor"}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(told))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2_5_vl"}))
    with pytest.raises(HubpubError) as caught:
        load_reader(tmp_path)

    assert ("HP-E01", True) == (caught.value.code, "Torchvision" in caught.value.what)
