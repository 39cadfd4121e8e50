"""Benchmarks that were run elsewhere, from the results file to the Hub and to the next version."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from benchmark_results import named, scored, write
from release_room import Room
from tiny_rooms import NAME, write_project

PARAMETERS = 5_712  # of the tiny base


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A base and an adapter with results of both; the adapter's has to be the better one."""
    folder = write_project(tmp_path, ("base", "adapter"))
    room = Room(tmp_path, NAME)
    _results(room, 0.5)
    with (folder / "release.yaml").open("a") as manifest:
        manifest.write("lm_eval: {base: results/base.json, adapter: results/adapter.json}\n")
        manifest.write("gates: {lm_eval.adapter.where.acc: {must_beat: base, max_fall: 0.1}}\n")
    return room


def _results(room: Room, tuned: float, *, parameters: int = PARAMETERS) -> None:
    base = named("acme/tiny-base", parameters=parameters)
    adapted = named("acme/tiny-base", peft="out", parameters=parameters + 512)
    write(room.cards / "results" / "base.json", scored(0.25, **base))
    write(room.cards / "results" / "adapter.json", scored(tuned, **adapted))


def _train_again(room: Room, seed: int) -> None:
    from tiny_project import write_adapter

    write_adapter(room.cards / "inputs" / "adapter", seed=seed)


def _release(room: Room, *version: str) -> tuple[int, list[str], str]:
    ran = room.release(*version, "--proof", "static")
    return ran.code, ran.errors, ran.err


def test_a_number_leads_from_the_card_to_the_file_that_it_was_read_from(room: Room) -> None:
    """Card → fact → evidence → the sha256 of what the harness wrote."""
    code, _, err = _release(room)
    assert 0 == code, err
    assert "2 values of where, measured elsewhere" in err
    card = room.artifact("adapter")["README.md"].decode()
    evidence = room.artifact("adapter")["evidence/benchmarks.json"]
    traced = json.loads(room.run("card", NAME, "--explain", "--format", "json").out)["cards"]
    spans = [span for each in traced if each["artifact"] == "adapter" for span in each["spans"]]
    sha256 = hashlib.sha256((room.cards / "results" / "adapter.json").read_bytes()).hexdigest()

    assert "| 0.2500 ± 0.0100 | 0.5000 ± 0.0100 |" in card
    assert "lm_eval.adapter.where.acc" in {span.get("fact") for span in spans if span["text"] == "0.5000"}
    assert [sha256] == json.loads(evidence)["measured"]["lm_eval.file.adapter.sha256"]["value"]
    assert sha256 in card
    assert b"/home/anna" not in b"".join(room.artifact("adapter").values())


def test_a_gate_on_a_benchmark_stops_the_release(room: Room) -> None:
    _results(room, 0.125)
    code, errors, err = _release(room)

    assert (1, ["HP-E09"]) == (code, errors)
    assert "lm_eval.adapter.where.acc is 0.125 and does not beat the base's 0.25" in err


def test_results_of_a_model_of_another_size_stop_the_release(room: Room) -> None:
    _results(room, 0.5, parameters=1_000_000)
    code, errors, err = _release(room)

    assert (1, ["HP-A09"]) == (code, errors)
    assert f"base.json is of a model of 1,000,000 parameters, and base has {PARAMETERS:,}" in err


def test_after_another_training_the_old_numbers_are_refused_until_they_are_measured_again(
    room: Room,
) -> None:
    """The numbers of version 1 on the card of version 2 would be a lie that nobody sees; in a fresh clone too."""
    assert 0 == _release(room)[0]
    shutil.rmtree(room.workspace)
    _train_again(room, seed=7)
    code, errors, err = _release(room, "1.1.0", "--train")

    assert (1, ["HP-A09"]) == (code, errors)
    assert "the weights of adapter are other ones than when adapter.json was first read" in err

    _results(room, 0.45)
    code, _, err = _release(room, "1.1.0")
    assert 0 == code, err
    card = room.artifact("adapter")["README.md"].decode()
    assert "0.4500 ± 0.0100" in card
    assert "| `lm_eval.adapter.where.acc` | 0.5000 | 0.4500 |" in card
