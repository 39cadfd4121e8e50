"""GGUF files held against the model that they were made of: by their headers and its configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from publisher.errors import HubpubError
from publisher.records.facts import Json
from publisher.weights.describe import configured, language_config, read_config
from publisher.weights.gguf import GgufHeader, header_of
from publisher.weights.gguf_files import GgufModel
from publisher.weights.variant import chat_template

# What a header calls it, and the fact that the source's configuration answers.
_SHAPE = {
    "embedding_length": "hidden_size",
    "attention.head_count": "heads",
    "attention.head_count_kv": "kv_heads",
}
# Parts of keys that only configurations of models with eyes or ears have: vision_config, visual, mm_vision_tower …
_SENSES = ("vision", "visual", "image", "audio", "thinker")


def hold_against(models: Sequence[GgufModel], projectors: Sequence[Path], source: Path) -> dict[str, Json]:
    """Hold every model and vision part against the source's folder.

    Returns:
        `TYPE.same_chat_template` for each model: None where one of the two has none.

    Raises:
        HubpubError: HP-W05, a file is no quantization of that model, or no vision part for it.
    """
    found: dict[str, Json] = {}
    template = chat_template(source)
    for model in models:
        header = model.header
        if faults := list(_faults(header, source)):
            raise _not_of(model.files[0], faults)
        own = header.text("tokenizer.chat_template")
        found[f"{model.kind}.same_chat_template"] = None if None in (own, template) else own == template
    for file in projectors:
        if faults := list(_projector_faults(header_of(file), source)):
            raise _not_of(file, faults)
    return found


def _faults(header: GgufHeader, source: Path) -> Iterator[str]:
    name = header.text("general.architecture")
    theirs = configured(read_config(source))
    for key, fact in _SHAPE.items():
        said = header.number(f"{name}.{key}")
        if said is not None and theirs[fact] is not None and said != theirs[fact]:
            yield f"{key} is {said}, the source's {fact} {theirs[fact]}"
    blocks, layers = header.number(f"{name}.block_count"), theirs["layers"]
    beside = (
        header.number(f"{name}.nextn_predict_layers") or 0
    )  # layers that predict further tokens count as blocks
    if blocks is not None and layers is not None and layers not in (blocks, blocks - beside):
        yield f"block_count is {blocks}, the source's layers {layers}"
    tokens, words = header.lengths.get("tokenizer.ggml.tokens"), theirs["vocab_size"]
    if tokens is not None and words is not None and tokens > words:  # fewer: rows without a token were cut
        yield f"it has {tokens:,} tokens, the source {words:,}"


def _projector_faults(header: GgufHeader, source: Path) -> Iterator[str]:
    config = read_config(source)
    if not any(word in key for key in config for word in _SENSES):
        yield "it is a vision part, and the source takes no images"
    width, hidden = header.number("clip.vision.projection_dim"), language_config(config).get("hidden_size")
    if width is not None and hidden is not None and width != hidden:
        yield f"clip.vision.projection_dim is {width}, the source's hidden_size {hidden}"


def _not_of(file: Path, faults: list[str]) -> HubpubError:
    return HubpubError(
        "HP-W05",
        f"{file.name} does not belong to the source: {'; '.join(faults)}",
        where=str(file),
        hint="point gguf.files at the right files, or source: at the model that they were made of",
        faults=faults,
    )
