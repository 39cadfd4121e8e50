"""Pages that can drift are generated, and compared here. UPDATE_GOLDEN=1 writes them again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from command_page import command_page
from manifest_page import manifest_page
from ruamel.yaml import YAML
from terminal_picture import terminal_picture

from publisher.cli.app import app
from publisher.cli.commands.schema import schema_text
from publisher.cli.pages import error_page
from publisher.errors import CATALOGUE
from publisher.manifest.schema import Manifest, ProjectDefaults

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("page", "made"),
    [
        ("errors.md", error_page),  # an error points at its anchor on this page
        ("commands.md", command_page),
        ("manifest.md", lambda: manifest_page(json.loads(schema_text()))),
        ("site/schema/release.json", schema_text),
        ("terminal.svg", lambda: terminal_picture((ROOT / "docs" / "demo.txt").read_text(encoding="utf-8"))),
    ],
    ids=["errors", "commands", "manifest", "schema", "picture"],
)
def test_a_page_of_the_reference_is_what_the_code_says(page: str, made: Callable[[], str]) -> None:
    """Nobody keeps by hand what can be printed."""
    file = ROOT / "docs" / page
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made(), encoding="utf-8")

    assert made() == file.read_text(encoding="utf-8")


def test_every_key_of_the_manifest_has_a_sentence() -> None:
    """An editor shows it while the key is typed."""
    schema = json.loads(schema_text())
    mute = [
        f"{name}.{key}"
        for name, section in {"release.yaml": schema, **schema["$defs"]}.items()
        for key, value in section.get("properties", {}).items()
        if not value.get("description")
    ]

    assert [] == mute


def test_every_manifest_of_the_how_tos_is_one() -> None:
    """A reader copies them."""
    text = (ROOT / "docs" / "howto.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"^```yaml (\S+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    yaml = YAML(typ="safe", pure=True)
    read = {
        path: (ProjectDefaults if path.endswith("project.yaml") else Manifest).model_validate(
            yaml.load(block)
        )
        for path, block in blocks.items()
    }

    assert ["my-model", "my-rows", "project.yaml"] == sorted(path.split("/")[1] for path in read)


def test_every_code_is_reached_in_a_test() -> None:
    """A message that no test has seen may be one that nobody can get, or one that says nothing."""
    tests = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))

    assert set(CATALOGUE) == set(CATALOGUE) & set(re.findall(r"HP-[A-Z]\d\d", tests))


def test_every_code_is_raised_somewhere_and_every_raised_code_has_a_page() -> None:
    """A code that nothing raises is a promise that nothing keeps."""
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "publisher").rglob("*.py"))
    catalogue = (ROOT / "publisher" / "errors.py").read_text(encoding="utf-8")
    raised = set(re.findall(r'"(HP-[A-Z]\d\d)"', sources.replace(catalogue, "")))

    assert set(CATALOGUE) == raised


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/architecture.md",
        "docs/howto.md",
        "docs/index.md",
        "docs/proven.md",
        "docs/tutorial.md",
    ],
)
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
