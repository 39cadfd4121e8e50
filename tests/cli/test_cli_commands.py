"""Commands that need no model: help, schema, templates, looking at a release."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_runs import Project
from huggingface_hub import HfApi

from publisher.staging.server import EmbeddedHub

HEAVY = (
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "datasets",
    "huggingface_hub",
    "pydantic",
    "jinja2",
    "rich",
)

GROUPS = {
    "Daily": ["init", "check", "card", "plan", "release", "status"],
    "After a release": ["promote", "verify", "pull", "rollback"],
    "Single steps": ["train", "merge", "quantize", "validate", "evaluate", "dataset"],
    "Machine": ["doctor", "schema", "hub", "templates", "ci"],
}


def test_the_command_line_imports_nothing_heavy(python: Callable[[str], str]) -> None:
    """Help and completion must come at once; each command imports its own rooms."""
    code = f"import sys, publisher.cli.app; print([m for m in {HEAVY!r} if m in sys.modules])"

    assert "[]" == python(code).strip()


def test_a_card_is_checked_without_what_options_need(python: Callable[[str], str], tmp_path: Path) -> None:
    """typer converts options by pydantic, whose import takes as long as the card; the outcome is the same."""
    card = tmp_path / "README.md"
    card.write_text("---\nlicence: mit\n---\n# A\n", "utf-8")
    ends = (
        "import sys; from publisher.cli import app; sys.argv = ['hubpub', 'check', *{words}];"
        "code = app._run(); print(code, [m for m in {heavy!r} if m in sys.modules])"
    )
    plain, with_option = (
        python(ends.format(words=words, heavy=HEAVY))
        for words in ([str(card)], [str(card), "--format", "text"])
    )

    assert "META010" in plain
    assert plain.endswith("1 []\n")
    assert plain.rpartition("1 [")[0] == with_option.rpartition("1 [")[0]


def test_importing_the_package_does_nothing(python: Callable[[str], str]) -> None:
    """No side effects at import: whoever imports decides what runs."""
    code = (
        "import sys; before = {'__future__', *sys.modules}; import publisher;"
        "print(sorted(set(sys.modules) - before))"
    )

    assert "['publisher']" == python(code).strip()


@pytest.mark.parametrize(
    "command",
    [
        "",
        "init",
        "check",
        "card",
        "plan",
        "release",
        "status",
        "promote",
        "verify",
        "pull",
        "rollback",
        "dataset build",
        "train",
        "hub serve",
        "templates",
    ],
)
def test_help_of_every_command_says_what_it_does(project: Project, command: str) -> None:
    """And exits with 0, on stdout."""
    ran = project(*command.split(), "--help", NO_COLOR="1")

    assert 0 == ran.code
    assert "Usage: hubpub" in ran.out
    assert "" == ran.err


def test_help_lists_the_commands_in_their_groups(project: Project) -> None:
    """What is typed daily stands first; a new command has to say where it belongs."""
    panels: dict[str, list[str]] = {}
    for line in project("--help", NO_COLOR="1", COLUMNS="120").out.splitlines():
        if line.startswith("╭"):
            panels[line.strip("╭─╮ ")] = []
        elif line.startswith("│ ") and line[2] not in " -":
            panels[next(reversed(panels))].append(line.split()[1])
    del panels["Options"]

    assert GROUPS == panels


@pytest.mark.parametrize(
    ("command", "first"),
    [
        ("check", "Read files"),
        ("validate", "Run the artifacts here"),
        ("verify", "Prove what the Hub serves"),
    ],
)
def test_three_words_that_are_easily_mixed_up_say_what_they_are(
    project: Project, command: str, first: str
) -> None:
    """Of files, of this machine, of the Hub."""
    assert f"\n {first}" in project(command, "--help", NO_COLOR="1", COLUMNS="120").out


def test_without_a_command_the_help_is_shown(project: Project) -> None:
    """Typing the bare name is asking what it is."""
    ran = project(NO_COLOR="1")

    assert "Release fine-tuned models" in ran.out + ran.err
    assert "error[" not in ran.err


def test_the_version_is_the_packages(project: Project) -> None:
    """For reports of bugs."""
    from importlib.metadata import version

    assert f"hubpub {version('hubpub')}\n" == project("--version").out


def test_the_schema_is_a_json_schema_and_knows_every_key(project: Project) -> None:
    """Editors complete manifests with it."""
    schema = project("schema").document

    assert "https://json-schema.org/draft/2020-12/schema" == schema["$schema"]
    assert ("object", False) == (schema["type"], schema["additionalProperties"])
    assert {"manifest", "artifacts"} == set(schema["required"])
    assert [{"required": ["base"]}, {"required": ["source"]}] == schema["anyOf"]
    assert {"owner", "base", "source", "train", "smoke", "gates", "card", "stated"} <= set(
        schema["properties"]
    )
    _resolves(schema, schema)


def _resolves(part: object, whole: dict) -> None:
    if isinstance(part, dict):
        if "$ref" in part:
            assert part["$ref"].removeprefix("#/$defs/") in whole["$defs"]
        for value in part.values():
            _resolves(value, whole)
    elif isinstance(part, list):
        for value in part:
            _resolves(value, whole)


def test_templates_are_listed_shown_and_taken_over(project: Project) -> None:
    """A designer starts from what is there."""
    names = project("templates", "list").out.split()
    shown = project("templates", "show", "model_card.md.j2").out
    ejected = project("templates", "eject", "model_card.md.j2")
    own = project.root / "templates" / "model_card.md.j2"

    assert {"model_card.md.j2", "dataset_card.md.j2", "partials/usage_adapter.md.j2"} <= set(names)
    assert (0, str(own)) == (ejected.code, ejected.out.strip())
    assert shown.rstrip() == own.read_text().rstrip()
    again = project("templates", "eject", "model_card.md.j2")
    assert (2, ["HP-M09"]) == (again.code, again.codes), "what was edited is not overwritten"


def test_the_status_of_what_was_never_released(project: Project) -> None:
    """Where it stands, and why each stage will run."""
    ran = project("status", "tiny", "--hub", "local", "--format", "json")

    assert 0 == ran.code, ran.err
    assert "hubpub/status/1" == ran.document["schema"]
    (release,) = ran.document["releases"]
    stages = {stage["stage"]: stage for stage in release["stages"]}
    assert ("tiny", {}) == (release["name"], release["released"])
    assert {"acme/tiny-base", "acme/tiny-data"} == set(release["repos"])
    assert (True, "nothing was made yet") == (stages["resolve"]["runs"], stages["resolve"]["reason"])
    assert (False, "the manifest neither trains nor names an adapter") == (
        stages["train"]["runs"],
        stages["train"]["reason"],
    )
    assert not (project.root / ".hubpub" / "tiny").exists()


def test_a_plan_before_anything_was_made_is_one_document(project: Project) -> None:
    """A script asks; nothing is written into the workspace."""
    ran = project("plan", "tiny", "--hub", "local", "--format", "json")

    assert ran.code in (0, 4), ran.err  # 4: the light core has no torch
    if ran.code == 0:
        assert {"schema", "hub", "version", "repos", "bytes_to_upload"} == set(ran.document)
        assert "hubpub/plan/1" == ran.document["schema"]
    assert not (project.root / ".hubpub" / "tiny").exists()


def test_a_plan_before_anything_was_made_tells_new_repos_from_those_that_are_there(project: Project) -> None:
    """Whoever adopts a published repo is not told that it will be created."""
    with EmbeddedHub(project.root / ".hubpub" / "_hub") as hub:
        HfApi(hub.url, token=hub.token).create_repo("acme/tiny-data", repo_type="dataset")
    ran = project("plan", "tiny", "--hub", "local")

    assert ran.code in (0, 4), ran.err  # 4: the light core has no torch
    assert "  ~ acme/tiny-data (dataset, there already)" in ran.out
    assert "  + acme/tiny-base (base, private)" in ran.out


def test_a_lock_and_its_cards_are_enough_to_render_explain_and_compare(project: Project) -> None:
    """A fresh checkout, with no workspace and no models package."""
    _locked(project)
    written = project("card", "tiny", "--format", "json")
    card = project.root / "model_cards" / "tiny" / "cards" / "dataset.md"
    same = project("card", "tiny", "--check")
    traced = project("card", "tiny", "--explain", "--artifact", "dataset", "--format", "json")

    assert (0, "hubpub/cards/1") == (written.code, written.document["schema"]), written.err
    assert (0, 0) == (same.code, traced.code), same.err + traced.err
    assert "hubpub/trace/1" == traced.document["schema"]
    text = card.read_bytes()
    (only,) = traced.document["cards"]
    for span in only["spans"]:
        assert {"fact", "stated", "reason"} & set(span)
        assert text[span["start"] : span["end"]].decode() == span["text"]
        assert text[: span["start"]].count(b"\n") + 1 == span["line"]
    card.write_text(card.read_text() + "\nAn edit.\n")
    differing = project("card", "tiny", "--check")
    assert (1, ["HP-C03"]) == (differing.code, differing.codes)


def test_each_number_is_explained_by_its_source_its_stage_and_when_it_was_measured(project: Project) -> None:
    """The thread from a number to the file that it was read from; the time where this workspace measured it."""
    _locked(project)
    folder = project.root / "model_cards" / "tiny"
    lock = json.loads((folder / "release.lock.json").read_text())
    lock["stages"] = {"dataset": {"key": "k", "version": 1, "packages": {}}}
    (folder / "release.lock.json").write_text(json.dumps(lock))
    clone = project("card", "tiny", "--explain")
    kept = project.root / ".hubpub" / "tiny" / "stages" / "dataset.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"key": "k", "measured_at": "2026-01-31T12:00:00Z"}))
    here = project("card", "tiny", "--explain")
    traced = project("card", "tiny", "--explain", "--format", "json").document

    source = f"evidence/dataset.json (sha256 {'cd' * 6}), by dataset"
    assert {
        f"{line} at 2026-01-31T12:00:00Z" for line in clone.out.splitlines() if line.endswith(source)
    } == {line for line in here.out.splitlines() if source in line}
    assert source in clone.out
    assert {
        "stage": "dataset",
        "path": "evidence/dataset.json",
        "sha256": "cd" * 32,
        "pointer": "",
        "time": "2026-01-31T12:00:00Z",
    } == traced["evidence"]["dataset.rows"]
    named = {span.get("fact") for card in traced["cards"] for span in card["spans"]} - {None}
    assert named == traced["evidence"].keys()


def test_a_locked_release_plans_its_repos_on_an_empty_hub(project: Project) -> None:
    """Everything to create, bytes and digests named; and --fail-on-change says so to CI."""
    _locked(project)
    ran = project("plan", "tiny", "--hub", "local", "--format", "json")
    failing = project("plan", "tiny", "--hub", "local", "--fail-on-change")

    assert 0 == ran.code, ran.err
    (dataset,) = [repo for repo in ran.document["repos"] if repo["artifact"] == "dataset"]
    operations = dataset["operations"]
    assert ("acme/tiny-data", "dataset", False) == (
        dataset["repo_id"],
        dataset["repo_type"],
        dataset["exists"],
    )
    assert ["create", "upload", "tag"] == [step["op"] for step in operations]
    assert ("data/train-00000-of-00001.parquet", 12, "ab" * 32) == tuple(
        operations[1][key] for key in ("path", "size", "sha256")
    )
    assert 12 == ran.document["bytes_to_upload"]
    assert (1, ["HP-R05"]) == (failing.code, failing.codes)


def test_a_release_of_which_nothing_is_staged_is_not_promoted(project: Project) -> None:
    """And the hint is the command that stages and proves it."""
    _locked(project)
    ran = project("promote", "tiny", "--hub", "local", "--yes")

    assert (2, ["HP-R02"]) == (ran.code, ran.codes)
    assert "nothing of tiny is staged on this Hub; not there: acme/tiny-data" in ran.err
    assert "hint:  hubpub release tiny --hub local --until verify" in ran.err


def _locked(project: Project) -> None:
    """A lock as a release writes it, of a dataset alone."""
    folder = project.root / "model_cards" / "tiny"
    (folder / "release.yaml").write_text(
        "manifest: 1\nversion: 1.0.0\nowner: acme\nlicence: mit\nbase: {model: acme/base}\n"
        "dataset: {folder: inputs/data}\nartifacts: [dataset]\ncard: {limitations: limitations.md}\n"
    )
    source = {"path": "evidence/dataset.json", "sha256": "cd" * 32, "pointer": ""}
    facts = {
        "dataset.rows": (16, "rows"),
        "dataset.train.rows": (12, "rows"),
        "dataset.validation.rows": (4, "rows"),
        "dataset.size_bytes": (1200, "bytes"),
        "dataset.columns": (["prompt", "completion"], None),
    }
    lock = {
        "schema": "hubpub/lock/1",
        "name": "tiny",
        "facts": [
            {
                "id": fact_id,
                "value": value,
                "unit": unit,
                "status": "known",
                "stage": "dataset",
                "source": source,
                "stand_in": False,
            }
            for fact_id, (value, unit) in facts.items()
        ],
        "artifacts": {
            "dataset": {
                "repo": "acme/tiny-data",
                "files": [{"path": "data/train-00000-of-00001.parquet", "size": 12, "sha256": "ab" * 32}],
                "card": [],
            }
        },
        "stages": {},
        "released": {},
    }
    (folder / "release.lock.json").write_text(json.dumps(lock))


def test_of_a_release_only_what_it_publishes_is_checked(project):
    """A workspace also holds what others own, such as the base of an adapter; it has no card, and needs none."""
    for kind in ("base", "dataset", "merged"):
        folder = project.root / ".hubpub" / "tiny" / "artifacts" / kind
        folder.mkdir(parents=True)
        (folder / "README.md").write_text("---\nlicense: mit\n---\n# A card\n")
    ran = project("check", "tiny", "--format", "json")

    assert {"tiny/base", "tiny/dataset"} == {name.strip() for name in ran.document["target"].split(",")}
