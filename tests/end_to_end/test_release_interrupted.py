"""A release that is stopped or killed at every turn ends where an undisturbed one ends."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest
from release_room import Ran, Repo, Room

pytestmark = [pytest.mark.models, pytest.mark.long]


def _stopped(ran: Ran) -> bool:
    """The promised end of an interruption: exit 5, and the command that goes on."""
    assert 5 == ran.code, ran.err
    assert ["HP-I01"] == ran.errors
    assert "go on with: hubpub release" in ran.err
    return True


def _soon_after(line: str, wait_s: float) -> Callable[[str], bool]:
    """So many seconds after a line was printed."""
    since: list[float] = []

    def met(text: str) -> bool:
        if line in text and not since:
            since.append(time.monotonic())
        return bool(since) and time.monotonic() - since[0] >= wait_s

    return met


def test_ctrl_c_while_data_is_built(fresh_adopted: Room) -> None:
    """Half a dataset must not pass for a whole one."""
    fresh_adopted.edit(
        "dataset: {folder: inputs/data}", "dataset: {build: {from: scenes, scenes: 150, seed: 3}}"
    )
    fresh_adopted.edit("artifacts: [base, dataset, adapter]", "artifacts: [base, dataset]")
    fresh_adopted.edit("adapter: inputs/adapter\n", "")

    assert _stopped(fresh_adopted.release_until(_soon_after("✓ resolve", 0.5), signal.SIGINT))
    assert not (fresh_adopted.workspace / "artifacts" / "dataset").exists()
    again = fresh_adopted.release("--until", "dataset")
    assert 0 == again.code, again.err
    assert "unchanged" == again.skipped["resolve"]
    assert (fresh_adopted.workspace / "artifacts" / "dataset" / "data").is_dir()


def test_ctrl_c_while_it_trains_and_the_training_goes_on_from_its_checkpoint(fresh_whole: Room) -> None:
    """Hours of training are not lost to an impatient finger."""
    fresh_whole.edit("steps: 2", "steps: 40")
    runs = fresh_whole.workspace / "scratch"
    stopped = fresh_whole.release_until(lambda _: any(runs.glob("train-*/checkpoints/*")), signal.SIGINT)

    assert _stopped(stopped)
    assert any(runs.glob("train-*/checkpoints/*"))
    again = fresh_whole.release("--until", "train")
    assert 0 == again.code, again.err
    expected = {"resolve": "unchanged", "convertible": "no GGUF file is made here", "dataset": "unchanged"}
    assert expected == again.skipped
    assert not any(runs.glob("train-*/checkpoints/*"))


def test_ctrl_c_while_it_is_validated(fresh_adopted: Room) -> None:
    """The child goes with its parent, and what was made stays made."""
    fresh_adopted.edit("artifacts: [base, dataset, adapter]", "artifacts: [base]")
    fresh_adopted.edit("adapter: inputs/adapter\n", "")

    assert _stopped(fresh_adopted.release_until(_soon_after("✓ dataset", 2.0), signal.SIGINT))
    again = fresh_adopted.release("--until", "validate")
    assert 0 == again.code, again.err
    assert {"resolve": "unchanged", "dataset": "unchanged"}.items() <= again.skipped.items()
    assert "validate" in again.worked


def test_stopped_and_killed_in_publish_verify_and_promote(validated: Room, released_adopted: Room) -> None:
    """Whatever happens on the way, the Hub ends with one commit a repo, its tag, no branch, and the same bytes."""
    undisturbed = released_adopted.published()

    assert _stopped(
        validated.release_until(lambda _: validated.journaled("begin", "stage") >= 1, signal.SIGINT)
    )
    _nothing_on_main(validated)

    killed = validated.release_until(
        lambda _: validated.journaled("begin", "branch") >= 2,
        signal.SIGKILL,
    )
    assert -signal.SIGKILL == killed.code
    _nothing_on_main(validated)

    killed = validated.release_until(lambda _: validated.journaled("proven") >= 1, signal.SIGKILL)
    assert -signal.SIGKILL == killed.code
    _nothing_on_main(validated)

    assert _stopped(validated.release_until(_soon_after("✓ publish", 1.5), signal.SIGINT))
    _nothing_on_main(validated)

    proven = validated.journaled("proven")
    killed = validated.release_until(lambda _: validated.journaled("done", "promote") >= 1, signal.SIGKILL)
    assert -signal.SIGKILL == killed.code

    last = validated.release()
    assert 0 == last.code, last.err
    assert {"resolve", "dataset", "train", "validate"} <= set(last.skipped)
    assert 3 == validated.journaled("proven") or proven < validated.journaled("proven")
    published = validated.published()
    assert [_end(repo) for repo in undisturbed.values()] == [_end(repo) for repo in published.values()]
    assert list(undisturbed) == list(published)
    for kind, repo_id in (("base", "acme/adopted-base"), ("adapter", "acme/adopted-lora")):
        assert validated.artifact(kind) == published[repo_id].files
    assert (validated.workspace / "hubs/local/receipts/1.0.0.json").is_file()
    assert "nothing to do" in validated.release().out


def _nothing_on_main(room: Room) -> None:
    for repo in room.published().values():
        assert ["initial commit"] == repo.commits
        assert {} == repo.tags
        assert repo.private


def _end(repo: Repo) -> tuple[bool, list[str], list[str], list[str], list[str]]:
    """What must be alike, however a release came to its end."""
    return repo.private, sorted(repo.branches), sorted(repo.tags), repo.commits, sorted(repo.files)
