"""Tiny real models: random weights, real files. Built once a session, never changed by a test.

Every test runs with a HOME of its own and without a token.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from parquet_rows import write_rows

# Before anything imports a library that reads them.
os.environ["HOME"] = tempfile.mkdtemp(prefix="hubpub-home-")
os.environ["HF_HOME"] = os.path.join(os.environ["HOME"], "hf")
os.environ["HF_HUB_OFFLINE"] = "0"
os.environ["HF_HUB_DISABLE_XET"] = "1"
for variable in (
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HUBPUB_HUB",
    "HF_OIDC_RESOURCE",  # where these tests run in CI themselves
    "HF_OIDC_ID_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
):
    os.environ.pop(variable, None)

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TARGETS = ("k_proj", "o_proj", "q_proj", "v_proj")


def sums(count: int, *, start: int = 0) -> list[dict[str, str]]:
    """Rows that a model can learn: `3+4=?` → `7`."""
    pairs = [(n % 7, n % 5) for n in range(start, start + count)]
    return [{"prompt": f"{a}+{b}=?", "completion": str(a + b)} for a, b in pairs]


def build_tokenizer(folder: Path) -> int:
    """Save a byte-level BPE tokenizer with a ChatML-like template; returns its number of tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(["user assistant the car the house the image"] * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", bos_token="<|im_start|>", pad_token="<|endoftext|>"
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    _edit(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast", backend=None)
    return len(tokenizer)


def build_llama(
    folder: Path,
    *,
    seed: int = 0,
    hidden: int = 64,
    layers: int = 2,
    tied: bool = True,
    vocab: int | None = None,
) -> Path:
    """Save a random Llama in bfloat16 with its tokenizer: about 0.3 MB.

    Its configuration is written in both spellings, as hubpub's own conversion does. With `vocab`, a tokenizer of so
    many tokens is the caller's to bring.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    vocab = vocab or build_tokenizer(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocab,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=tied,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        initializer_range=0.2,  # wide enough for logits that differ from token to token
    )
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    _edit(folder / "config.json", torch_dtype="bfloat16", rope_theta=10000.0)
    return folder


def build_gemma(folder: Path, *, seed: int = 0) -> Path:
    """Save a random multimodal Gemma 3 in bfloat16 with its tokenizer: text and vision, about 0.8 MB.

    Seven layers: the first six attend to a sliding window, the seventh to everything.
    """
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    vocab = build_tokenizer(folder)
    torch.manual_seed(seed)
    config = Gemma3Config(
        text_config={
            "vocab_size": vocab + 3,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 7,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "max_position_embeddings": 256,
            "sliding_window": 16,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 0,
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 14,
        },
        mm_tokens_per_image=4,
        image_token_index=vocab,
        boi_token_index=vocab + 1,
        eoi_token_index=vocab + 2,
    )
    Gemma3ForConditionalGeneration(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


def build_adapter(
    base: Path, folder: Path, *, seed: int = 1, r: int = 4, scale: float = 0.05, **config: object
) -> Path:
    """Save a LoRA adapter for a base whose B matrices are random instead of zero."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        LoraConfig(r=r, lora_alpha=2 * r, target_modules=list(TARGETS), task_type="CAUSAL_LM", **config),
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=scale)
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    return folder


def _edit(file: Path, **changes: object) -> None:
    """Set keys of a JSON file; None deletes."""
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}, indent=2))


@pytest.fixture(scope="session")
def make_llama() -> Callable[..., Path]:
    """`build_llama`, for models of another shape than `tiny_base`."""
    return build_llama


@pytest.fixture(scope="session")
def make_convertible() -> Callable[..., Path]:
    """`build_convertible`: a random Llama that can become GGUF."""
    from gguf_models import build_convertible

    return partial(build_convertible, build_llama, CHAT_TEMPLATE)


@pytest.fixture(scope="session")
def make_adapter() -> Callable[..., Path]:
    """`build_adapter`, for adapters of another kind than `tiny_adapter`."""
    return build_adapter


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of 2 layers with a ChatML-like template: config, tokenizer, bf16 safetensors."""
    return build_llama(tmp_path_factory.mktemp("tiny-base"))


@pytest.fixture(scope="session")
def tiny_gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Gemma 3 of 7 layers with a vision tower of 2, both with a q_proj, k_proj and v_proj in each."""
    return build_gemma(tmp_path_factory.mktemp("tiny-gemma"))


@pytest.fixture(scope="session")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Gemma 3 with vision tower, processor and a chat template for pictures."""
    from publisher.engine import stand_in
    from publisher.engine.jobs import MakeStandIn

    folder = tmp_path_factory.mktemp("image-text") / "gemma"
    stand_in.run(MakeStandIn(str(folder), "gemma3"), lambda event: None)
    return folder


@pytest.fixture(scope="session")
def tiny_adapter(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter of rank 4 on all attention projections of `tiny_base`; its B is not zero."""
    return build_adapter(tiny_base, tmp_path_factory.mktemp("tiny-adapter"))


@pytest.fixture(scope="session")
def tiny_merged(tiny_base: Path, tiny_adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tiny_adapter` merged into `tiny_base` by peft itself, with the base's own config and tokenizer."""
    import shutil

    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("tiny-merged")
    base = AutoModelForCausalLM.from_pretrained(tiny_base)
    PeftModel.from_pretrained(base, tiny_adapter).merge_and_unload().save_pretrained(folder)
    for file in tiny_base.iterdir():
        if file.suffix != ".safetensors":
            shutil.copyfile(file, folder / file.name)
    return folder


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`train-*.parquet` (12 rows) and `validation-*.parquet` (4 rows) with `prompt` and `completion`."""
    folder = tmp_path_factory.mktemp("tiny-data")
    write_rows(sums(12), folder / "train-00000-of-00001.parquet")
    write_rows(sums(4, start=20), folder / "validation-00000-of-00001.parquet")
    return folder
