"""Prose and pictures as people leave them: with marks of other systems, in the wrong place, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from publisher.errors import HubpubError
from publisher.manifest.load import load_manifest
from publisher.manifest.project import Project
from publisher.pipeline import words
from publisher.pipeline.words import read_words

MANIFEST = """
manifest: 1
owner: alice
base: alice/base@0123456
artifacts: [base]
card: {base: 1}
"""


@pytest.fixture
def read(tmp_path):
    """Read `limits.md` with these bytes: `read(b'…')`; gives the piece of prose."""
    folder = tmp_path / "model_cards" / "it"
    (folder / "assets").mkdir(parents=True)
    (folder / "release.yaml").write_text(MANIFEST.replace("{base: 1}", "{limitations: limits.md}"))
    project = Project(tmp_path)

    def reading(content):
        (folder / "limits.md").write_bytes(content)
        (prose,) = read_words(load_manifest(project, "it"), project.release("it"))
        return prose

    return reading


@pytest.fixture
def folder(tmp_path, read):
    return tmp_path / "model_cards" / "it"


def test_byte_order_marks_and_foreign_line_ends_are_no_part_of_prose(read):
    """Notepad writes both; a card with them would differ on every machine."""
    assert "One.\n\nTwo.\n" == read(b"\xef\xbb\xbfOne.\r\n\r\nTwo.\r\n").text


@pytest.mark.parametrize(
    ("content", "says", "line"),
    [
        (b"\xff\xfeO\x00n\x00e\x00", "no UTF-8 text", ""),
        (b"---\n- a\n- b\n---\nText.\n", "no mapping", ":2"),
        (b"---\ntitle: [\n---\nText.\n", "front matter", ":"),
        (b"---\ntitle: x\n---\nText.\n", "its fields would be lost", ":1"),
        (b"One.\n\n![a](assets/none.png)\n", "assets/none.png, which does not exist", ":3"),
        (b"![a](../elsewhere.png)\n", "would not be there on the Hub", ":1"),
        (b"![a](assets/../../x.png)\n", "would not be there on the Hub", ":1"),
        (b"![a](assets/loss.png)\n", "would not be there on the Hub", ":1"),
        (b'Two\n<img alt="b" src="pictures/b.png">\n', "pictures/b.png, which would not", ":2"),
    ],
)
def test_what_no_card_could_show_is_refused_at_its_line(content, says, line, read):
    """It would come out as a broken picture, or as a table of dashes, for everybody to see."""
    with pytest.raises(HubpubError) as caught:
        read(content)

    assert ("HP-C05", True, True) == (
        caught.value.code,
        says in caught.value.what,
        f"limits.md{line}" in str(caught.value.where),
    )


def test_a_picture_that_nobody_waits_for_is_refused(read, folder, monkeypatch):
    """The Hub refuses it later, after everything else was made."""
    (folder / "assets" / "a.png").write_bytes(b"x" * 2_000_000)
    monkeypatch.setattr(words, "MAX_PICTURE", 1_000_000)
    with pytest.raises(HubpubError) as caught:
        read(b"![a](assets/a.png)\n")

    assert ("HP-C05", True) == (caught.value.code, "2.0 MB; at most 1.0 MB" in caught.value.what)


def test_pictures_are_part_of_what_a_card_is_made_from(read, folder):
    """Their bytes as well as their names: a picture that was drawn anew makes a new card revision."""
    (folder / "assets" / "a b.png").write_bytes(b"one")
    text = b"![a](assets/a%20b.png) and [a link](assets/none.png) and ![far](https://example.org/x.png)\n"
    before = read(text)
    (folder / "assets" / "a b.png").write_bytes(b"two")

    assert ["assets/a b.png"] == [picture.path for picture in before.pictures]
    assert before != read(text)


# --- the whole way, as a process


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A small release up to its cards, with a picture in its prose."""
    root = tmp_path_factory.mktemp("project")
    sys.path.append(str(__file__).rsplit("/tests/", 1)[0] + "/benchmarks")
    from tiny_project import write_project

    folder = write_project(root, ("base", "adapter"))
    (folder / "assets").mkdir()
    (folder / "assets" / "a.png").write_bytes(b"a picture")
    (folder / "limitations.md").write_text("It knows nothing.\n\n![a](assets/a.png)\n")
    text = (folder / "release.yaml").read_text()
    (folder / "release.yaml").write_text(text.replace("licence: apache-2.0", "licence: gemma"))
    told = hubpub(root, "release", "tiny", "--until", "card", "--hub", "local", "--proof", "static")
    assert told.returncode == 0, told.stderr
    return root


def hubpub(root, *arguments):
    command = [sys.executable, "-c", "from publisher.cli.app import main; main()", *arguments]
    return subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False, env={**os.environ, "HF_TOKEN": ""}
    )


def test_pictures_and_notices_lie_beside_the_card(project):
    """The picture where the text shows it, and what Gemma's terms ask for in a file of its own."""
    folder = project / ".hubpub" / "tiny" / "artifacts" / "adapter"
    notice = (
        "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms\n"
    )

    assert (b"a picture", notice) == ((folder / "assets/a.png").read_bytes(), (folder / "NOTICE").read_text())
    assert not (project / ".hubpub" / "tiny" / "artifacts" / "base" / "assets" / "a.png").exists()
    assert "notices in [`NOTICE`](NOTICE)" in (folder / "README.md").read_text()


def test_a_card_is_written_without_torch_and_without_the_client(project):
    """Both take longer to import than everything that a card needs."""
    code = (
        "import sys\nfrom publisher.cli import app\nsys.argv = ['hubpub', 'card', 'tiny']\n"
        "try: app.main()\nexcept SystemExit as end: print(end.code)\n"
        "print(sorted({'torch', 'transformers', 'huggingface_hub', 'numpy', 'publisher.engine'} & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True
    )

    assert ["0", "[]"] == told.stdout.splitlines()[-2:]
    assert 0 == hubpub(project, "card", "tiny", "--check").returncode


def test_facts_whose_evidence_changed_are_refused_until_they_are_measured_again(project):
    """The file is what whoever doubts a number opens; it must say what the card says."""
    file = project / ".hubpub" / "tiny" / "evidence" / "train.json"
    before = file.read_text()
    file.write_text(before.replace("512", "513"))
    told = hubpub(project, "card", "tiny")
    file.write_text(before)

    assert (1, True) == (told.returncode, "error[HP-C04]" in told.stderr)
    assert 0 == hubpub(project, "card", "tiny").returncode
