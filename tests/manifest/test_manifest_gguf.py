"""What a manifest may say of GGUF files, made here or elsewhere, and of a source that is only quantized."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from publisher.manifest.schema import Manifest, repo_refs

HEAD = "manifest: 1\nowner: acme\n"
BASE = "base: google/gemma-3-12b-it@96b6f1e\nadapter: acme/old@main\n"
SOURCE = "source: Qwen/Qwen3-27B@4d1e\n"


def test_a_quantizer_names_a_source_in_place_of_a_base(load: Callable[..., Manifest]) -> None:
    """The manifest's third user: no adapter, files of their own."""
    manifest = load(HEAD + SOURCE + "artifacts: {gguf: {files: /mnt/q/*.gguf, mmproj: /mnt/q/mmproj.gguf}}\n")

    assert ("Qwen/Qwen3-27B", "4d1e") == (manifest.base.model, manifest.base.revision)
    assert "acme/tiny-GGUF" == repo_refs(manifest, "tiny")["gguf"].repo_id


def test_types_are_read_in_any_case(load: Callable[..., Manifest]) -> None:
    """People write them as the Hub shows them."""
    manifest = load(HEAD + BASE + "artifacts: {gguf: {types: [BF16, Q4_K_M], llama_cpp: ../llama.cpp}}\n")

    assert ("bf16", "q4_k_m") == manifest.artifacts["gguf"].types


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (BASE + "artifacts: {gguf: {types: [q4_k_m]}}", "q4_k_m needs llama.cpp's own quantizer"),
        (BASE + "artifacts: {gguf: {types: [q8_0, Q8_0]}}", "none twice"),
        (BASE + "artifacts: {gguf: {types: ['q8 0']}}", "is no type of GGUF"),
        (BASE + "artifacts: {gguf: {files: a.gguf, types: [q8_0]}}", "files are your own"),
        (BASE + "artifacts: {gguf: {mmproj: a.gguf}}", "mmproj belongs to files"),
        (BASE + "artifacts: {gguf: {files: a.gguf, vision_part: true}}", "files are your own"),
        (SOURCE + "artifacts: {awq: {}}", "folder is for weights that were quantized elsewhere"),
        (SOURCE + "artifacts: {nf4: {folder: q/nf4}}", "folder is for weights that were quantized elsewhere"),
        (BASE + "artifacts: {merged: {types: [q8_0]}}", "are settings of the gguf artifact alone"),
        (SOURCE + BASE + "artifacts: [gguf]", "base and source are two names of one thing"),
        (SOURCE + "adapter: a/b\nartifacts: [gguf]", "source is quantized as it is"),
    ],
)
def test_what_cannot_be_made_is_told_in_the_first_second(
    faults: Callable[..., list[tuple[str, str]]], text: str, what: str
) -> None:
    """And not after the merge."""
    ((_, found),) = faults(HEAD + text + "\n")

    assert what in found
