"""What is said while a release runs, to people and to programs, and what its end leaves them with."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from release_room import HUBPUB, Ran, Room
from tiny_rooms import NAME, write_project

from publisher.pipeline.stages import names_of_run

ROOT = Path(__file__).resolve().parents[2]
STATIC = ("--proof", "static")
WITHOUT = ["how good it is", "what it answers", "how the adapter was trained"]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Room, Ran]:
    """A release of base and adapter, told in JSON."""
    root = tmp_path_factory.mktemp("told") / "project"
    write_project(root, ("base", "adapter"))
    room = Room(root, NAME)
    return room, room.release(*STATIC, "--format", "json")


@pytest.fixture
def room(first: tuple[Room, Ran], tmp_path: Path) -> Room:
    """A copy of it, to go on with."""
    return first[0].copy(tmp_path / "project")


def events(ran: Ran) -> Iterator[dict[str, Any]]:
    """What a program reads of stderr: the lines that begin with a brace."""
    return (json.loads(line) for line in ran.err.splitlines() if line.startswith("{"))


def undocumented(ran: Ran) -> list[str]:
    """Events and fields that the page does not have: whoever reads them relies on it."""
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    names = {name for event in events(ran) for name in (event["event"], *event)}
    return sorted(name for name in names if f"`{name}`" not in page)


def next_version(room: Room) -> None:
    """Another adapter, as 1.1.0."""
    weights = room.cards / "inputs" / "adapter" / "adapter_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 1
    weights.write_bytes(content)
    room.edit("manifest: 1\n", "manifest: 1\nversion: 1.1.0\n")


def test_programs_hear_of_every_stage_once_and_in_order(first: tuple[Room, Ran]) -> None:
    """started and then done, or skipped with its reason; stdout is the one document all the same."""
    _, ran = first
    told = list(events(ran))
    ends = [event for event in told if event["event"] in ("done", "skipped")]
    stages = names_of_run(proposing=False)

    assert 0 == ran.code, ran.err
    assert "hubpub/release/1" == json.loads(ran.out)["schema"]
    assert {("hubpub/event/1", NAME)} == {(event["schema"], event["release"]) for event in told}
    assert list(stages) == [event["stage"] for event in ends]
    assert [event["stage"] for event in ends if event["event"] == "done"] == [
        event["stage"] for event in told if event["event"] == "started"
    ]
    assert [
        (stages.index(event["stage"]) + 1, len(stages)) for event in told if event["event"] == "started"
    ] == [(event["number"], event["stages"]) for event in told if event["event"] == "started"]
    skipped = {event["stage"]: event["reason"] for event in ends if event["event"] == "skipped"}
    assert "the manifest asks for no evaluation" == skipped["evaluate"]
    assert [] == [line for line in ran.err.splitlines() if line.startswith(("✓", "–", "  …"))]
    assert sorted(event["run_s"] for event in told) == [event["run_s"] for event in told]
    assert [] == undocumented(ran)


def test_programs_hear_how_far_a_stage_is_and_of_the_plan(first: tuple[Room, Ran]) -> None:
    """Numbers with their unit; a rate that is not known yet is null."""
    told = list(events(first[1]))
    sent = [event for event in told if event["event"] == "progress" and event["stage"] == "publish"]
    (plan,) = (event for event in told if event["event"] == "planned")

    assert (plan["bytes_to_upload"], "bytes") == (sent[-1]["done"], sent[-1]["unit"])
    assert sent[-1]["total"] == sent[-1]["done"]
    assert {"rate", "remaining_s", "note"} <= sent[0].keys()
    assert (["acme/tiny-base", "acme/tiny-lora"], True) == (plan["repos"], plan["changes_anything"])


def test_a_release_that_stops_is_an_event_as_well(room: Room) -> None:
    """With the code, the exit code, and the hint as it would be typed; people get their lines beside it."""
    config = room.cards / "inputs" / "adapter" / "adapter_config.json"
    config.write_text(config.read_text().replace('"r": 2', '"r": 3'))
    ran = room.release(*STATIC, "--format", "json")
    last = list(events(ran))[-1]

    assert ("failed", "train", ran.code) == (last["event"], last["stage"], last["exit_code"])
    assert ran.errors == [error["code"] for error in last["errors"]]
    assert {"code", "what", "where", "hint"} == last["errors"][0].keys()
    assert "" == ran.out
    assert [] == undocumented(ran)


def test_people_see_the_stage_that_stopped(room: Room) -> None:
    """One line a stage, that one too: a log's last line names it."""
    config = room.cards / "inputs" / "adapter" / "adapter_config.json"
    config.write_text(config.read_text().replace('"r": 2', '"r": 3'))
    ran = room.release(*STATIC)
    (stopped,) = (line.split() for line in ran.err.splitlines() if line.startswith("✗"))

    assert ["✗", "train", "stopped:", ran.errors[0]] == stopped[:4]


