"""`hubpub init` and `card --accept` as users type them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
from cli_runs import HUBPUB, Project, Ran, environment_of
from quantized_folders import write_awq
from ruamel.yaml import YAML

SEED = """\
# Harbour-12B: a fine-tune

## Model Description
It captions ships in harbours. It was trained on 500 pictures.

## Model Details
- **Base Model**: `google/gemma-2-12b-it`
- **LoRA Rank (r)**: 64

## Model Architecture
```
Gemma-2-12B
└── 42 Transformer Blocks
```

## Performance
- **Validation Perplexity**: Improved on harbour words

## Usage
```python
model.generate_caption(photo)
```

## Limitations
- Ships only.
- [More Information Needed]
"""


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_without_a_source_a_skeleton_is_written_that_every_command_takes(empty: Project) -> None:
    """Nothing is asked; what is missing is the plan's to say, file by file."""
    ran = empty("init", "demo", "--owner", "acme")
    folder = empty.root / "model_cards" / "demo"
    seen = empty("status", "demo", "--hub", "local", "--format", "json")

    assert 0 == ran.code, ran.err
    assert {"release.yaml", "intended_use.md", "limitations.md"} == {file.name for file in folder.iterdir()}
    assert "next: hubpub plan demo" in ran.out
    assert (0, ["acme/demo-lora"]) == (seen.code, list(seen.document["releases"][0]["repos"])), seen.err


@pytest.mark.parametrize("more", [(), ("--yes",)])
def test_what_is_there_is_never_overwritten(project: Project, more: tuple[str, ...]) -> None:
    """--yes is no leave to destroy a manifest."""
    manifest = project.root / "model_cards" / "tiny" / "release.yaml"
    before = manifest.read_text()
    ran = project("init", "tiny", *more)

    assert (2, ["HP-M09"]) == (ran.code, ran.codes)
    assert before == manifest.read_text()


def test_an_old_card_comes_out_with_its_claims_listed_and_is_refused_until_they_are_answered(
    empty: Project,
) -> None:
    """Nothing false is published because nobody looked."""
    (empty.root / "README.md").write_text(SEED)
    ran = empty("init", "harbour", "--from-card", "README.md", "--owner", "acme", "--format", "json")
    document = ran.document
    claims = {claim["id"]: claim["value"] for claim in document["claims"]}
    refused = empty("plan", "harbour", "--hub", "local")

    assert (0, "hubpub/init/1") == (ran.code, document["schema"]), ran.err
    assert {
        "model.was_trained_pictures": "It was trained on 500 pictures.",
        "model.base_model": "google/gemma-2-12b-it",
        "model.lora_rank_r": 64,
        "model.transformer_blocks": "42 Transformer Blocks",
        "model.validation_perplexity": "Improved on harbour words",
    }.items() <= claims.items()
    assert (2, {"HP-M11"}) == (refused.code, set(refused.codes))
    assert len(claims) + 2 == len(refused.codes), "every claim, the base and the adapter"


def test_when_every_question_is_answered_the_manifest_is_taken(empty: Project) -> None:
    """The way from an old card to a plan: confirm one claim, drop the others, name base and adapter."""
    (empty.root / "README.md").write_text(SEED)
    empty("init", "harbour", "--from-card", "README.md", "--owner", "acme")
    file = empty.root / "model_cards" / "harbour" / "release.yaml"
    yaml = YAML()
    manifest = yaml.load(file.read_text())
    manifest["base"], manifest["adapter"] = "google/gemma-3-12b-it", "../../out"
    confirmed = manifest["stated"]["model.was_trained_pictures"]
    manifest["stated"] = {"train.pictures": {**confirmed, "source": "the list of files"}}
    yaml.dump(manifest, file)
    ran = empty("status", "harbour", "--hub", "local")

    assert 0 == ran.code, ran.err
    assert "acme/harbour-lora" in ran.out


