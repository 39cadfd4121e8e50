"""Several processes train what one would: real gloo processes behind the worker's own walls, one kill -9 among them."""

from __future__ import annotations

import dataclasses
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.engine.group import Group
from publisher.engine.jobs import Fsdp, JobResult, Train
from publisher.engine.worker import Limits, run_job
from publisher.errors import HubpubError

pytestmark = pytest.mark.models
pytest.importorskip("torch")

from publisher.engine import train  # noqa: E402
from publisher.engine.trainset import deal  # noqa: E402

STEPS = 3
Heard = Callable[[dict[str, Any]], None]
# Launches the training that stands on stdin, and prints what it is refused with.
ALONE = """
import pickle, sys
from publisher.engine.distributed import launch
from publisher.errors import HubpubError
try:
    launch(print, pickle.load(sys.stdin.buffer), print)
except HubpubError as error:
    print(error.code, error.hint.rpartition(": ")[2])
"""


def job_in(folder: Path, tiny_base: Path, tiny_data: Path, **changes: Any) -> Train:
    """Three steps of four examples each, without dropout, whose noise would be another in every process."""
    job = Train(
        base=str(tiny_base), data=str(tiny_data), out=str(folder), method="lora", r=4, alpha=8, dropout=0.0,
        target_modules=("q_proj", "v_proj"), learning_rate=1e-2, schedule="constant", warmup_ratio=0.0,
        batch_size=1, gradient_accumulation=4, max_grad_norm=1.0, steps=STEPS, max_length=64, seed=3,
        compute_dtype="float32", eval_every=STEPS, save_every=1, processes=2,
    )  # fmt: skip
    return dataclasses.replace(job, **changes)


def walled(job: Train, heard: Heard = lambda event: None) -> JobResult:
    """As a release runs it."""
    scratch = Path(job.out).with_suffix(".scratch")
    return run_job(job, scratch=scratch, on_event=heard, limits=Limits(wall_s=300))


def measured(result: JobResult) -> dict[str, Any]:
    return {measurement.id: measurement.value for measurement in result.measured}


def losses(result: JobResult) -> list[float]:
    return [row["loss"] for row in measured(result)["train.log"]]


@pytest.fixture(scope="module")
def two(tiny_base: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> JobResult:
    """The undisturbed run of two processes."""
    return walled(job_in(tmp_path_factory.mktemp("two") / "run", tiny_base, tiny_data))


def test_every_example_of_a_step_is_seen_by_exactly_one_process() -> None:
    window = deal(12, 3, 4, 4)
    seen = [example for rank in (0, 1) for example in Group(rank, 2).share(window)]

    assert sorted(window) == sorted(seen)
    assert 4 == len(set(seen))
    assert window == Group().share(window)


def test_two_processes_lose_what_one_does(
    two: JobResult, tiny_base: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """An example that was seen twice, or by nobody, or a gradient that was averaged, would show from the second step on."""
    one = train.run(
        job_in(tmp_path / "one", tiny_base, tiny_data, processes=1, batch_size=4, gradient_accumulation=1),
        lambda event: None,
    )

    assert losses(one) == pytest.approx(losses(two), abs=1e-4)
    assert measured(one)["train.best_loss"] == pytest.approx(measured(two)["train.best_loss"], abs=1e-4)
    counted = ("train.examples_seen", "train.tokens_seen", "train.supervised_tokens_seen")
    assert [measured(one)[fact] for fact in counted] == [measured(two)[fact] for fact in counted]
    assert (1, 2) == (measured(one)["train.processes"], measured(two)["train.processes"])


def test_a_process_that_is_killed_ends_all_and_the_same_command_goes_on(
    two: JobResult, tiny_base: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """kill -9 of one rank: the others would wait for it for ever."""
    psutil = pytest.importorskip("psutil")
    job = job_in(tmp_path / "run", tiny_base, tiny_data)

    def kill_second(event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["step"] == 2:
            ranks = [
                child
                for child in psutil.Process().children(recursive=True)
                if "spawn_main" in " ".join(child.cmdline())
            ]
            os.kill(ranks[-1].pid, signal.SIGKILL)

    with pytest.raises(HubpubError) as caught:
        walled(job, kill_second)
    resumed = walled(job)

    assert ("HP-E02", -signal.SIGKILL) == (caught.value.code, caught.value.data["returncode"])
    assert "of 2 of the training died: signal SIGKILL" in caught.value.what
    assert resumed.details["resumed_from_step"] in (1, 2)
    assert losses(two) == losses(resumed)


@pytest.mark.long  # a torch in every process takes its time
def test_ctrl_c_ends_all_processes_at_one_checkpoint(
    tiny_base: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """They agree on the step, though the signal reaches them at different moments."""
    job = job_in(tmp_path / "run", tiny_base, tiny_data, steps=500, save_every=1000, eval_every=None)
    steps = []

    def interrupt(event: dict[str, Any]) -> None:
        if event["event"] == "step":
            steps.append(event["step"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walled(job, interrupt)
    (kept,) = (Path(job.out) / "checkpoints").glob("step-*")

    assert [1] == steps
    assert 1 <= int(kept.name.removeprefix("step-")) < 500


def test_processes_that_share_a_4_bit_base_lose_what_one_does_that_has_it_all(
    tiny_base: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """FSDP-QLoRA with recomputed activations: whole layers are gathered twice a step, their scales along with them."""
    shared = walled(job_in(tmp_path / "shared", tiny_base, tiny_data, method="qlora", fsdp=Fsdp()))
    alone = train.run(
        job_in(tmp_path / "alone", tiny_base, tiny_data, method="qlora", processes=1), lambda event: None
    )

    assert losses(alone) == pytest.approx(losses(shared), abs=1e-4)
    assert measured(alone)["train.best_loss"] == pytest.approx(measured(shared)["train.best_loss"], abs=1e-4)
    whole, part = alone.details["base_bytes_held"], shared.details["base_bytes_held"]
    assert part == pytest.approx(whole / 2, rel=0.01)


def test_where_there_is_no_loopback_several_processes_are_refused(
    tiny_base: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """A network namespace of its own, whose loopback is down, is what some containers give."""
    namespace = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*namespace, "true"], capture_output=True).returncode:
        pytest.skip("this kernel gives no network namespace to a user")
    job = pickle.dumps(job_in(tmp_path / "run", tiny_base, tiny_data))
    done = subprocess.run(
        [*namespace, sys.executable, "-c", ALONE], input=job, capture_output=True, check=True
    )

    assert b"HP-X05 leave out --processes" == done.stdout.strip()


@pytest.mark.long  # a torch in every process takes its time
def test_what_a_process_refuses_comes_back_as_one_error(
    tiny_base: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """All of them refuse a row that is too long."""
    with pytest.raises(HubpubError) as caught:
        walled(job_in(tmp_path / "run", tiny_base, tiny_data, max_length=8))

    assert ("HP-D04", 1) == (caught.value.code, caught.value.data["row"])


def test_a_window_that_cannot_be_shared_is_refused_before_anything_is_loaded(
    tiny_base: Path, tiny_data: Path, tmp_path: Path
) -> None:
    with pytest.raises(HubpubError) as caught:
        train.train(
            job_in(tmp_path / "run", tiny_base, tiny_data, gradient_accumulation=3),
            lambda event: None,
            Group(),
        )

    assert ("HP-M10", 3, 2) == (
        caught.value.code,
        caught.value.data["window"],
        caught.value.data["processes"],
    )