def test_a_quiet_run_has_no_events(room: Room) -> None:
    """Results and errors only."""
    ran = room.release(*STATIC, "--format", "json", "--quiet")

    assert (0, "") == (ran.code, ran.err)


def test_the_end_of_a_first_release_says_what_was_not_proven_and_that_nothing_was_before_it(
    first: tuple[Room, Ran],
) -> None:
    """Nobody evaluated it, nobody asked it, nobody saw it trained: the card's reader may think so."""
    room, ran = first
    document = json.loads(ran.out)

    assert WITHOUT == [line.partition(":")[0] for line in document["not_proven"]][:3]
    assert ".hubpub/tiny/hubs/local/receipts/1.0.0.json" == document["receipt"]
    assert (room.root / document["receipt"]).is_file()
    assert document["undo"].startswith("no version was there before this one")


def test_a_second_version_is_promoted_rolled_back_and_put_forward_by_the_commands_that_each_end_names(
    room: Room,
) -> None:
    """Each undo is typed as it was said; every step leaves a receipt of what was done and looked at."""
    next_version(room)
    staged = room.release(*STATIC, "--until", "verify")
    promoted = room.run("promote", NAME, "--hub", "local", "--yes")
    undo = next(line.split("undo:")[1] for line in promoted.out.splitlines() if "undo:" in line)
    back = room.run(*undo.split()[1:], "--yes")
    forward = next(line.split("undo:")[1] for line in back.out.splitlines() if "undo:" in line)
    again = room.run(*forward.split()[1:], "--yes", "--format", "json")
    receipts = room.workspace / "hubs" / "local" / "receipts"
    kept = {file.name: json.loads(file.read_text()) for file in receipts.iterdir()}

    assert "next:    hubpub promote tiny --hub local" in staged.out
    assert "hubpub rollback tiny 1.0.0 --hub local" == undo.strip()
    assert "unproven: how good it is" in promoted.out
    assert "hubpub rollback tiny 1.1.0 --hub local" == forward.strip()
    assert "receipt:   .hubpub/tiny/hubs/local/receipts/rollback-1.json" in back.out
    assert (0, undo.strip()) == (again.code, json.loads(again.out)["undo"])
    assert {"1.0.0.json", "1.1.0.json", "rollback-1.json", "rollback-2.json"} == kept.keys()
    checks = kept["1.1.0.json"]["checks"]
    assert (2, 2, 2) == (
        checks["repos_as_locked"],
        checks["repos_proven_at_their_commit"],
        checks["repos_as_proven_on_main"],
    )
    assert checks["files_as_locked"] > 5
    taken = kept["rollback-1.json"]
    assert ("hubpub/rollback-receipt/1", "1.0.0", ["1.1.0"]) == (
        taken["schema"],
        taken["version"],
        taken["withdrawn"],
    )
    assert {"1.1.0"} == {repo["was"] for repo in taken["repos"]}
    made = {repo["repo_id"]: repo["commit"] for repo in kept["1.1.0.json"]["repos"]}
    assert made == {repo["repo_id"]: repo["before"] for repo in taken["repos"]}


def test_a_revision_of_the_card_is_undone_in_the_text(room: Room) -> None:
    """Rolling back to the same version would change nothing."""
    (room.cards / "limitations.md").write_text("It knows one thing.\n")
    ran = room.release(*STATIC, "--format", "json")

    assert "1.0.0+card.1" == json.loads(ran.out)["version"]
    assert "git revert what changed in the card, then release again" == json.loads(ran.out)["undo"]


def test_a_terminal_shows_the_present_stage_and_how_many_are_to_come(tmp_path: Path) -> None:
    """A real pseudo-terminal: only there anything is drawn."""
    write_project(tmp_path, ("adapter",))
    mine, theirs = pty.openpty()
    with subprocess.Popen(
        [HUBPUB, "release", NAME, "--hub", "local", "--yes", *STATIC],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "160"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        drawn = b""
        while piece := _read(mine):
            drawn += piece
        said = running.stdout.read().decode()
    os.close(mine)
    screen = drawn.decode()

    assert "Released tiny 1.0.0" in said
    assert "all stages" in screen
    assert f"of {len(names_of_run(proposing=False))}" in screen
    assert "then verify, promote, receipt" in screen


def _read(terminal: int) -> bytes:
    """What was drawn since; nothing once the program has closed its end."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
