"""Whatever goes wrong: at most four lines in the promised form, the promised exit code, and never a token."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from cli_runs import Project
from filelock import FileLock

from publisher.errors import CATALOGUE

CLOSED = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("command", "code", "exit_code"),
    [
        (["plan", "tinny"], "HP-M02", 2),
        (["frob"], "HP-M09", 2),
        (["plan"], "HP-M09", 2),
        (["release", "tiny", "one"], "HP-M09", 2),
        (["release", "tiny", "--until", "lunch", "--hub", "local"], "HP-M09", 2),
        (["plan", "tiny", "--hub", "nonsense"], "HP-M09", 2),
        (["card", "tiny"], "HP-C01", 1),
        (["card", "tiny", "--check"], "HP-C01", 1),
        (["check", "nowhere"], "HP-M02", 2),
        (["check", "tiny"], "HP-R03", 2),
        (["check", "--explain", "NO999"], "HP-M09", 2),
        (["verify", "tiny", "--hub", "local"], "HP-R02", 2),
        (["promote", "tiny", "--hub", "local"], "HP-R02", 2),
        (["templates", "show", "nothing.md.j2"], "HP-M09", 2),
        (["plan", "tiny", "--hub", CLOSED], "HP-H01", 3),
        (["release", "tiny", "--yes", "--hub", CLOSED], "HP-H01", 3),
    ],
)
def test_an_error_has_its_code_its_form_and_its_exit_code(
    project: Project, command: list[str], code: str, exit_code: int
) -> None:
    """Scripts branch on exit codes, people read the first line and type the hint."""
    ran = project(*command)

    assert (exit_code, [code]) == (ran.code, ran.codes)
    assert CATALOGUE[code].exit == exit_code


def test_an_unknown_name_suggests_the_near_one(project: Project) -> None:
    """Most unknown names are typos."""
    ran = project("release", "tinny")

    assert "there is no release 'tinny'; did you mean tiny?" in ran.err
    assert "hint:  hubpub release tiny" in ran.err


def test_no_project_says_what_a_project_is(tmp_path: Path) -> None:
    """The first thing that a newcomer meets."""
    ran = Project(tmp_path)("plan", "tiny")

    assert (2, ["HP-M03"]) == (ran.code, ran.codes)
    assert "model_cards/" in ran.err


def test_a_project_is_found_from_a_folder_inside_it_and_by_name(project: Project, tmp_path: Path) -> None:
    """Like git: from anywhere inside."""
    inside = Project(project.root / "model_cards" / "tiny")

    assert ["HP-C01"] == inside("card", "tiny").codes
    assert ["HP-C01"] == Project(tmp_path.parent)("card", "tiny", "--project", str(project.root)).codes


def test_several_faults_of_a_manifest_are_all_told_with_their_places(project: Project) -> None:
    """One run, all faults; nobody likes to mend them one by one."""
    manifest = project.root / "model_cards" / "tiny" / "release.yaml"
    manifest.write_text("manifest: 1\nowner: 7\nbase: acme/base\nartefacts: [base]\nsmoke: [{prompt: 3}]\n")
    ran = project("plan", "tiny")

    assert (2, {"HP-M01"}) == (ran.code, set(ran.codes))
    assert len(ran.codes) >= 3
    for line in ("release.yaml:2:", "release.yaml:4:", "release.yaml:5:"):
        assert line in ran.err
    assert "did you mean artifacts?" in ran.err


def test_a_prose_file_that_is_not_there_is_named(project: Project) -> None:
    """Found while reading the manifest, not after an hour."""
    (project.root / "model_cards" / "tiny" / "limitations.md").unlink()
    ran = project("plan", "tiny")

    assert (2, ["HP-M06"]) == (ran.code, ran.codes)


def test_a_lock_that_was_torn_is_named(project: Project) -> None:
    """A merge conflict in the lock."""
    (project.root / "model_cards" / "tiny" / "release.lock.json").write_text("<<<<<<< HEAD\n")
    ran = project("plan", "tiny")

    assert (2, ["HP-M04"]) == (ran.code, ran.codes)


def test_policy_is_not_overridden_from_below(project: Project) -> None:
    """A team's rules hold for every manifest."""
    (project.root / "model_cards" / "project.yaml").write_text("manifest: 1\npolicy: {owners: [company]}\n")
    ran = project("plan", "tiny")

    assert (2, {"HP-M05"}) == (ran.code, set(ran.codes))


