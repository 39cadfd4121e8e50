"""GGUF headers held against the model that the files were made of, and against their own lengths."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from publisher.errors import HubpubError
from publisher.weights.gguf import GgufError, header_of
from publisher.weights.gguf_files import models_of
from publisher.weights.gguf_source import hold_against

CONFIG = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 3}
HEADER = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 4,
    "tokenizer.ggml.tokens": ["a", "b", "c"],
    "tokenizer.chat_template": "{{ messages }}",
}
TENSORS = {"token_embd.weight": (8, (64, 3)), "norm.weight": (0, (64,))}  # Q8_0: 34 bytes for 32 weights; F32


def gguf(file: Path, metadata: Mapping[str, Any] = HEADER, tensors: Mapping[str, Any] = TENSORS) -> Path:
    """A whole file: metadata, the list of tensors, their bytes."""
    raw = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        raw += _text(key)
        if isinstance(value, str):
            raw += struct.pack("<I", 8) + _text(value)
        elif isinstance(value, list):
            raw += struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
        else:
            raw += struct.pack("<II", 4, value)
    sizes = {name: 34 * 6 if kind == 8 else 256 for name, (kind, _) in tensors.items()}
    start = 0
    for name, (kind, shape) in tensors.items():
        raw += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, start)
        start += -(-sizes[name] // 32) * 32
    raw += b"\0" * (-len(raw) % 32)
    for name in tensors:
        raw += b"\1" * sizes[name] + b"\0" * (-sizes[name] % 32)
    file.write_bytes(raw.rstrip(b"\0") if tensors else raw)
    return file


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


def test_a_file_of_the_source_passes_with_its_chat_template_compared(source: Path, tmp_path: Path) -> None:
    """Fewer tokens than rows are no fault: a converter cuts rows that no token has."""
    file = gguf(tmp_path / "m-Q8_0.gguf", HEADER | {"tokenizer.ggml.tokens": ["a", "b"]})

    assert {"q8_0.same_chat_template": True} == hold_against(models_of([file]), [], source)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"llama.block_count": 3}, "block_count is 3, the source's layers 2"),
        ({"llama.embedding_length": 32}, "embedding_length is 32, the source's hidden_size 64"),
        ({"llama.attention.head_count": 8}, "attention.head_count is 8"),
        ({"tokenizer.ggml.tokens": ["a"] * 4}, "it has 4 tokens, the source 3"),
    ],
)
def test_a_file_of_another_model_is_refused_with_both_values(
    change: dict[str, Any], what: str, source: Path, tmp_path: Path
) -> None:
    """Last week's file under this week's name."""
    file = gguf(tmp_path / "m-Q8_0.gguf", HEADER | change)
    with pytest.raises(HubpubError) as caught:
        hold_against(models_of([file]), [], source)

    assert "HP-W05" == caught.value.code
    assert what in caught.value.what


def test_layers_that_predict_further_tokens_are_no_layers_of_the_source(source: Path, tmp_path: Path) -> None:
    """Converters count them among the blocks."""
    more = {"llama.block_count": 3, "llama.nextn_predict_layers": 1}
    file = gguf(tmp_path / "m-Q8_0.gguf", HEADER | more)

    assert hold_against(models_of([file]), [], source)


@pytest.mark.parametrize(
    ("vision", "width", "what"),
    [
        ({}, 64, "the source takes no images"),
        ({"vision_config": {}}, 32, "clip.vision.projection_dim is 32, the source's hidden_size 64"),
    ],
)
def test_a_vision_part_of_another_model_is_refused(
    vision: dict[str, Any], width: int, what: str, source: Path, tmp_path: Path
) -> None:
    """It would be loaded beside the model, and fail there or see noise."""
    (source / "config.json").write_text(json.dumps(CONFIG | vision))
    header = {"general.architecture": "clip", "clip.vision.projection_dim": width}
    file = gguf(tmp_path / "mmproj.gguf", header)
    with pytest.raises(HubpubError) as caught:
        hold_against([], [file], source)

    assert what in caught.value.what


def test_a_file_that_was_cut_off_is_told_by_its_list_of_tensors(tmp_path: Path) -> None:
    """A full disk or a broken download: the header is whole, and the weights are not."""
    file = gguf(tmp_path / "m-Q8_0.gguf")
    whole = file.read_bytes()
    assert len(whole) == header_of(file).ends

    file.write_bytes(whole[:-100])
    with pytest.raises(GgufError, match="ends 100 bytes before its last tensor does"):
        header_of(file)


def test_a_type_that_is_not_known_here_leaves_the_length_open(tmp_path: Path) -> None:
    """New types come every few months; their files are not refused for it."""
    file = gguf(tmp_path / "m.gguf", HEADER, {"w": (99, (64,))})

    assert (True, None) == (header_of(file).listed, header_of(file).ends)


@pytest.mark.models
def test_the_sizes_of_blocks_are_those_of_ggufs_own_table() -> None:
    """Typed in once, compared with the format's own library."""
    constants = pytest.importorskip("gguf.constants")
    from publisher.weights.gguf import BLOCKS

    theirs = {int(kind): sizes for kind, sizes in constants.GGML_QUANT_SIZES.items()}

    assert theirs == BLOCKS
