"""`hubpub check` as it is typed: formats, baselines, and where findings are said to stand."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from cli_runs import HUBPUB, Project, environment_of

BAD = "---\ntags: [x]\nlicence: mit\n---\n# A\n\n[More Information Needed]\n"
CODES = ("--select", "META", "--select", "CARD005", "--select", "HUBP")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "models" / "x").mkdir(parents=True)
    (tmp_path / "models" / "x" / "README.md").write_text(BAD, "utf-8")
    return Project(tmp_path)


def known(project: Project) -> list[tuple[str, str, int]]:
    entries = json.loads((project.root / "old.json").read_text())["findings"]
    return [(entry["path"], entry["code"], entry["count"]) for entry in entries]


def test_the_screen_ends_with_the_command_that_mends(project: Project) -> None:
    """It is typed as it stands, and then nothing is left to mend."""
    ran = project("check", "models/x", *CODES)
    command = next(line for line in ran.out.splitlines() if line.startswith("  fixable"))
    typed = command.partition(": hubpub ")[2].split()
    mended = project(*typed)

    assert "hubpub check models/x --fix --select META --select CARD005 --select HUBP" == " ".join(
        ["hubpub", *typed]
    )
    assert "license: mit" in (project.root / "models" / "x" / "README.md").read_text()
    assert "fixable" not in mended.out


def test_places_are_those_of_the_files_and_several_targets_have_a_sum(project: Project) -> None:
    """A terminal's links lead to the file, and one line says how it went."""
    (project.root / "card.md").write_text(BAD, "utf-8")
    ran = project("check", "models/x", "card.md", "--select", "META010")

    assert "  --> models/x/README.md:1\n" in ran.out
    assert "  --> card.md:1\n" in ran.out
    assert ran.out.endswith("\nall 2: 2 errors\n")


def test_nothing_is_coloured_but_a_terminal(project: Project) -> None:
    """And none where the user wants no colour."""

    def on_a_terminal(**environment: str) -> str:
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", 0) as read:
            child = subprocess.Popen(
                [HUBPUB, "check", "models/x", *CODES], cwd=project.root, stdout=theirs,
                env=environment_of({"NO_COLOR": "", **environment}),
            )  # fmt: skip
            os.close(theirs)
            said = b""
            while True:
                try:
                    part = read.read(65536)
                except OSError:  # how Linux tells that the other end was closed
                    break
                if not part:
                    break
                said += part
            child.wait(60)
        return said.decode()

    assert "\x1b[1;33mwarning[CARD005]" in on_a_terminal() or "\x1b[1;36mnote[CARD005]" in on_a_terminal()
    assert "\x1b" not in on_a_terminal(NO_COLOR="1")
    assert "\x1b" not in project("check", "models/x", *CODES).out


def test_sarif_and_annotations_name_files_as_the_repository_has_them(project: Project) -> None:
    """Run from the root, over a folder and over a card by another name."""
    (project.root / "card.md").write_text(BAD, "utf-8")
    sarif = project("check", "models/x", "card.md", *CODES, "--format", "sarif")
    github = project("check", "models/x", "card.md", *CODES, "--format", "github")
    results = sarif.document["runs"][0]["results"]
    uris = {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in results}

    assert ("2.1.0", {"models/x/README.md", "card.md"}) == (sarif.document["version"], uris)
    assert 1 == sarif.code
    assert {"models/x/README.md", "card.md"} == {
        line.partition("file=")[2].partition(",")[0] for line in github.out.splitlines() if line
    }


def test_a_file_outside_of_here_has_its_whole_path(project: Project) -> None:
    """`../x` would be refused by code scanning."""
    (project.root / "elsewhere").mkdir()
    place = project.root.resolve() / "models" / "x" / "README.md"
    ran = Project(project.root / "elsewhere")("check", "../models/x", *CODES, "--format", "sarif")
    location = ran.document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]

    assert {"uri": f"file://{place}"} == location["artifactLocation"]


