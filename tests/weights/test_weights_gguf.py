"""GGUF files by their headers and names, without any library that reads weights."""

from __future__ import annotations

import struct

import pytest

from publisher.weights.gguf import HEAD_BYTES, GgufError, header_of
from publisher.weights.gguf_files import models_of, projector_in


def gguf(**texts: str) -> bytes:
    """A file without tensors; `_` in a key stands for a dot."""
    raw = b"GGUF" + struct.pack("<IQQ", 3, 0, len(texts))
    for key, value in texts.items():
        name, said = key.replace("_", ".").encode(), value.encode()
        raw += struct.pack("<Q", len(name)) + name + struct.pack("<IQ", 8, len(said)) + said
    return raw


def named(folder, *names):
    for name in names:
        (folder / name).write_bytes(gguf(general_name=name))
    return models_of(folder.iterdir())


def test_metadata_behind_a_long_vocabulary_are_found(tmp_path):
    """The chat template stands behind the tokens; a large vocabulary takes megabytes."""
    (tmp_path / "m.gguf").write_bytes(gguf(a="x" * (3 * HEAD_BYTES), tokenizer_template="the template"))

    assert header_of(tmp_path / "m.gguf").text("tokenizer.template") == "the template"


def test_a_file_that_ends_inside_its_metadata_is_no_gguf(tmp_path):
    """What an interrupted download leaves."""
    (tmp_path / "m.gguf").write_bytes(gguf(a="x" * 100)[:-50])

    with pytest.raises(GgufError, match="ends inside"):
        header_of(tmp_path / "m.gguf")


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("gemma-3-12b-it-Q4_K_M.gguf", "q4_k_m", "Q4_K_M"),
        ("m-UD-Q4_K_XL.gguf", "ud_q4_k_xl", "UD-Q4_K_XL"),
        ("m.IQ2_XXS.gguf", "iq2_xxs", "IQ2_XXS"),
        ("m-bf16.gguf", "bf16", "BF16"),
        ("q8_0.gguf", "q8_0", "Q8_0"),
        ("my.model-v1.gguf", "my_model_v1", "my.model-v1"),
    ],
)
def test_the_type_is_what_a_name_ends_in(name, kind, shown, tmp_path):
    """As the Hub shows it in its list of quantizations."""
    (model,) = named(tmp_path, name)

    assert (kind, shown) == (model.kind, model.format)


def test_the_parts_of_a_file_are_one_model(tmp_path):
    """The first part is the one to load; its size is that of all."""
    (model,) = named(tmp_path, "m-Q8_0-00002-of-00002.gguf", "m-Q8_0-00001-of-00002.gguf", "mmproj-BF16.gguf")

    assert ["m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf"] == [f.name for f in model.files]
    assert model.size == sum(file.stat().st_size for file in model.files)
    assert projector_in(tmp_path) == tmp_path / "mmproj-BF16.gguf"


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (("m-Q8_0-00001-of-00003.gguf", "m-Q8_0-00003-of-00003.gguf"), "m-Q8_0 has 3 parts, and 2 files"),
        (("m-Q8_0.gguf", "n-Q8_0.gguf"), "m-Q8_0.gguf and n-Q8_0.gguf are both Q8_0"),
    ],
)
def test_a_missing_part_and_two_of_a_type_are_faults(names, fault, tmp_path):
    """Programs fetch a model by its type; half of one loads nowhere."""
    with pytest.raises(GgufError, match=fault):
        named(tmp_path, *names)
