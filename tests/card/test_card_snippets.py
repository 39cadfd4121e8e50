"""The code blocks of the cards run as they stand, on tiny models, with repo ids replaced by folders."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import replace
from importlib.util import find_spec

import pytest

from publisher.card.readme import code_blocks
from publisher.card.render import render
from publisher.checks.run import check_folder
from publisher.records.facts import Facts

# Looked for, not imported: importing torch takes seconds, also of a run that leaves these tests out.
pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed"),
]

CHAT = "{% for m in messages %}<{{ m.role }}> {{ m.content }} {% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Base, adapter, merged and nf4 of a random Llama, and a dataset."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig, get_peft_model
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        AutoModelForCausalLM,
        BitsAndBytesConfig,
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
    )

    root = tmp_path_factory.mktemp("repos")
    words = ["<unk>", "<s>", "</s>", "<user>", "<assistant>", *"abcdefghijklmnopqrstuvwxyz", "ship", "left"]
    raw = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    tokenizer.chat_template = CHAT
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(
        1
    )  # matrices this small are slower on two cores than on one, much so on a busy machine
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    model = LlamaForCausalLM(config)
    model.save_pretrained(root / "base")
    quantization = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    AutoModelForCausalLM.from_pretrained(
        root / "base", quantization_config=quantization, device_map={"": "cpu"}
    ).save_pretrained(root / "nf4")
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj"], task_type="CAUSAL_LM"))
    adapted.save_pretrained(root / "adapter")
    adapted.merge_and_unload().save_pretrained(root / "merged")
    for kind in ("base", "adapter", "merged", "nf4"):
        tokenizer.save_pretrained(root / kind)
    (root / "dataset" / "data").mkdir(parents=True)
    for split in ("train", "validation"):
        Dataset.from_dict({"prompt": ["a"], "completion": ["b"]}).to_parquet(
            root / "dataset" / "data" / f"{split}-00000-of-00001.parquet"
        )
    yield root
    torch.set_num_threads(threads)


@pytest.mark.parametrize("kind", ["base", "adapter", "merged", "nf4", "dataset"])
@pytest.mark.filterwarnings("ignore")
def test_the_code_of_each_card_runs(kind, folders, card_of, templates, tmp_path, monkeypatch):
    """A snippet that fails is the first thing that a reader finds out about a model."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    card = card_of(kind)
    if kind == "dataset":  # `datasets` holds the card's counts against the files: here a row a split
        rows = {
            f"dataset.{split}.rows": replace(card.facts[f"dataset.{split}.rows"], value=1)
            for split in ("train", "validation")
        }
        prompts = [{"name": name, "dtype": "string"} for name in ("prompt", "completion")]
        typed = replace(card.facts["dataset.features"], value=prompts)
        card = replace(card, facts=Facts({**card.facts, **rows, "dataset.features": typed}.values()))
    text = render(card, templates).text
    repos = {card.repo_id: kind, **{sibling.repo_id: sibling.kind for sibling in card.siblings}}
    for repo_id, other in repos.items():
        text = re.sub(rf'"{re.escape(repo_id)}"', repr(str(folders / other)), text)
    if kind == "dataset":
        (folders / "dataset" / "README.md").write_text(text, encoding="utf-8")
    blocks = code_blocks(text, "python")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for block in blocks:
            exec(compile(block.code, "README.md", "exec"), {})

    in_4bit_too = kind in ("base", "adapter")  # of the merged model there is a repo for that

    assert (len(blocks), printed.getvalue() != "") == (1 + in_4bit_too, True)


