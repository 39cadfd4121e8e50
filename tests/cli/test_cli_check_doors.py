"""The doors to `hubpub check` beside the command line: pre-commit, GitHub Actions, Python."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_runs import HUBPUB, REPOSITORY, environment_of
from ruamel.yaml import YAML

import publisher
from publisher.checks.run import check_card, check_folder

BAD = "---\ntags: [x]\nlicence: mit\n---\n# A\n\n[More Information Needed]\n"
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def read(name: str) -> Any:
    return YAML(typ="safe", pure=True).load((REPOSITORY / name).read_text("utf-8"))


def on_path() -> dict[str, str]:
    """Where `hubpub` is found, as after an installation."""
    return {"PATH": f"{HUBPUB.parent}{os.pathsep}{os.environ['PATH']}"}


def run(words: list[str], at: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=at,
        env=environment_of(on_path() | environment),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "README.md").write_text(BAD, "utf-8")
    (tmp_path / "models" / "README.md").write_text("---\nlicense: mit\n---\n# A\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize("hook", read(".pre-commit-hooks.yaml"), ids=lambda hook: hook["id"])
def test_a_hook_says_what_pre_commit_asks_for_and_its_command_runs(hook: dict[str, Any], repo: Path) -> None:
    """pre-commit splits the entry as a shell does and adds the changed files that match."""
    files = [] if hook.get("pass_filenames") is False else ["README.md", "models/README.md", "a.py"]
    named = [file for file in files if re.search(hook.get("files", ""), file)]
    ran = run([*shlex.split(hook["entry"]), "--select", "META", *named], repo)
    text = (repo / "README.md").read_text()

    assert {"id", "name", "entry", "language"} <= set(hook)
    assert "python" == hook["language"]
    assert named == ([] if hook["id"] == "hubpub-check-repo" else ["README.md", "models/README.md"])
    if hook["id"] == "hubpub-fix":
        assert (0, BAD.replace("licence", "license")) == (ran.returncode, text), ran.stderr
    else:
        assert (1, BAD) == (ran.returncode, text), ran.stderr
        assert "error[META010]" in ran.stdout


def test_the_hooks_have_ids_of_their_own() -> None:
    """The id is all that a user writes."""
    assert ["hubpub-check", "hubpub-check-repo", "hubpub-fix"] == [
        hook["id"] for hook in read(".pre-commit-hooks.yaml")
    ]


def test_the_action_pins_what_it_uses_and_puts_no_input_into_a_script() -> None:
    """A tag can be moved; an input in a script is run."""
    action = read("action.yml")
    steps = action["runs"]["steps"]
    uses = [step["uses"] for step in steps if "uses" in step]

    assert "composite" == action["runs"]["using"]
    assert ["targets", "args", "python-version", "sarif", "upload-sarif"] == list(action["inputs"])
    assert all("description" in each and "default" in each for each in action["inputs"].values())
    assert 2 == len(uses)
    assert all(PINNED.fullmatch(use) for use in uses)
    assert all("${{" not in step["run"] and step["shell"] == "bash" for step in steps if "run" in step)


def act(repo: Path, **inputs: str) -> tuple[int, str, str, str]:
    """Run the action's check as GitHub does: exit code, log, summary, outputs."""
    step = next(step for step in read("action.yml")["runs"]["steps"] if step.get("id") == "check")
    summary, output = repo / "summary.md", repo / "output.txt"
    script = repo / "step.sh"
    script.write_text(step["run"], "utf-8")
    # `shell: bash` stands for this command line
    ran = run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        repo,
        GITHUB_STEP_SUMMARY=str(summary),
        GITHUB_OUTPUT=str(output),
        **inputs,
    )
    assert set(inputs) <= set(step["env"])
    assert "" == ran.stderr
    written = output.read_text() if output.exists() else ""
    return ran.returncode, ran.stdout, summary.read_text(), written


def test_the_action_fails_as_the_command_does_with_a_summary_annotations_and_sarif(repo: Path) -> None:
    """One run of the step, with all that it can do."""
    code, log, summary, output = act(
        repo, TARGETS="README.md\nmodels/README.md\n", ARGS="--select=META\n", SARIF="out.sarif"
    )

    assert 1 == code
    assert "error[META010]" in log
    assert "::error file=README.md,line=1,title=META010::" in log
    assert "error[META010]" in summary
    assert "sarif=out.sarif\n" == output
    assert '"version": "2.1.0"' in (repo / "out.sarif").read_text()