def test_the_owner_of_the_command_line_is_held_to_policy_too(project: Project) -> None:
    """--owner is no way around project.yaml."""
    (project.root / "model_cards" / "project.yaml").write_text("manifest: 1\npolicy: {owners: [acme]}\n")
    ran = project("plan", "tiny", "--hub", "local", "--owner", "somebody")

    assert (2, {"HP-M05"}) == (ran.code, set(ran.codes))


@pytest.mark.parametrize("command", ["plan", "release"])
def test_the_real_hub_without_a_token_gives_two_hints_quickly_and_without_network(
    gemma: Project, command: str
) -> None:
    """The commonest first failure: log in, or rehearse."""
    began = time.monotonic()
    ran = gemma(command, "gemma-aerial-12b", "--hub", "hf", HF_TOKEN="")

    assert 3 == ran.code
    assert "HP-H02" == ran.codes[0]
    assert "hf auth login" in ran.err
    assert "--hub local" in ran.err
    assert time.monotonic() - began < 20, "a Hub that does not answer would be waited for"


def test_the_plan_of_the_reference_case_lists_what_is_missing(gemma: Project) -> None:
    """24 GB and a licence click away: what exactly is needed here?"""
    ran = gemma("plan", "gemma-aerial-12b", HF_TOKEN="")

    assert 3 == ran.code
    for repo in ("gemma-aerial-12b-lora", "gemma-aerial-12b-bnb-4bit", "gemma-aerial-12b"):
        # New where the Hub can be asked, and not known where it cannot.
        assert re.search(rf"^  [+?] luisml77/{repo} \(", ran.out, re.MULTILINE)
    assert "Missing on this machine:" in ran.out
    assert {"HP-H02", "HP-B02", "HP-D01", "HP-L01"} <= set(ran.codes)
    assert "../../data/aeriald_o3_500 does not exist" in ran.err
    assert not (gemma.root / ".hubpub").exists()


def test_two_runs_of_one_name_at_once(project: Project) -> None:
    """Two trainings into one folder would be neither."""
    workspace = project.root / ".hubpub" / "tiny"
    workspace.mkdir(parents=True)
    with FileLock(workspace / ".lock"):
        ran = project("release", "tiny", "--hub", "local", "--yes")

    assert (4, ["HP-X03"]) == (ran.code, ran.codes)
    assert "another run of tiny goes on" in ran.err


def test_a_bug_of_ours_leaves_a_file_to_attach_and_no_traceback_and_no_token(project: Project) -> None:
    """Nobody should have to read our traceback, and we need it."""
    (project.root / "model_cards" / "tiny" / "release.lock.json").mkdir()
    ran = project("plan", "tiny")

    assert (70, ["HP-Z01"]) == (ran.code, ran.codes)
    assert "Traceback" not in ran.err
    assert "Traceback" in (project.root / "hubpub-bug.txt").read_text()


def test_a_token_that_was_typed_where_it_does_not_belong_is_not_repeated(project: Project) -> None:
    """Errors quote what was typed; a token is the exception."""
    secret = "hf_" + "typedIntoTheWrongPlace123456"
    ran = project("plan", secret)

    assert 2 == ran.code
    assert secret not in ran.out + ran.err
    assert "[token]" in ran.err


def test_with_json_nothing_but_documents_comes_out(project: Project) -> None:
    """An error leaves stdout empty, so that a reader fails on the exit code and not on half a document."""
    ran = project("plan", "tinny", "--format", "json")

    assert ("", ["HP-M02"]) == (ran.out, ran.codes)


def test_a_check_that_finds_errors_exits_with_one(project: Project) -> None:
    """For CI: findings on stdout, the verdict in the exit code."""
    (project.root / "README.md").write_text("---\nlanguage: [en]\n---\n# A model\n\nWords.\n")
    ran = project("check", "README.md", "--format", "json")

    assert 1 == ran.code
    assert "hubpub/check/1" == ran.document["schema"]
    assert {"target", "findings", "skipped", "summary"} <= set(ran.document)
    assert ["META010"] == [finding["code"] for finding in ran.document["findings"]]
    assert 1 == ran.document["summary"]["error"]