PARTS = (
    "{% for m in messages %}<{{ m.role }}> {% if m.content is string %}{{ m.content }}{% else %}"
    "{% for part in m.content %}{{ '<boi>' if part.type == 'image' else part.text }} {% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture(scope="module")
def gemma(folders, tmp_path_factory):
    """A random Gemma 3 with its processor, as merged repo and as adapter beside it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoTokenizer,
        Gemma3Config,
        Gemma3ForConditionalGeneration,
        Gemma3ImageProcessor,
        Gemma3Processor,
        PreTrainedTokenizerFast,
    )

    root = tmp_path_factory.mktemp("gemma")
    images = {"boi_token": "<boi>", "eoi_token": "<eoi>", "image_token": "<image>"}
    plain = AutoTokenizer.from_pretrained(folders / "base")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain.backend_tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="</s>",
        extra_special_tokens=images,
    )
    tokenizer.chat_template = PARTS
    image, start, end = tokenizer.convert_tokens_to_ids(["<image>", "<boi>", "<eoi>"])
    config = Gemma3Config(
        text_config={
            "vocab_size": 64,
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
        },
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "image_size": 28,
            "patch_size": 14,
        },
        mm_tokens_per_image=4,
        image_token_index=image,
        boi_token_index=start,
        eoi_token_index=end,
    )
    sized = Gemma3ImageProcessor(size={"height": 28, "width": 28})
    processor = Gemma3Processor(sized, tokenizer, chat_template=PARTS, image_seq_length=4)
    model = Gemma3ForConditionalGeneration(config).to(torch.bfloat16)
    model.save_pretrained(root / "merged")
    get_peft_model(model, LoraConfig(r=2, target_modules=r".*language_model.*q_proj")).save_pretrained(
        root / "adapter"
    )
    for kind in ("merged", "adapter"):
        processor.save_pretrained(root / kind)
    return root


@pytest.mark.parametrize("kind", ["merged", "adapter"])
@pytest.mark.filterwarnings("ignore")
def test_a_model_that_takes_images_is_asked_with_words_and_with_an_image(
    kind, gemma, card_of, templates, monkeypatch
):
    """Gemma 3 is such a model: its class, its processor, and an image in the place where the template wants it."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    card = card_of(kind)
    architecture = replace(card.facts["base.architecture"], value="Gemma3ForConditionalGeneration")
    brings = replace(architecture, id="base.processor", value=True)
    facts = {**card.facts, architecture.id: architecture, brings.id: brings}
    text = render(replace(card, facts=Facts(facts.values())), templates).text
    (gemma / kind / "README.md").write_text(text, encoding="utf-8")
    found = [
        f"{f.line} {f.code} {f.message}"
        for f in check_folder(gemma / kind).findings
        if f.code.startswith("SNIP")
    ]
    text = re.sub(rf'"{re.escape(card.repo_id)}"', repr(str(gemma / kind)), text)
    text = re.sub(rf'"{re.escape(card.base_repo)}"', repr(str(gemma / "merged")), text)
    blocks = [block.code for block in code_blocks(text, "python")]
    seen = []
    with contextlib.redirect_stdout(io.StringIO()):
        for code in blocks:
            names = {}
            exec(compile(code, "README.md", "exec"), names)
            seen.append(sorted(names["inputs"].keys() & {"input_ids", "pixel_values"}))

    assert [] == found
    assert all("AutoModelForImageTextToText" in code for code in blocks)
    assert [["input_ids"], ["input_ids", "pixel_values"]] == seen


@pytest.mark.filterwarnings("ignore")
def test_a_model_that_was_asked_about_two_pictures_is_shown_two(gemma, card_of, templates, monkeypatch):
    """Trained on pairs, it has no idea what to make of one picture; the words are those of the prompt with pictures."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    card = card_of("merged", image_prompt="What changed?", images_shown=2)
    architecture = replace(card.facts["base.architecture"], value="Gemma3ForConditionalGeneration")
    brings = replace(architecture, id="base.processor", value=True)
    facts = {**card.facts, architecture.id: architecture, brings.id: brings}
    text = render(replace(card, facts=Facts(facts.values())), templates).text
    text = re.sub(rf'"{re.escape(card.repo_id)}"', repr(str(gemma / "merged")), text)
    code = next(block.code for block in code_blocks(text, "python") if "AutoProcessor" in block.code)
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "README.md", "exec"), names)

    assert (2, "What changed?") == (names["inputs"]["pixel_values"].shape[0], names["question"])


@pytest.mark.parametrize("kind", ["base", "nf4"])
def test_the_other_repos_ask_about_an_image_in_a_block_that_our_rules_pass(
    kind, card_of, templates, tmp_path
):
    """They load like the merged one, with other arguments: looked at here, run for the others."""
    card = card_of(kind)
    architecture = replace(card.facts["base.architecture"], value="Gemma3ForConditionalGeneration")
    brings = replace(architecture, id="base.processor", value=True)
    facts = {**card.facts, architecture.id: architecture, brings.id: brings}
    text = render(replace(card, facts=Facts(facts.values())), templates).text
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    found = [f.message for f in check_folder(tmp_path).findings if f.code.startswith("SNIP")]

    assert [] == found
    assert 1 == sum("AutoProcessor" in block.code for block in code_blocks(text, "python"))


@pytest.mark.parametrize("kind", ["base", "merged", "adapter", "nf4"])
def test_without_a_processor_no_code_asks_for_one(kind, card_of, templates):
    """A text-only release of such a model has none: the block would fail in its first line."""
    card = card_of(kind)
    architecture = replace(card.facts["base.architecture"], value="Gemma3ForConditionalGeneration")
    text = render(
        replace(card, facts=Facts({**card.facts, architecture.id: architecture}.values())), templates
    ).text

    assert "AutoProcessor.from_pretrained" not in text
