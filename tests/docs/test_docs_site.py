"""The site is built as it is published: a link, an anchor or a page that is in no list ends the build."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
QUICK = ["-b", "dummy", "-q", "-W", "--keep-going"]


def _build(source: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "-d", out / "doctrees", source, out / "html"],
        capture_output=True,
        text=True,
    )


def test_the_site_builds_without_a_warning_and_serves_the_schema(tmp_path: Path) -> None:
    """`make docs`, word for word."""
    done = _build(DOCS, tmp_path, "-b", "html", "-q", "-W", "--keep-going")

    assert (0, "") == (done.returncode, done.stderr)
    assert (tmp_path / "html" / "schema" / "release.json").is_file()
    assert 'id="hp-m01"' in (tmp_path / "html" / "errors.html").read_text(encoding="utf-8")
    assert 'href="errors.html#hp-b02"' in (tmp_path / "html" / "howto.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", ["errors.md#hp-m99", "nowhere.md"])
def test_a_link_that_leads_nowhere_ends_the_build(tmp_path: Path, link: str) -> None:
    """The anchors of error codes are written in HTML, and are known to the build nonetheless."""
    source = tmp_path / "docs"
    source.mkdir()
    shutil.copyfile(DOCS / "conf.py", source / "conf.py")
    shutil.copyfile(DOCS / "errors.md", source / "errors.md")
    (source / "site").mkdir()
    page = "# A page\n\n[good](errors.md#hp-m01) and [bad]({link})\n\n```{{toctree}}\nerrors\n```\n"
    (source / "index.md").write_text(page.format(link=link), encoding="utf-8")
    done = _build(source, tmp_path, *QUICK)

    assert 1 == done.returncode
    assert ["index.md"] == [
        line.split(":")[0].rpartition("/")[2] for line in done.stderr.splitlines() if link[-5:] in line
    ]
