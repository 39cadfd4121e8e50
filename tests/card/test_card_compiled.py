"""Compiled templates on disk: faster, never other, and nobody else's code."""

from __future__ import annotations

import os

import jinja2
import pytest

from publisher.card.compiled import OWN, Compiled


@pytest.fixture
def rendering(tmp_path):
    """Render a template from below `own/` with a cache in `cache/`: `rendering('text')`."""
    own = tmp_path / "own"
    own.mkdir()

    def render(text, *, at="own/a.md.j2", folder=tmp_path / "cache"):
        environment = jinja2.Environment(
            loader=jinja2.FunctionLoader(lambda name: (text, str(tmp_path / at), lambda: True)),
            bytecode_cache=Compiled(folder, own),
        )
        return environment.get_template("a").render()

    return render


def kept(tmp_path):
    return sorted(file for file in tmp_path.glob("cache/*/*"))


def test_what_is_kept_is_used_and_a_changed_text_is_compiled_anew(rendering, tmp_path):
    """The digest of the text decides."""
    first = rendering("one {{ 1 + 1 }}")
    (file,) = kept(tmp_path)
    before = file.stat().st_mtime_ns
    again, changed = rendering("one {{ 1 + 1 }}"), rendering("two {{ 1 + 1 }}")

    assert ("one 2", "one 2", "two 2") == (first, again, changed)
    assert file.name.startswith(OWN)
    assert before < file.stat().st_mtime_ns


def test_a_projects_templates_are_never_kept(rendering, tmp_path):
    """Only what hubpub brings itself goes to disk."""
    rendering("theirs", at="project/templates/a.md.j2")

    assert [] == kept(tmp_path)


def test_a_damaged_file_is_as_good_as_none(rendering, tmp_path):
    """A disk that was full must not break every card from then on."""
    rendering("whole")
    (file,) = kept(tmp_path)
    file.write_bytes(file.read_bytes()[:-9])

    assert "whole" == rendering("whole")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
def test_a_folder_that_others_may_write_to_is_not_believed(rendering, tmp_path):
    """What is kept is code that runs."""
    rendering("ours")
    (file,) = kept(tmp_path)
    file.parent.chmod(0o777)
    file.unlink()
    rendering("ours")

    assert [] == kept(tmp_path)


def test_a_cache_that_cannot_be_written_is_none(rendering, tmp_path):
    """A home without a disk is no reason to fail."""
    (tmp_path / "cache").write_text("in the way")

    assert "fine" == rendering("fine")
