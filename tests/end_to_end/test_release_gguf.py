"""A release with GGUF files: made here from base and adapter, and somebody's own."""

from __future__ import annotations

import shutil

import pytest
from release_room import Room

from publisher.engine.gguf_converter import installed
from publisher.errors import HubpubError
from publisher.weights.gguf import header_of

pytestmark = [pytest.mark.models, pytest.mark.long]
pytest.importorskip("xllamacpp")

MADE = """
manifest: 1
version: 1.0.0
owner: acme
licence: apache-2.0
base: {model: acme/tiny-base, folder: inputs/base}
dataset: {folder: inputs/data}
adapter: inputs/adapter
artifacts: [merged, gguf]
evaluate: {rows: 4, answers: 0}
smoke:
  - {prompt: "1+1=?", expect: {min_tokens: 1}, max_new_tokens: 8}
gates:
  validate.gguf.q8_0.kl_to_merged: {max: 0.5}
  evaluate.gguf.q8_0.loss_change: {max: 0.5}
card: {limitations: limitations.md}
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory, make_convertible, make_adapter, tiny_data) -> Room:
    """The release made here; somebody else will begin one with its files."""
    cache = tmp_path_factory.mktemp("cache")
    try:
        installed(cache / "hubpub" / "converters")
    except HubpubError as error:
        pytest.skip(error.what)
    root = tmp_path_factory.mktemp("gguf")
    folder = root / "model_cards" / "tiny"
    (folder / "inputs" / "base").mkdir(parents=True)
    make_convertible(folder / "inputs" / "base")
    (folder / "release.yaml").write_text(MADE)
    (folder / "limitations.md").write_text("It cannot add.\n")
    inputs = root / "model_cards" / "tiny" / "inputs"
    (inputs / "adapter").mkdir()
    make_adapter(inputs / "base", inputs / "adapter")
    shutil.copytree(tiny_data, inputs / "data")
    (root / "cache").symlink_to(cache)
    return Room(root, "tiny")


def run(room: Room, *arguments: str):
    ran = room.run(*arguments, "--hub", "local", XDG_CACHE_HOME=str(room.root / "cache"))
    assert 0 == ran.code, ran.err
    return ran


def test_gguf_files_are_made_proven_published_and_proven_again(room: Room) -> None:
    """The whole way: from an adapter, better than its base or not, to files that llama.cpp has answered from."""
    run(room, "release", "tiny", "--yes", "--allow-worse")
    served = room.published()["acme/tiny-GGUF"].files
    card = served["README.md"].decode()
    (room.root / "served.gguf").write_bytes(served["tiny-Q8_0.gguf"])
    header = header_of(room.root / "served.gguf")
    again = run(room, "verify", "tiny")

    assert {"tiny-BF16.gguf", "tiny-Q8_0.gguf"} == {path for path in served if path.endswith(".gguf")}
    assert ("apache-2.0", "https://huggingface.co/acme/tiny-base") == (
        header.text("general.license"),
        header.text("general.base_model.0.repo_url"),
    )
    assert "base_model: acme/tiny\nbase_model_relation: quantized\nlibrary_name: gguf\n" in card
    assert "| `tiny-BF16.gguf` | BF16 | 193.2 kB | 0 | 100% |" in card
    assert "| Answered by | xllamacpp " in card
    assert "| GGUF BF16 against merged | GGUF Q8_0 against merged |" in card
    assert "| GGUF BF16 (this repo) | GGUF Q8_0 (this repo) |" in card
    assert "| ±0 [±0, ±0], p = 1.0000 |" in card, "sixteen bits are the merged model's own"
    assert "acme/tiny-GGUF at" in again.out
    assert "loaded and run (2 smoke prompts, 1 code blocks)" in again.out


@pytest.mark.parametrize("proof", ["load", "run"])
def test_a_gguf_repo_can_be_proven_by_its_address(room: Room, proof: str) -> None:
    """What the files were made of is in no reach of whoever downloads them."""
    ran = run(room, "verify", "hf://acme/tiny-GGUF", "--proof", proof)
    told = ran.out.strip().partition("fetched back, ")[2]

    assert "loaded by llama.cpp (xllamacpp " in told
    assert told.endswith(" and transformers" + (", and run" if proof == "run" else ""))


def test_a_quantizers_files_are_released_as_init_wrote_it(room: Room) -> None:
    """From a folder of files to their card without a word typed: nothing is asked, made or written twice."""
    made = room.workspace / "artifacts" / "gguf"
    if not made.is_dir():
        pytest.skip("the files of the test above are needed")
    own = room.root / "q"
    own.mkdir()
    for file in made.glob("*.gguf"):
        shutil.copyfile(file, own / file.name)
    source = room.cards / "inputs" / "base"
    run(
        room,
        "init",
        "own",
        "--from-files",
        "q/*.gguf",
        "--source",
        str(source),
        "--owner",
        "quantco",
        "--yes",
    )
    planned = run(room, "plan", "own")
    run(room, "release", "own", "--yes", "--proof", "load")
    checked = run(room, "check", "own")
    card = room.published()["quantco/own-GGUF"].files["README.md"].decode()
    linked = room.root / ".hubpub" / "own" / "artifacts" / "gguf" / "tiny-Q8_0.gguf"

    assert (own / "tiny-Q8_0.gguf").samefile(linked)
    assert "quantco/own-GGUF (gguf, private)" in planned.out
    assert "own/gguf: nothing found" in checked.out + checked.err
    assert "license: apache-2.0\nbase_model: acme/tiny-base\n" in card
    assert "How much each file loses was not measured." in card
    assert "The model was not asked anything" in card
