"""Drafting a release from files that were quantized elsewhere: what headers and configurations tell is not asked."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from quantized_folders import write_awq, write_mlx, write_quantized, write_source
from test_pipeline_gguf import write

from publisher.errors import HubpubError
from publisher.hub.port import Add, Hub
from publisher.hub.remote import RemoteHub
from publisher.manifest.load import load_manifest
from publisher.manifest.project import Project
from publisher.manifest.schema import Manifest, repo_refs
from publisher.pipeline.init.draft import Wanted, draft_of
from publisher.pipeline.init.write import Written, write_release
from publisher.records.artifacts import RepoRef

names = (f"files-{number}" for number in count())
SOURCE = {"general_base_model.0.repo_url": "https://huggingface.co/acme/model"}


def nowhere() -> Hub:
    raise HubpubError("HP-H01", "the Hub cannot be reached", hint="try again")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def source(alice: RemoteHub) -> RepoRef:
    """A model on the Hub, with a licence in its card."""
    ref = RepoRef(f"alice/{next(names)}")
    alice.create(ref, private=False)
    state = alice.state(ref)
    assert state is not None
    card = Add("README.md", b"---\nlicense: mit\n---\n# Model\n")
    alice.commit(ref, "main", [card], title="x", body="", parent=str(state.head))
    return ref


def quants(folder: Path, **texts: str) -> Path:
    """A file of one part, one of two, and two vision parts, of which one is known by its header alone."""
    for name in ("m-Q8_0", "m-Q4_K_M-00001-of-00002", "m-Q4_K_M-00002-of-00002"):
        write(folder / f"{name}.gguf", general_architecture="llama", **texts)
    write(folder / "mmproj-F32.gguf", general_architecture="clip")
    write(folder / "eyes-BF16.gguf", general_architecture="clip", general_type="mmproj")
    return folder


def init(project: Project, hub: Any, files: str, **wanted: Any) -> tuple[Written, Manifest | None]:
    opened = (lambda: hub) if hub else nowhere
    written = write_release(project, draft_of(project, Wanted("demo", files=files, **wanted), opened))
    return written, None if written.open else load_manifest(project, "demo")


def test_a_folder_of_files_becomes_a_manifest_that_nobody_was_asked_for(
    project: Project, alice: RemoteHub, source: RepoRef, tmp_path: Path
) -> None:
    """Source and commit, licence, repo and the vision part: all of it is in the files or on the Hub."""
    quants(tmp_path / "q", **{"general_base_model.0.repo_url": f"https://huggingface.co/{source.repo_id}"})
    written, made = init(project, alice, str(tmp_path / "q" / "*.gguf"))
    assert made is not None
    gguf = made.artifacts["gguf"]
    state = alice.state(source)
    assert state is not None

    assert (source.repo_id, state.head) == (made.base.model, made.base.revision)
    assert ("alice", "mit") == (made.owner, made.licence)
    assert ("../../q/*.gguf", "../../q/eyes-BF16.gguf") == (gguf.files, gguf.mmproj)
    assert {"gguf": RepoRef("alice/demo-GGUF")} == repo_refs(made, "demo")
    assert not any("TODO" in file.read_text() for file in written.files)


def test_headers_tell_licence_and_source_without_a_network(project: Project, tmp_path: Path) -> None:
    """Offline is no reason to ask."""
    quants(tmp_path / "q", general_license="apache-2.0", **SOURCE)
    _, made = init(project, None, str(tmp_path / "q"), owner="quantco")
    assert made is not None

    assert ("acme/model", "apache-2.0", "model") == (made.base.model, made.licence, made.card.title)
    assert "../../q/*.gguf" == made.artifacts["gguf"].files


def test_the_command_line_goes_before_the_headers_and_says_that_they_differ(
    project: Project, tmp_path: Path
) -> None:
    """A converter writes the base of the source's card there, which is one model too far up."""
    quants(tmp_path / "q", **SOURCE)
    wanted = Wanted("demo", files=str(tmp_path / "q"), source="acme/model-it@ab12", owner="quantco")
    draft = draft_of(project, wanted, nowhere)

    assert "acme/model-it@ab12" == draft.model.base.value
    assert ("the files' headers name acme/model as what they were made of: is acme/model-it right?",) == (
        draft.model.told
    )


def test_what_nothing_tells_is_asked_once_with_what_is_known_as_default(
    project: Project, tmp_path: Path
) -> None:
    """Two questions at most; an empty answer waits in the manifest."""
    quants(tmp_path / "q", **SOURCE)
    asked: list[tuple[str, str | None]] = []

    def ask(question: str, default: str | None) -> str | None:
        asked.append((question, default))
        return default

    draft = draft_of(project, Wanted("demo", files=str(tmp_path / "q")), nowhere, ask)
    written = write_release(project, draft)

    assert [None, "acme/model"] == [default for _, default in asked]
    assert ["HP-M11"] == [one.code for one in written.open]
    assert "owner" in written.open[0].what


def test_folders_of_other_forms_are_told_by_their_configuration(project: Project, tmp_path: Path) -> None:
    """Each is an artifact of its own, proven by its files alone, which is all that most machines can."""
    write_awq(tmp_path / "q" / "m-awq")
    write_mlx(tmp_path / "q" / "m-4bit")
    packed = {"quant_method": "compressed-tensors", "format": "pack-quantized"}
    write_quantized(tmp_path / "q" / "m-gptq", packed)
    _, made = init(project, None, str(tmp_path / "q" / "m-*"), source="acme/model", owner="quantco")
    assert made is not None
    folders = {kind: settings.folder for kind, settings in made.artifacts.items()}

    assert {"awq": "../../q/m-awq", "mlx": "../../q/m-4bit", "gptq": "../../q/m-gptq"} == folders
    assert {"static"} == {settings.proof for settings in made.artifacts.values()}


def test_a_folder_beside_a_model_on_this_disk_takes_its_id_from_the_headers(
    project: Project, tmp_path: Path
) -> None:
    """The source lies here; what the cards call it stands in the files."""
    quants(tmp_path / "q", **SOURCE)
    write_source(tmp_path / "source")
    _, made = init(project, None, str(tmp_path / "q"), source=str(tmp_path / "source"), owner="quantco")
    assert made is not None

    assert ("acme/model", "../../source") == (made.base.model, made.base.folder)


@pytest.mark.parametrize(
    ("fill", "code"),
    [
        (lambda q: q.mkdir(), "HP-M09"),
        (lambda q: write_source(q), "HP-M10"),
        (lambda q: write(q / "m-Q8_0.gguf").write_bytes(b"version https://git-lfs"), "HP-W04"),
        (lambda q: write(q / "m-Q8_0-00001-of-00002.gguf", general_architecture="llama"), "HP-W04"),
    ],
)
def test_what_cannot_be_released_is_refused_before_a_manifest_is_written(
    fill: Any, code: str, project: Project, tmp_path: Path
) -> None:
    """Nothing there, weights that are not quantized, a pointer to weights, a part that was not copied."""
    fill(tmp_path / "q")
    with pytest.raises(HubpubError) as caught:
        init(project, None, str(tmp_path / "q"), owner="quantco", source="acme/model")

    assert code == caught.value.code
    assert not (tmp_path / "model_cards").exists()
