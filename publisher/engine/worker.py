"""Jobs run in a child process: no token, no network, a HOME of its own, bounded time and memory.

Read `run_job` for what a child is given, `main` for what it does with it. Importing this imports no torch.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter

from publisher.engine import jail
from publisher.engine.events import EventPipe
from publisher.engine.jobs import Emit, Job, JobResult
from publisher.engine.valuables import valuables
from publisher.errors import HubpubError
from publisher.records.facts import Json

# One module a job, each with `run(job, emit)`; imported in the child only, since they import torch.
MODULES: dict[str, str] = {
    "ConvertGguf": "publisher.engine.convert",
    "MakeStandIn": "publisher.engine.stand_in",
    "Train": "publisher.engine.train",
    "Merge": "publisher.engine.merge",
    "Quantize": "publisher.engine.quantize",
    "MakeGguf": "publisher.engine.gguf_make",
    "ProveFiles": "publisher.engine.static_proof",
    "Probe": "publisher.engine.probe",
    "ProbeGguf": "publisher.engine.gguf_probe",
    "ReadByOlder": "publisher.engine.older_reader",
    "Compare": "publisher.engine.compare",
    "Divergence": "publisher.engine.divergence",
    "Evaluate": "publisher.engine.evaluate",
    "Likelihood": "publisher.engine.likelihood",
    "MatmulRate": "publisher.engine.matmul_rate",
    "FourBit": "publisher.engine.four_bit",
    "RunCode": "publisher.engine.run_code",
}
JOBS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Job)}

INSTALL = 'pip install "hubpub[models]"'
TAIL_LINES = 12
POLL_S = 0.1
MEMORY_POLL_S = 0.3  # looking through /proc costs milliseconds on a machine with many processes
GRACE_S = 10.0  # a training writes its checkpoint in that time


@dataclass(frozen=True)
class Limits:
    """What a job may use. `memory_bytes` counts anonymous memory of all its processes; None = no limit."""

    wall_s: float = 24 * 3600.0
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Request:
    """What the child reads: the job, and how to talk to its parent."""

    kind: str
    job: dict[str, Any]
    parent_pid: int
    events_fd: int
    hidden: tuple[str, ...] = ()  # paths that the job must not be able to read


def run_job(
    job: Job, *, scratch: Path, on_event: Callable[[dict[str, Json]], None], limits: Limits
) -> JobResult:
    """Run one job in a child process of its own session and wait for it.

    Args:
        job: what to do; all its paths absolute.
        scratch: for request, result, log and temporary files; made if need be. The log stays there.
        on_event: called in this process with each event, in order.
        limits: wall time in seconds, memory in bytes.

    Returns:
        What the job measured. `details["isolation"]` says what the kernel kept from it: `namespaces: network,
        pid, mount` (no network, no sight of other processes, none of `valuables`), a shorter list, `network
        namespace` alone, or `offline variables` (the libraries' good will). `details["network"]` is the part
        about the network: `namespace` or `offline variables`.

    Raises:
        HubpubError: whatever the job raised; HP-E01 a package is missing; HP-E02 the child died or ran
            over its time; HP-X02 over its memory; HP-X01 the disk is full.
        KeyboardInterrupt: passed on, after the child has gone.
    """
    kind = type(job).__name__
    scratch = scratch.absolute()
    scratch.mkdir(parents=True, exist_ok=True)
    # A folder of this run alone: two jobs may share a scratch, and a HOME must never be a used one.
    room = Path(tempfile.mkdtemp(prefix=f"{kind.lower()}-", dir=scratch))
    log = scratch / f"{kind.lower()}.log"
    events = EventPipe(on_event)
    try:
        request, result = room / "request.json", room / "result.json"
        hidden = valuables(os.environ, scratch)
        content = Request(kind, asdict(job), os.getpid(), events.write_fd, hidden)
        request.write_text(json.dumps(asdict(content)), encoding="utf-8")
        with log.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "publisher.engine.worker", str(request), str(result)],
                cwd=room,
                env=child_environment(os.environ, room),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(events.write_fd,),
                start_new_session=True,
            )
        events.close_write_end()
        _watch(child, kind, events, limits)
        return _outcome(child.returncode, kind, result, log)
    finally:
        events.close()
        shutil.rmtree(room, ignore_errors=True)


def child_environment(parent: Mapping[str, str], room: Path) -> dict[str, str]:
    """The whole environment of a child: an allow-list, so that no token, cloud or OIDC variable gets in.

    Args:
        parent: this process's environment.
        room: an empty folder for HOME, caches and temporary files.
    """
    passed = ("PATH", "LANG", "OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "LD_LIBRARY_PATH")
    cuda = ("CUDA_VISIBLE_DEVICES", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES")
    home = room / "home"
    temporary = room / "tmp"
    home.mkdir()
    temporary.mkdir()
    environment = {name: parent[name] for name in passed + cuda if name in parent}
    environment |= {name: value for name, value in parent.items() if name.startswith("LC_")}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    environment.setdefault("OMP_NUM_THREADS", str(cores))
    return environment | {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "HF_HOME": str(home / "huggingface"),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_DISABLE": "1",  # a log's last lines should hold the error, not a bar's hundred states
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",  # what a killed child printed last must be in its log
        # Where this very package lies, whether it is installed or a checkout.
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }


def _watch(child: subprocess.Popen[bytes], kind: str, events: EventPipe, limits: Limits) -> None:
    """Pass events on until the child ends; end it when it runs over a limit, or when we are told to stop."""
    deadline = time.monotonic() + limits.wall_s
    next_look = 0.0
    try:
        while child.poll() is None:
            events.pass_on(timeout_s=POLL_S)
            now = time.monotonic()
            if limits.memory_bytes is not None and now >= next_look:
                next_look = now + MEMORY_POLL_S
                _check_memory(kind, jail.session_memory(child.pid), limits.memory_bytes)
            if now > deadline:
                raise HubpubError(
                    "HP-E02",
                    f"{kind} was still running after its limit of {limits.wall_s:g} s and was ended",
                    hint="raise the limit or give it less to do, then run the same command again",
                    limit_s=limits.wall_s,
                )
        events.pass_on(timeout_s=0)
    except KeyboardInterrupt:
        _signal(child, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):  # the finally below does not ask
            child.wait(GRACE_S)
        raise
    finally:
        # The whole session, also when the child itself is gone: what it started must not outlive it.
        _signal(child, signal.SIGKILL)
        child.wait()
        # What waits here is the child's warden (jail.isolate). The pipe ends when the job has gone as well, and
        # with it its memory, which the next job may need.
        events.drain(timeout_s=GRACE_S)


def _check_memory(kind: str, used_bytes: int, limit_bytes: int) -> None:
    if used_bytes > limit_bytes:
        raise HubpubError(
            "HP-X02",
            f"{kind} used {used_bytes / 1e9:.2f} GB of memory, its limit is {limit_bytes / 1e9:.2f} GB",
            hint="raise the limit, or run this release on a machine with more memory",
            used_bytes=used_bytes,
            limit_bytes=limit_bytes,
        )


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # it went by itself
        os.killpg(child.pid, number)


def _outcome(returncode: int, kind: str, result: Path, log: Path) -> JobResult:
    """Read what the child left: a result, an error, or nothing because it died."""
    if returncode == 0 and result.exists():
        content = json.loads(result.read_text(encoding="utf-8"))
        if (error := content.get("error")) is not None:
            data = error.pop("data")
            raise HubpubError(error.pop("code"), error.pop("what"), **error, **data)
        return TypeAdapter(JobResult).validate_python(content["result"])
    lines = log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-TAIL_LINES:]
    killed = returncode == -signal.SIGKILL
    ending = f"signal {signal.Signals(-returncode).name}" if returncode < 0 else f"exit status {returncode}"
    raise HubpubError(
        "HP-E02",
        f"{kind} died: {ending}" + (", most likely out of memory" if killed else ""),
        hint="run on a machine with more memory" if killed else f"read what it said last: {log}",
        where=str(log),
        returncode=returncode,
        log=lines,
    )


def main(request: Path, result: Path) -> None:
    """The child: shut the doors, run the job, write down its result or its error.

    Anything but a HubpubError, a missing package, and a full disk or memory is a crash: its traceback
    is in the log and the exit status says so.
    """
    content = TypeAdapter(Request).validate_json(request.read_bytes())
    jail.die_with(content.parent_pid)
    isolation = jail.isolate(content.hidden, loopback=content.job.get("processes", 1) > 1)
    os.set_inheritable(content.events_fd, False)
    with os.fdopen(content.events_fd, "w", encoding="utf-8") as events:

        def emit(event: dict[str, Json]) -> None:
            events.write(json.dumps(event) + "\n")
            events.flush()

        answer = _answer(content, isolation, emit)
    aside = result.with_suffix(".tmp")
    aside.write_text(json.dumps(answer, default=str), encoding="utf-8")
    aside.replace(result)


def _answer(request: Request, isolation: jail.Isolation, emit: Emit) -> dict[str, Json]:
    try:
        job = TypeAdapter(JOBS[request.kind]).validate_python(request.job)
        outcome: JobResult = importlib.import_module(MODULES[request.kind]).run(job, emit)
        network = "namespace" if isolation.network else "offline variables"
        told = {"network": network, "isolation": str(isolation)}
        done = JobResult(outcome.measured, {**outcome.details, **told})
        return {"result": TypeAdapter(JobResult).dump_python(done, mode="json")}
    except HubpubError as error:
        return _error(error)
    except (ImportError, MemoryError, RuntimeError, OSError) as error:
        refusal = refusal_of(request.kind, error)
        if refusal is None:
            raise
        return _error(refusal)


def refusal_of(kind: str, error: Exception) -> HubpubError | None:
    """What this machine lacks, in our words: a package, memory, room on the disk; None for any other failure."""
    if isinstance(error, ImportError):
        what = f"the package {error.name or '?'} cannot be imported: {error}"
        return HubpubError("HP-E01", what, hint=INSTALL, package=error.name)
    # torch's own class cannot be named here without importing torch; on a CPU it has none
    torch_s = type(error).__name__ == "OutOfMemoryError" or "DefaultCPUAllocator" in str(error)
    if isinstance(error, MemoryError) or torch_s:
        return _out_of_memory(kind, error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        what = f"the disk is full: {kind} could not write {error.filename or 'its files'}"
        return HubpubError("HP-X01", what, hint="make room on the disk, then run the same command again")
    return None


def _out_of_memory(kind: str, error: Exception) -> HubpubError:
    what = f"{kind} ran out of memory: {str(error).splitlines()[0] if str(error) else 'no more was given'}"
    return HubpubError("HP-X02", what, hint="make the batches smaller, or use a machine with more memory")


def _error(error: HubpubError) -> dict[str, Json]:
    told = {"code": error.code, "what": error.what, "hint": error.hint, "where": error.where}
    return {"error": told | {"data": error.data}}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