def test_json_says_what_was_recognised(project: Project) -> None:
    """As CONTRACT says, and more."""
    document = project("check", "models/x", *CODES, "--format", "json").document

    assert "hubpub/check/1" == document["schema"]
    assert ["models/x"] == [each["target"] for each in document["recognised"]]
    assert {"code", "severity", "message", "path", "line", "column", "hint", "fixable"} == set(
        document["findings"][0]
    )


def test_a_baseline_is_written_once_and_then_hides_what_is_old(project: Project) -> None:
    """Written where it is missing, and said so; from then on only what is new fails."""
    first = project("check", "models/x", *CODES, "--baseline", "old.json")
    again = project("check", "models/x", *CODES, "--baseline", "old.json")
    card = project.root / "models" / "x" / "README.md"
    card.write_text(BAD.replace("# A\n", "# A\n\nNew: [More Information Needed]\n"), "utf-8")
    more = project("check", "models/x", *CODES, "--baseline", "old.json", "--format", "json")

    count = sum(number for *_, number in known(project))
    assert (0, 0) == (first.code, again.code)
    assert f"wrote old.json with {count} findings: commit it\n" == first.err
    assert "" == again.err
    assert f"models/x: nothing new found; {count} more in old.json\n" in again.out
    assert ([7], count) == ([f["line"] for f in more.document["findings"]], more.document["baselined"])


def test_a_baseline_serves_several_targets_from_any_folder(project: Project) -> None:
    """pre-commit names the changed files only; a person stands in the folder itself."""
    (project.root / "card.md").write_text(BAD, "utf-8")
    project("check", "models/x", "card.md", *CODES, "--baseline", "old.json")
    one = project("check", "card.md", *CODES, "--baseline", "old.json")
    inside = Project(project.root / "models" / "x")("check", ".", *CODES, "--baseline", "../../old.json")

    assert {"card.md", "models/x/README.md"} == {path for path, *_ in known(project)}
    assert [(0, ""), (0, "")] == [(one.code, one.err), (inside.code, inside.err)]


def test_what_no_longer_occurs_is_told_and_taken_out_by_the_command_that_is_told(project: Project) -> None:
    """Entries of targets, files and rules that were not looked at stay."""
    (project.root / "card.md").write_text(BAD, "utf-8")
    project("check", "models/x", "card.md", *CODES, "--baseline", "old.json")
    card = project.root / "models" / "x" / "README.md"
    card.write_text(BAD.replace("licence", "license"), "utf-8")
    other = project("check", "models/x", "--select", "CARD005", "--baseline", "old.json")
    ran = project("check", "models/x", *CODES, "--baseline", "old.json")
    before = known(project)
    typed = ran.err.partition(": hubpub ")[2].split()
    updated = project(*typed)

    assert "" == other.err, "the rule was not asked"
    assert "no longer occur" in ran.err
    assert ["check", "models/x", "--baseline", "old.json", "--update-baseline", *CODES] == typed
    assert 0 == updated.code
    assert [entry for entry in before if entry[0] == "card.md"] == [
        entry for entry in known(project) if entry[0] == "card.md"
    ]
    assert [("models/x/README.md", "CARD005", 1)] == [
        entry for entry in known(project) if entry[0] != "card.md"
    ]


def test_with_a_baseline_sarif_has_what_is_new_only(project: Project) -> None:
    """Code scanning closes what is not in the file."""
    project("check", "models/x", *CODES, "--baseline", "old.json")
    ran = project("check", "models/x", *CODES, "--baseline", "old.json", "--format", "sarif")

    assert (0, []) == (ran.code, ran.document["runs"][0]["results"])


@pytest.mark.parametrize(
    "options",
    [
        ("--format", "xml"),
        ("--update-baseline",),
        ("--baseline", "models/x/README.md"),
        ("--baseline", "no/where.json"),
    ],
    ids=["unknown format", "no file to update", "no baseline", "no folder"],
)
def test_what_does_not_fit_together_is_refused(project: Project, options: tuple[str, ...]) -> None:
    """Above all: a file that is no baseline is not overwritten."""
    ran = project("check", "models/x", *options)

    assert (2, ["HP-M09"]) == (ran.code, ran.codes)
    assert BAD == (project.root / "models" / "x" / "README.md").read_text()
