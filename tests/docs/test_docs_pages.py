"""Pages that can drift are generated, and compared here. UPDATE_GOLDEN=1 writes them again."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from publisher.cli.app import app
from publisher.cli.pages import error_page
from publisher.errors import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_error_codes_is_what_the_catalogue_says() -> None:
    """An error points at its anchor on this page."""
    page = ROOT / "docs" / "errors.md"
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(error_page(), encoding="utf-8")

    assert error_page() == page.read_text(encoding="utf-8")


def test_every_code_is_raised_somewhere_and_every_raised_code_has_a_page() -> None:
    """A code that nothing raises is a promise that nothing keeps."""
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "publisher").rglob("*.py"))
    catalogue = (ROOT / "publisher" / "errors.py").read_text(encoding="utf-8")
    raised = set(re.findall(r'"(HP-[A-Z]\d\d)"', sources.replace(catalogue, "")))

    assert set(CATALOGUE) == raised


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_every_command_that_the_docs_name_exists(page: str) -> None:
    """A newcomer types what the README says."""
    known = {command.name for command in app.registered_commands} | {
        group.name for group in app.registered_groups
    }
    named = set(re.findall(r"hubpub ([a-z]+)", (ROOT / page).read_text(encoding="utf-8")))
    verbs = {"releases", "is", "check", "card"} - known  # prose, not commands

    assert set() == named - known - verbs


def test_every_link_of_the_docs_leads_to_a_file() -> None:
    """A reader follows them."""
    broken = []
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = re.sub(
            r"^(`{3,}).*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
        )
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            if not (page.parent / target).exists():
                broken.append((page.name, target))

    assert [] == broken