def test_the_action_is_quiet_on_good_work_and_runs_no_input(repo: Path) -> None:
    """A target's name is a word, whatever is in it; without a SARIF file none is written."""
    odd = repo / "a $(touch ran) `touch ran` b"
    odd.mkdir()
    (odd / "README.md").write_text("---\nlicense: mit\n---\n# A\n", "utf-8")
    code, log, _, output = act(repo, TARGETS=odd.name, ARGS="--select=META010\r\n\n")

    assert (0, "") == (code, output)
    assert "nothing found" in log
    assert not (repo / "ran").exists()


def test_a_report_is_had_from_python(repo: Path) -> None:
    """For notebooks and other people's tools: the same report as the command's."""
    of_folder = publisher.check(repo, select=["META"])
    of_card = publisher.check(str(repo / "README.md"), ignore=["META014"], select=["META"])

    assert check_folder(repo, select=["META"]) == of_folder
    assert check_card(repo / "README.md", select=["META010"]).findings == of_card.findings
    assert isinstance(of_folder, publisher.Report)
    assert [publisher.Severity.ERROR] == [finding.severity for finding in of_card.findings]
    with pytest.raises(publisher.HubpubError) as caught:
        publisher.check(repo / "nothing")

    assert "HP-M09" == caught.value.code


def test_python_reads_the_rows_of_parquet_as_the_command_does(tmp_path: Path) -> None:
    """A notebook may not be told that all is well where the command finds a row in both splits."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    (tmp_path / "data").mkdir()
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# A\n", "utf-8")
    rows = [{"text": f"this is row number {number} of the data"} for number in range(1200)]
    for split, kept in (("train", rows), ("test", [*rows[-1:], {"text": "one more row of the data"}])):
        file = tmp_path / "data" / f"{split}-00000-of-00001.parquet"
        parquet.write_table(arrow.Table.from_pylist(kept), file)
    command = [str(HUBPUB), "check", ".", "--select", "DATA", "--format", "json"]
    sample, everything = (json.loads(run([*command, *more], tmp_path).stdout) for more in ((), ("--deep",)))
    of_sample = publisher.check(tmp_path, select=["DATA"])
    of_everything = publisher.check(tmp_path, select=["DATA"], deep=True)

    for said, report in ((sample, of_sample), (everything, of_everything)):
        assert said["skipped"] == [{"code": skip.code, "reason": skip.reason} for skip in report.skipped]
        assert [each["code"] for each in said["findings"]] == [each.code for each in report.findings]
    assert "DATA107" not in [each.code for each in of_sample.findings], (
        "the row is none of the first thousand"
    )
    assert "DATA107" in [each.code for each in of_everything.findings]


def test_what_the_package_offers_is_all_there() -> None:
    """And nothing else is."""
    assert ["Finding", "HubpubError", "Report", "Severity", "check"] == publisher.__all__
    assert all(getattr(publisher, name) is not None for name in publisher.__all__)
    with pytest.raises(AttributeError):
        publisher.nothing  # noqa: B018


def test_importing_the_package_imports_nothing() -> None:
    """A tool that may check a card sometimes must not wait for it always."""
    script = (
        "import sys; before = set(sys.modules); import publisher;"
        "print(sorted(set(sys.modules) - before - {'__future__'}))"
    )
    ran = run([sys.executable, "-S", "-c", script], REPOSITORY, PYTHONPATH=str(REPOSITORY))

    assert "['publisher']\n" == ran.stdout, ran.stderr


def test_the_docs_name_hooks_inputs_and_options_that_exist() -> None:
    """What is copied from a page has to work."""
    page = (REPOSITORY / "docs" / "check.md").read_text("utf-8")
    action = page.partition("## GitHub Action")[2].partition("## Python")[0]
    given = re.findall(r"^      ([a-z-]+):", action, re.MULTILINE)
    hooks = re.findall(r"- id: (\S+)", page)
    options = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", page))
    known = run([str(HUBPUB), "check", "--help"], REPOSITORY, COLUMNS="300").stdout

    assert given
    assert set(given) <= set(read("action.yml")["inputs"])
    assert set(hooks) <= {hook["id"] for hook in read(".pre-commit-hooks.yaml")}
    assert set() == {option for option in options if option not in known}
