"""A tiny model that can become GGUF: its tokenizer is of the kind that llama.cpp reads without knowing it by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path


def build_convertible(
    build_llama: Callable[..., Path], template: str, folder: Path, *, seed: int = 0
) -> Path:
    """Save a random Llama of 64 dimensions with a SentencePiece-like tokenizer: BPE with a token for every byte."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

    words = ["▁", *"thecar12+=?", "th", "the", "▁the", "ca", "car", "▁car"]
    vocabulary = {"<unk>": 0, "<|im_start|>": 1, "<|im_end|>": 2}
    for piece in [f"<0x{byte:02X}>" for byte in range(256)] + words:
        vocabulary[piece] = len(vocabulary)
    merges = [("t", "h"), ("th", "e"), ("▁", "the"), ("c", "a"), ("ca", "r"), ("▁", "car")]
    bpe = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    bpe.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    bpe.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    bpe.add_special_tokens(
        [AddedToken(word, special=True, normalized=False) for word in ("<unk>", "<|im_start|>", "<|im_end|>")]
    )
    build_llama(folder, seed=seed, vocab=len(vocabulary))
    for name in ("tokenizer_config.json", "tokenizer.json", "special_tokens_map.json", "chat_template.jinja"):
        (folder / name).unlink(missing_ok=True)
    bpe.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "LlamaTokenizer",
        "bos_token": "<|im_start|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|im_end|>",
        "unk_token": "<unk>",
        "legacy": False,
        "add_bos_token": False,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "chat_template": template,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))
    return folder