def test_a_dataset_is_planned_as_it_was_begun(empty: Project) -> None:
    """No edit between the two commands, and no model named in either."""
    rows = empty.root / "rows"
    rows.mkdir()
    (rows / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# Rows\n")
    (rows / "train.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    ran = empty("init", "demo", "--from-dataset", "rows", "--owner", "acme", "--format", "json")
    said = json.loads(ran.out)
    planned = empty("plan", "demo", "--hub", "local")

    assert (None, []) == (said["base"], said["open"])
    assert {"build": {"from": "jsonl", "file": "../../rows/train.jsonl"}} == said["dataset"]
    assert 0 == planned.code, planned.err
    assert "+ acme/demo (dataset, private)" in planned.out


def test_a_pattern_that_finds_no_file_is_refused_with_how_to_write_it(empty: Project) -> None:
    """A shell that has opened it up already is the usual reason; nothing is written."""
    ran = empty("init", "q", "--from-files", "*.gguf", "--source", "acme/base")

    assert (2, ["HP-M09"]) == (ran.code, ran.codes)
    assert not (empty.root / "model_cards").exists()


def test_two_questions_are_asked_on_a_terminal_and_an_empty_answer_takes_the_default(empty: Project) -> None:
    """What no file tells; in a script, and with --yes, it waits in the manifest instead."""
    write_awq(empty.root / "q" / "awq")
    master, slave = pty.openpty()
    os.write(master, b"quantco\nacme/base@ab12\n")
    ran = subprocess.run(
        [HUBPUB, "init", "q", "--from-files", "q/awq", "--hub", "local"],
        cwd=empty.root, env=environment_of({}), stdin=slave, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    os.close(slave)
    os.close(master)
    manifest = YAML(typ="safe").load((empty.root / "model_cards" / "q" / "release.yaml").read_text())
    silent = empty("init", "p", "--from-files", "q/awq", "--hub", "local", "--yes")

    assert 0 == ran.returncode, ran.stderr
    assert ("quantco", "acme/base@ab12") == (manifest["owner"], manifest["source"])
    assert {"repo": "quantco/q-AWQ", "folder": "../../q/awq", "proof": "static"} == manifest["artifacts"][
        "awq"
    ]
    assert 2 == ran.stderr.count("?")
    assert ["owner", "source"] == re.findall(r"^open: (\w+) is open", silent.out, re.MULTILINE)
    assert 2 == silent.out.count("\nopen: ")


@pytest.mark.parametrize(
    "options",
    [
        ("--from-repo", "a/b", "--from-card", "README.md"),
        ("--from-adapter", "a", "--from-repo", "a/b"),
        ("--source", "a/b"),
        ("--from-card", "no-such-file.md"),
        ("--from-adapter", "no/such/folder/here"),
    ],
)
def test_sources_that_are_none_or_do_not_go_together_leave_nothing_behind(
    empty: Project, options: tuple[str, ...]
) -> None:
    """Half a release would stand in the way of the next try."""
    ran = empty("init", "demo", *options)

    assert (2, ["HP-M09"]) == (ran.code, ran.codes)
    assert not (empty.root / "model_cards").exists()


def test_a_name_that_no_repo_could_have_is_refused(empty: Project) -> None:
    """And none that leads out of model_cards/."""
    ran = empty("init", "../elsewhere")

    assert (2, ["HP-M09"]) == (ran.code, ran.codes)


# --- card --accept


def test_accepting_states_every_bare_number_once_and_leaves_none(project: Project) -> None:
    """The one-command mend: afterwards the trace has no number without an origin, and a second run does nothing."""
    manifest = _with_bare_numbers(project)
    listed = project("card", "tiny", "--explain")
    ran = project("card", "tiny", "--accept", "--yes")
    after = manifest.read_text()
    again = project("card", "tiny", "--accept", "--yes")

    assert "hubpub card tiny --accept" in listed.out
    assert 0 == ran.code, ran.err
    assert "model_cards/tiny/limitations.md:1: 64 is dataset.seen_by_people, stated by the author" in ran.err
    assert "model_cards/tiny/limitations.md:3: 95.3% is dataset." in ran.err
    assert "# the licence of the pictures" in after, "comments stay"
    stated = YAML(typ="safe").load(after)["stated"]
    assert {64, 0.953, "007"} == {entry["value"] for entry in stated.values()}
    assert [] == _bare(project("card", "tiny", "--explain", "--format", "json"))
    assert (0, after) == (again.code, manifest.read_text())
    assert "no number was stated" in again.err


def test_without_a_terminal_and_without_yes_no_source_is_made_up(project: Project) -> None:
    """A statement is somebody's."""
    manifest = _with_bare_numbers(project)
    before = manifest.read_text()
    ran = project("card", "tiny", "--accept")

    assert (2, ["HP-M09"]) == (ran.code, ran.codes)
    assert "hubpub card tiny --accept --yes" in ran.err
    assert before == manifest.read_text()


def test_on_a_terminal_each_number_is_asked_for_its_source_and_may_be_left(project: Project) -> None:
    """Enter leaves a number as it is; what is answered is its source."""
    manifest = _with_bare_numbers(project)
    master, slave = pty.openpty()
    os.write(master, b"a head count\n\n\n")
    ran = subprocess.run(
        [HUBPUB, "card", "tiny", "--accept"],
        cwd=project.root, env=environment_of({}), stdin=slave, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    os.close(slave)
    os.close(master)
    stated = YAML(typ="safe").load(manifest.read_text())["stated"]

    assert 0 == ran.returncode, ran.stderr
    assert [(64, "a head count")] == [(entry["value"], entry["source"]) for entry in stated.values()]
    assert ["95.3", "007"] == _bare(project("card", "tiny", "--explain", "--format", "json"))


def test_writing_cards_tells_of_numbers_without_evidence(project: Project) -> None:
    """A warning with the command that mends it."""
    _with_bare_numbers(project)
    ran = project("card", "tiny")

    assert 0 == ran.code, ran.err
    assert (
        "3 numbers have no evidence: hubpub card tiny --explain lists them, --accept states them" in ran.err
    )


def _bare(ran: Ran) -> list[str]:
    return [
        s["text"] for card in ran.document["cards"] for s in card["spans"] if s.get("reason") == "unaccounted"
    ]


def _with_bare_numbers(project: Project) -> Path:
    """A dataset that was made, and prose with three numbers that nothing accounts for."""
    folder = project.root / "model_cards" / "tiny"
    (folder / "release.yaml").write_text(
        "manifest: 1\nversion: 1.0.0\nowner: acme\nlicence: mit  # the licence of the pictures\n"
        "base: {model: acme/base}\ndataset: {folder: inputs/data}\nartifacts: [dataset]\n"
        "card:\n  sections: {dataset.limitations: limitations.md}\n"
    )
    (folder / "limitations.md").write_text(
        "Seen by 64 people, all at sea.\n\nOf these 95.3% liked it; agent 007 did not.\n"
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
                "id": i,
                "value": v,
                "unit": u,
                "status": "known",
                "stage": "dataset",
                "source": source,
                "stand_in": False,
            }
            for i, (v, u) in facts.items()
        ],
        "artifacts": {},
        "stages": {},
        "released": {},
    }
    (folder / "release.lock.json").write_text(json.dumps(lock))
    return folder / "release.yaml"
