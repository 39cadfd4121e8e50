"""The code blocks of the cards run as they stand, on tiny models, with repo ids replaced by folders."""

from __future__ import annotations

import contextlib
import io
import re
from importlib.util import find_spec

import pytest

from publisher.card.readme import code_blocks
from publisher.card.render import render
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


@pytest.mark.filterwarnings("ignore")
def test_the_class_named_for_a_model_that_takes_images_loads_it(
    folders, card_of, templates, tmp_path, monkeypatch
):
    """Gemma 3 is such a model: text only must run with its tokenizer alone."""
    from dataclasses import replace

    from transformers import AutoTokenizer, Gemma3Config, Gemma3ForConditionalGeneration

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    text_config = {
        "vocab_size": 64,
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
    }
    vision_config = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "image_size": 28,
        "patch_size": 14,
    }
    config = Gemma3Config(text_config=text_config, vision_config=vision_config, mm_tokens_per_image=4)
    Gemma3ForConditionalGeneration(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(folders / "base").save_pretrained(tmp_path)
    card = card_of("merged")
    gemma = replace(card.facts["base.architecture"], value="Gemma3ForConditionalGeneration")
    card = replace(card, facts=Facts({**card.facts, "base.architecture": gemma}.values()))
    block = code_blocks(render(card, templates).text, "python")[0].code
    code = block.replace(f'"{card.repo_id}"', repr(str(tmp_path)))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})

    assert "AutoModelForImageTextToText" in code
