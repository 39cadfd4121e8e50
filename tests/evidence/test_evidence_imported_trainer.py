"""transformers' own files: the state that a Trainer saves, and its arguments as JSON."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

import pytest
from imported_files import ARGUMENTS, LOG, STATE, told, write

from publisher.errors import HubpubError
from publisher.evidence.imported.run import read_run
from publisher.records.facts import Json


def _refused(folder: Path, *names: str) -> HubpubError:
    with pytest.raises(HubpubError) as caught:
        read_run(folder, names)
    return caught.value


def _state(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(STATE), **changes}


def test_a_trainer_state_tells_of_the_run(tmp_path: Path) -> None:
    """Losses, steps, the best evaluation; and nothing of where it ran."""
    write(tmp_path, "trainer_state.json", STATE)
    log = [
        {k: v for k, v in row.items() if k in ("step", "loss", "learning_rate", "grad_norm", "epoch")}
        for row in LOG
    ]

    assert {
        "best_metric": 1.9,
        "best_step": 20,
        "epochs": 1.5,
        "eval_log": [{"step": 20, "eval_loss": 1.9, "epoch": 1.0}],
        "final_eval_loss": 1.9,
        "final_loss": 1.5,
        "first_loss": 2.5,
        "log": [log[0], log[1], log[3]],
        "log_counts": "optimizer steps",
        "log_rows": 3,
        "mean_loss": 1.9166,
        "process_batch_size": 8,
        "seconds": 93.1,
        "steps": 30,
        "steps_planned": 40,
        "total_flos": 1.5e12,
    } == told(tmp_path, "trainer_state.json")


def test_each_file_is_named_with_its_digest(tmp_path: Path) -> None:
    """Whoever has the file can prove that it is the one; the folder that it lay in is not told."""
    file = write(tmp_path / "anna", "trainer_state.json", STATE)
    measured = {m.id: m.value for m in read_run(tmp_path, ["anna/trainer_state.json"]).measured}

    assert "trainer_state.json" == measured["train.source.trainer_state.file"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == measured["train.source.trainer_state.sha256"]


def test_arguments_are_taken_by_an_allow_list(tmp_path: Path) -> None:
    """Token, user, host and paths stand in the same file."""
    write(tmp_path, "training_args.json", ARGUMENTS)

    assert {
        "batch_size": 8,
        "compute_dtype": "bfloat16",
        "epochs_planned": 2.0,
        "gradient_accumulation": 2,
        "learning_rate": 0.0002,
        "max_grad_norm": 1.0,
        "max_length": 1024,
        "optimizer": "adamw_torch_fused",
        "packing": False,
        "schedule": "cosine",
        "seed": 42,
        "warmup_ratio": 0.03,
        "weight_decay": 0.01,
    } == told(tmp_path, "training_args.json")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"max_steps": 50}, {"steps_planned": 50}),
        ({"warmup_steps": 5, "warmup_ratio": 0.1}, {"warmup_steps": 5}),
        ({"warmup_steps": 0.05}, {"warmup_ratio": 0.05}),
        ({"warmup_steps": 0}, {"warmup_steps": 0}),
        ({"lr_scheduler_type": "SchedulerType.LINEAR"}, {"schedule": "linear"}),
        ({"resume_from_checkpoint": "/home/anna/checkpoint-10"}, {"resumed": True}),
        ({"learning_rate": None, "seed": None}, {}),
    ],
)
def test_settings_mean_what_transformers_makes_of_them(
    tmp_path: Path, given: dict[str, Json], expected: dict[str, Json]
) -> None:
    """Steps win over epochs, warm-up is one setting in two forms, and null is no value."""
    write(tmp_path, "args.json", {"per_device_train_batch_size": 1, "num_train_epochs": 3, **given})
    planned = {} if "max_steps" in given else {"epochs_planned": 3}

    assert {"batch_size": 1, **planned, **expected} == told(tmp_path, "args.json")


def test_the_last_part_of_an_interrupted_run_does_not_pass_for_the_whole(tmp_path: Path) -> None:
    """The entry that closes it counts from the checkpoint on."""
    write(tmp_path, "trainer_state.json", STATE)
    write(
        tmp_path, "args.json", {"per_device_train_batch_size": 8, "resume_from_checkpoint": "checkpoint-10"}
    )
    found = told(tmp_path, "trainer_state.json", "args.json")

    assert found["resumed"]
    assert not {"seconds", "mean_loss"} & found.keys()


def test_nan_in_a_log_is_said_and_never_a_number(tmp_path: Path) -> None:
    """A run that blew up must not look like one that logged less."""
    log = copy.deepcopy(LOG)
    log[1]["loss"], log[3]["loss"], log[0]["grad_norm"] = float("nan"), float("inf"), float("nan")
    write(tmp_path, "trainer_state.json", _state(log_history=log, best_metric=float("-inf")))
    found = told(tmp_path, "trainer_state.json")
    status = {m.id: m.status for m in read_run(tmp_path, ["trainer_state.json"]).measured}

    assert {"loss": 2, "grad_norm": 1} == found["log_not_finite"]
    assert [2.5, None, None] == [row["loss"] for row in found["log"]]
    assert (2.5, None, "unknown") == (found["first_loss"], found["final_loss"], status["train.final_loss"])
    assert "best_metric" not in found


def test_a_long_log_keeps_its_ends(tmp_path: Path) -> None:
    """The lock and every card carry it."""
    log = [{"step": n, "loss": 1 / n} for n in range(1, 5002)]
    write(tmp_path, "trainer_state.json", _state(log_history=log, global_step=5001))
    found = told(tmp_path, "trainer_state.json")

    assert (5001, 2000) == (found["log_rows"], len(found["log"]))
    assert (1, 5001) == (found["log"][0]["step"], found["log"][-1]["step"])


@pytest.mark.parametrize(
    ("line", "old", "new", "what"),
    [
        (12, '"loss": 2.5', '"loss": "high"', "loss in trainer_state.json is 'high', where a number belongs"),
        (13, '"step": 10', '"step": 1.5', "step in trainer_state.json is 1.5, where a step belongs"),
        (
            6,
            '"global_step": 30',
            '"global_step": "x"',
            "global_step in trainer_state.json is 'x', where a number belongs",
        ),
        (
            7,
            '"log_history": [',
            '"log_history": 5, "x": [',
            "log_history of trainer_state.json is no list of entries",
        ),
        (3, '"best_metric": 1.9', '"best_metric": oops', "trainer_state.json is not JSON: Expecting value"),
        (
            33,
            '"global_step": 30',
            '"global_step": 20',
            "trainer_state.json logged step 30, and says that it made 20",
        ),
    ],
)
def test_a_malformed_state_is_refused_at_its_line(
    tmp_path: Path, line: int, old: str, new: str, what: str
) -> None:
    """It was recognised, so leaving it out in silence would be a guess."""
    file = write(tmp_path, "trainer_state.json", STATE)
    text = file.read_text()
    file.write_text(text.replace(old, new, 1))
    refusal = _refused(tmp_path, "trainer_state.json")

    assert ("HP-A08", f"{file}:{line}", what) == (refusal.code, refusal.where, refusal.what)


def test_an_argument_of_another_kind_is_refused_at_its_line(tmp_path: Path) -> None:
    file = write(tmp_path, "args.json", {**ARGUMENTS, "learning_rate": "fast"})
    refusal = _refused(tmp_path, "args.json")

    assert ("HP-A08", f"{file}:7") == (refusal.code, refusal.where)
    assert "learning_rate in args.json is 'fast', where a number belongs" == refusal.what


def test_pickled_arguments_are_never_opened(tmp_path: Path) -> None:
    """`training_args.bin` is code; the hint says how to get the same as text."""
    (tmp_path / "training_args.bin").write_bytes(b"\x80\x04cos\nsystem\n")
    refusal = _refused(tmp_path, "training_args.bin")

    assert "HP-A08" == refusal.code
    assert "args.to_json_string()" in refusal.hint


def test_a_folder_gives_what_is_known_in_it(tmp_path: Path) -> None:
    """Beside an adapter lie weights, a tokenizer, pickles and notes."""
    write(tmp_path, "trainer_state.json", STATE)
    write(tmp_path, "my_args.json", ARGUMENTS)
    write(tmp_path, "adapter_config.json", {"r": 2})
    write(tmp_path, "notes.json", "no JSON")
    write(tmp_path, "generation_config.json", {"temperature": 1})
    (tmp_path / "training_args.bin").write_bytes(b"\x80")
    files = {m.value for m in read_run(tmp_path, ["."]).measured if m.id.endswith(".file")}

    assert {"trainer_state.json", "my_args.json"} == files


def test_a_damaged_file_of_a_telling_name_is_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "args.json", ARGUMENTS)
    write(tmp_path, "trainer_state.json", '{"log_history": [')

    assert "HP-A08" == _refused(tmp_path, ".").code


@pytest.mark.parametrize(
    ("place", "content"),
    [
        ("gone.json", None),
        ("notes.json", {"a": 1}),
        ("log.txt", "loss 1"),
        ("latin.json", b'{"a": "\xe9"}'),
        ("empty", None),
    ],
)
def test_a_place_that_tells_nothing_is_refused(tmp_path: Path, place: str, content: Json) -> None:
    """Whoever names it expects something of it."""
    (tmp_path / "empty").mkdir()
    if isinstance(content, bytes):
        (tmp_path / place).write_bytes(content)
    elif content is not None:
        write(tmp_path, place, content)

    assert "HP-A08" == _refused(tmp_path, place).code
