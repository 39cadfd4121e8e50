"""GGUF files that were made elsewhere: found, looked at, linked."""

from __future__ import annotations

import itertools
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from quantized_folders import write_source

from publisher.engine.worker import Limits
from publisher.errors import HubpubError
from publisher.evidence.hashes import HashCache
from publisher.hub.remote import RemoteHub
from publisher.pipeline.inputs import GivenGgufs, ggufs_of
from publisher.pipeline.levels import Levels
from publisher.pipeline.look import preflight_problems, stage_states
from publisher.pipeline.own_ggufs import looked_at
from publisher.pipeline.release import Release, run_release
from publisher.pipeline.services import Engine, Wishes
from publisher.pipeline.steps.gguf import Converting, gguf
from publisher.pipeline.steps.preflight import needed
from publisher.records.artifacts import Artifact, RepoRef
from publisher.records.runs import Base, Ggufs, Pins
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
            "manifest: 1\nowner: q\nlicence: mit\nbase: {model: a/b, folder: base}\n"
            "artifacts: {gguf: {files: ../../q/*.gguf}}\n"
        )
        made = open_release(
            "manifest: 1\nowner: q\nlicence: mit\nbase: {model: a/b, folder: base}\n"
            "artifacts: {gguf: {llama_cpp: nowhere}}\n"
        )
        codes = [[problem.code for problem in preflight_problems(each, hub, hub)] for each in (own, made)]

    assert [["HP-W04"], ["HP-E01"]] == codes


RELEASED = """
manifest: 1
version: 1.0.0
owner: alice
licence: mit
source: {{model: acme/tiny, folder: base}}
artifacts: {{gguf: {{repo: alice/own-gguf-{number}, files: ../../q/*.gguf, proof: static}}}}
keep: {keep}
"""
STATIC = Wishes(yes=True, proof="static")
_repos = itertools.count()


@dataclass
class Noting:
    """A Hub that notes which files it hands out."""

    hub: Any
    read_paths: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hub, name)

    def read(self, ref: RepoRef, revision: str, path: str) -> Iterator[bytes]:
        self.read_paths.append(path)
        pieces: Iterator[bytes] = self.hub.read(ref, revision, path)
        return pieces


@pytest.fixture
def own(open_release: Open, tmp_path: Path) -> Open:
    """Two files to release as they are; opens the release, with lines added to its manifest, of a source like that."""
    number = next(_repos)

    def opened(more: str = "", keep: str = "all", **source: int) -> Release:
        release = open_release(RELEASED.format(number=number, keep=keep) + more)
        write_source(release.paths.folder / "base", **source)
        return release

    for kind in ("Q8_0", "Q4_K_M"):
        said = {"general_license": "mit", "general_name": kind, "tokenizer_chat_template": "…"}
        write(tmp_path / "q" / f"m-{kind}.gguf", general_architecture="llama", **said)
    return opened


def without_files(release: Release, tmp_path: Path) -> dict[str, bytes]:
    """What is left on another machine: neither the user's files nor the workspace. Returns the files' bytes."""
    files = {file.name: file.read_bytes() for file in (tmp_path / "q").iterdir()}
    shutil.rmtree(tmp_path / "q")
    shutil.rmtree(release.paths.workspace)
    return files


def test_own_files_come_back_from_the_hub_where_they_are_not(
    own: Open, alice: RemoteHub, notes: Any, tmp_path: Path
) -> None:
    """CI has a clone and nothing else: it restores by digest, and may write other cards."""
    run_release(own(), alice, alice, STATIC, notes)
    files = without_files(own(), tmp_path)
    foreseen = {state.name: state.reason for state in stage_states(own(), alice, "static")}
    problems = preflight_problems(own(), alice, alice)
    again = type(notes)()
    made = run_release(own("card: {tags: [small]}\n"), alice, alice, STATIC, again).made[Ggufs]
    folder = Path(made.artifact.folder)

    assert "will be restored as the lock has it" == foreseen["gguf"]
    assert [] == problems
    assert "restored as the lock has it" == again.skips["gguf"]
    assert files == {file.path: (folder / file.path).read_bytes() for file in made.artifact.files}
    assert "promote" in again.worked, "the tag in the card's front matter is new"


def test_files_that_are_gone_and_were_never_released_are_missed_in_the_first_second(
    own: Open, alice: RemoteHub, tmp_path: Path
) -> None:
    """Only what the lock has can come back."""
    (release := own()).paths.workspace.mkdir(parents=True)
    without_files(release, tmp_path)

    assert ["HP-W04"] == [problem.code for problem in preflight_problems(release, alice, alice)]


def test_files_that_are_gone_are_not_held_against_another_source(
    own: Open, alice: RemoteHub, notes: Any, tmp_path: Path
) -> None:
    """What was proven of them was proven against the old one."""
    run_release(own(), alice, alice, STATIC, notes)
    without_files(own(), tmp_path)
    with pytest.raises(HubpubError) as caught:
        run_release(own(max_position_embeddings=128), alice, alice, STATIC, notes)

    assert "HP-W04" == caught.value.code
    assert "m-Q4_K_M.gguf, m-Q8_0.gguf are not on this machine" in caught.value.what


def test_own_files_that_are_here_are_linked_again_and_not_fetched(
    own: Open, alice: RemoteHub, notes: Any, tmp_path: Path
) -> None:
    """With `keep: none` the workspace's links go after each release; what they led to is the user's, and stays."""
    run_release(own(keep="none"), alice, alice, STATIC, notes)
    dropped = not own().paths.artifact("gguf").exists()
    hub, again = Noting(alice), type(notes)()
    made = run_release(own("card: {tags: [small]}\n"), hub, alice, STATIC, again).made[Ggufs]

    assert dropped
    assert "restored as the lock has it" == again.skips["gguf"]
    assert [] == [path for path in hub.read_paths if path.endswith(".gguf")]
    assert (tmp_path / "q" / "m-Q8_0.gguf").samefile(Path(made.artifact.folder) / "m-Q8_0.gguf")


def test_the_order_of_folders_is_no_part_of_what_own_files_are(open_release: Open, tmp_path: Path) -> None:
    """In the lock all of them lie in one folder, sorted by name; a vision part often has one of its own."""
    manifest = open_release(MANIFEST.replace("../../q/mmproj", "../../a/mmproj")).manifest
    write(tmp_path / "q" / "m-Q8_0.gguf", general_architecture="llama")
    write(tmp_path / "a" / "mmproj-BF16.gguf", general_architecture="clip")
    here = ggufs_of(manifest, tmp_path / "model_cards" / "tiny", HashCache(tmp_path / "hashes"))
    assert here is not None

    assert ["mmproj-BF16.gguf", "m-Q8_0.gguf"] == [file.name for file, _ in here.files]
    assert here.digest == GivenGgufs(tuple(sorted(here.files, key=lambda each: each[0].name))).digest


def test_files_in_a_cache_of_downloads_are_released_under_their_names(
    quants: Path, open_release: Open, tmp_path: Path
) -> None:
    """There, names are symbolic links to files that are called by their digests."""
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for number, file in enumerate(sorted(quants.iterdir())):
        file.rename(blobs / str(number))
        file.symlink_to(Path("..", "blobs", str(number)))
    artifact, _ = made(open_release(MANIFEST))
    linked = Path(artifact.folder) / "m-Q8_0.gguf"

    assert "m-Q8_0.gguf" in [file.path for file in artifact.files]
    assert not linked.is_symlink(), "it would lead nowhere from there"
    assert (quants / "m-Q8_0.gguf").samefile(linked)
