"""A job in several processes of this machine, started and watched by torchrun's own agent.

They talk over loopback: gloo on a CPU, NCCL between GPUs. The first one's result is the job's; one that dies ends all.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from publisher.engine.group import Group
from publisher.engine.jobs import Emit, JobResult, Train
from publisher.engine.worker import refusal_of
from publisher.errors import HubpubError
from publisher.records.facts import Json

LOCAL, LOOPBACK = "127.0.0.1", "lo" if sys.platform == "linux" else "lo0"
STOP_S = 8  # a step's end and a checkpoint; the parent waits a little longer (worker.GRACE_S)

Work = Callable[[Train, Emit, Group], JobResult]


def launch(work: Work, job: Train, emit: Emit) -> JobResult:
    """Run `work(job, emit, group)` in `job.processes` processes, and return the first one's result.

    Args:
        work: a function of a module, which every process calls with its own place in the group.
        job: the same for all.
        emit: hears of the first process's events.

    Raises:
        HubpubError: HP-X05, there is no loopback, or fewer GPUs than processes; HP-E02, one of them died, the others
            were ended; whatever one of them refused.
    """
    import torch
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    _refuse_unreachable(job.processes)
    _refuse_too_few_gpus(torch.cuda.device_count() if torch.cuda.is_available() else None, job.processes)
    os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = LOOPBACK
    with tempfile.TemporaryDirectory() as room:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=job.processes,
            run_id="hubpub",
            rdzv_backend="c10d",
            rdzv_endpoint=f"{LOCAL}:0",
            local_addr=LOCAL,
            max_restarts=0,  # a resumed training is told as one
            start_method="spawn",
            shutdown_timeout=STOP_S,
        )
        with _heard(Path(room) / "events", emit):
            try:
                results: dict[int, JobResult] = elastic_launch(config, _rank)(work, job, room)
            except ChildFailedError as died:
                raise _first_refusal(Path(room)) or _death(job, died) from died
            except SignalException as stopped:
                if (told := _first_refusal(Path(room))) is not None:
                    raise told from stopped
                hint = "run the same command again; it goes on from the last checkpoint"
                raise HubpubError("HP-I01", "the training was stopped", hint=hint) from stopped
    return results[0]


def _rank(work: Work, job: Train, room: str) -> JobResult:
    """One of the processes. What it refuses lies in the room for the launcher, who would only hear of an exit code."""
    import torch
    from torch import distributed

    rank, cuda = int(os.environ["RANK"]), torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    else:
        torch.set_num_threads(max(1, torch.get_num_threads() // job.processes))
    distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        with _events(Path(room) / "events", rank) as emit:
            return work(job, emit, Group(rank, job.processes))
    except (HubpubError, ImportError, MemoryError, RuntimeError, OSError) as error:
        refusal = error if isinstance(error, HubpubError) else refusal_of("Train", error)
        if refusal is not None:
            _leave(refusal, Path(room) / f"refusal-{rank}.json")
        raise
    finally:
        distributed.destroy_process_group()


@contextmanager
def _heard(pipe: Path, emit: Emit) -> Iterator[None]:
    """Pass on the events that come through a named pipe."""
    os.mkfifo(pipe)
    # Open for both, so that neither opening nor reading ends before a process writes, or when it has gone.
    stream = os.fdopen(os.open(pipe, os.O_RDWR), "r", encoding="utf-8")

    def read() -> None:
        for line in iter(stream.readline, "\n"):
            emit(json.loads(line))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield
    finally:
        with pipe.open("a", encoding="utf-8") as end:
            end.write("\n")
        reader.join()
        stream.close()


@contextmanager
def _events(pipe: Path, rank: int) -> Iterator[Emit]:
    """Where a process's events go: the first one's to the launcher."""
    if rank:
        yield lambda event: None
        return
    with pipe.open("a", encoding="utf-8") as stream:
        yield lambda event: _tell(stream, event)


def _tell(stream: TextIO, event: dict[str, Json]) -> None:
    stream.write(json.dumps(event) + "\n")
    stream.flush()


def _leave(refusal: HubpubError, file: Path) -> None:
    told = {"code": refusal.code, "what": refusal.what, "hint": refusal.hint, "where": refusal.where}
    aside = file.with_suffix(".tmp")
    aside.write_text(json.dumps(told | {"data": refusal.data}, default=str), encoding="utf-8")
    aside.replace(file)


def _first_refusal(room: Path) -> HubpubError | None:
    """What the first of the processes to refuse said; others fail because it has gone."""
    files = sorted(room.glob("refusal-*.json"), key=lambda file: file.stat().st_mtime_ns)
    if not files:
        return None
    told: dict[str, Any] = json.loads(files[0].read_text(encoding="utf-8"))
    return HubpubError(told["code"], told["what"], hint=told["hint"], where=told["where"], **told["data"])


def _death(job: Train, died: Any) -> HubpubError:
    """A process died without a word; the agent has ended the others."""
    rank, failure = died.get_first_failure()
    code = failure.exitcode
    killed = code == -signal.SIGKILL
    ending = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    hint = "look at the log for its last words; then run the same command again, it goes on from the last checkpoint"
    return HubpubError(
        "HP-E02",
        f"process {rank + 1} of {job.processes} of the training died: {ending}"
        + (", most likely out of memory" if killed else ""),
        hint=hint,
        returncode=code,
        rank=rank,
    )


def _refuse_unreachable(processes: int) -> None:
    """Refuse where the kernel gave this process a network namespace without a loopback."""
    try:
        with socket.create_server((LOCAL, 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        raise HubpubError(
            "HP-X05",
            f"{processes} training processes cannot talk to one another: there is no loopback ({error.strerror})",
            hint="train with one process: leave out --processes",
        ) from error


def _refuse_too_few_gpus(gpus: int | None, processes: int) -> None:
    if gpus is not None and processes > gpus:
        raise HubpubError(
            "HP-X05",
            f"{processes} training processes need a GPU each, and there are {gpus}",
            hint=f"--processes {gpus}",
            gpus=gpus,
        )
