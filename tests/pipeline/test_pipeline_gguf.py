"""GGUF files that were made elsewhere: found, looked at, linked."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.engine.worker import Limits
from publisher.errors import HubpubError
from publisher.evidence.hashes import HashCache
from publisher.hub.remote import RemoteHub
from publisher.pipeline.inputs import ggufs_of
from publisher.pipeline.levels import Levels
from publisher.pipeline.look import preflight_problems
from publisher.pipeline.own_ggufs import looked_at
from publisher.pipeline.release import Release
from publisher.pipeline.services import Engine
from publisher.pipeline.steps.gguf import Converting, gguf
from publisher.pipeline.steps.preflight import needed
from publisher.records.artifacts import Artifact
from publisher.records.runs import Base, Pins
from publisher.staging.server import EmbeddedHub

Open = Callable[..., Release]

MANIFEST = """
manifest: 1
owner: quantco
source: acme/model@96b6f1e
artifacts: {gguf: {files: ../../q/*-Q*.gguf, mmproj: ../../q/mmproj-BF16.gguf}}
"""


def write(file: Path, **texts: str) -> Path:
    """A GGUF file without tensors; the first `_` of a key stands for a dot."""
    raw = b"GGUF" + struct.pack("<IQQ", 3, 0, len(texts))
    for key, value in texts.items():
        name, said = key.replace("_", ".", 1).encode(), value.encode()
        raw += struct.pack("<Q", len(name)) + name + struct.pack("<IQ", 8, len(said)) + said
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(raw)
    return file


def made(release: Release) -> tuple[Artifact, dict[str, object]]:
    """What the stage makes of the user's files; their source takes images."""
    paths, manifest = release.paths, release.manifest
    (paths.folder / "base" / "config.json").write_text('{"vision_config": {}}')
    given = ggufs_of(manifest, paths.folder, HashCache(paths.hashes))
    engine = Engine(paths.scratch, None, Limits())  # type: ignore[arg-type]  # nothing runs in it
    base = Base(Artifact("base", str(paths.folder / "base"), ()), ())
    result = gguf(paths, engine, Converting.of(manifest, "q"), Pins("acme/model", None), given, base, None)
    return result.artifact, {fact.id: fact.value for fact in result.facts}


@pytest.fixture
def quants(tmp_path: Path) -> Path:
    """Two files of their own, one in two parts, and what belongs to them."""
    folder = tmp_path / "q"
    write(folder / "m-Q8_0.gguf", general_architecture="llama", tokenizer_chat_template="…")
    write(folder / "m-Q4_K_M-00001-of-00002.gguf", general_architecture="llama")
    write(folder / "m-Q4_K_M-00002-of-00002.gguf", general_architecture="llama")
    write(folder / "mmproj-BF16.gguf", general_architecture="clip")
    write(folder / "notes-BF16.gguf", general_architecture="llama")  # not asked for
    return folder


def test_own_files_are_linked_and_not_copied(quants: Path, open_release: Open) -> None:
    """They are large, and the disk is not; nothing that the manifest did not name comes along."""
    artifact, facts = made(open_release(MANIFEST))
    linked = Path(artifact.folder) / "m-Q8_0.gguf"

    assert [
        "m-Q4_K_M-00001-of-00002.gguf",
        "m-Q4_K_M-00002-of-00002.gguf",
        "m-Q8_0.gguf",
        "mmproj-BF16.gguf",
    ] == [file.path for file in artifact.files]
    assert (quants / "m-Q8_0.gguf").samefile(linked)
    assert (["q4_k_m", "q8_0"], 2, "mmproj-BF16.gguf") == tuple(
        facts[f"gguf.{name}"] for name in ("types", "q4_k_m.parts", "mmproj.file")
    )
    assert (True, False) == (facts["gguf.q8_0.chat_template"], facts["gguf.q4_k_m.chat_template"])
    assert facts["gguf.size_bytes"] == sum(file.size for file in artifact.files)


def test_a_changed_file_is_another_input(quants: Path, open_release: Open, tmp_path: Path) -> None:
    """A file that was quantized again under its name must be released again."""
    release = open_release(MANIFEST)
    before = ggufs_of(release.manifest, release.paths.folder, HashCache(tmp_path / "a"))
    write(quants / "m-Q8_0.gguf", general_architecture="qwen3")
    after = ggufs_of(release.manifest, release.paths.folder, HashCache(tmp_path / "b"))

    assert before is not None
    assert after is not None
    assert before.digest != after.digest


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda q: (q / "m-Q8_0.gguf").write_bytes(b"version https://git-lfs"), "does not begin with GGUF"),
        (lambda q: (q / "m-Q4_K_M-00002-of-00002.gguf").unlink(), "m-Q4_K_M has 2 parts, and 1 files"),
        (lambda q: [file.unlink() for file in q.iterdir()], "no model matches gguf.files"),
    ],
)
def test_what_is_wrong_with_them_is_told_first(
    quants: Path, spoil: Callable[[Path], object], what: str
) -> None:
    """A pointer in place of the weights, a part that was not copied, a pattern that finds nothing."""
    spoil(quants)
    with pytest.raises(HubpubError) as caught:
        looked_at(sorted(quants.glob("m-*.gguf")), "q/*.gguf")

    assert "HP-W04" == caught.value.code
    assert what in caught.value.what


def test_own_files_that_are_only_compared_need_nothing_heavy(open_release: Open) -> None:
    """A quantizer's machine need not have torch to release what it made."""
    own = "manifest: 1\nowner: q\nsource: acme/model\nartifacts: {gguf: {files: a.gguf, proof: %s}}\n"
    static, whole = (open_release(own % proof).manifest for proof in ("static", "run"))

    assert () == needed(static, Levels.of(static))
    assert {"torch", "gguf"} <= set(needed(whole, Levels.of(whole)))


def test_a_damaged_file_and_a_checkout_that_is_none_are_told_before_the_run(
    open_release: Open, tmp_path: Path
) -> None:
    """By the first stage, with everything else that is wrong."""
    write(tmp_path / "q" / "m-Q8_0.gguf").write_bytes(b"<html>")
    with EmbeddedHub(tmp_path / "hub") as served:
        hub = RemoteHub(served.url, token=served.token, host="local")
        own = open_release(
            "manifest: 1\nowner: q\nbase: {model: a/b, folder: base}\nartifacts: {gguf: {files: ../../q/*.gguf}}\n"
        )
        made = open_release(
            "manifest: 1\nowner: q\nbase: {model: a/b, folder: base}\nartifacts: {gguf: {llama_cpp: nowhere}}\n"
        )
        codes = [[problem.code for problem in preflight_problems(each, hub, hub)] for each in (own, made)]

    assert [["HP-W04"], ["HP-E01"]] == codes
