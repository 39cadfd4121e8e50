from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import get_args

import pytest

from publisher.engine import worker
from publisher.engine.events import EventPipe
from publisher.engine.jail import session_memory
from publisher.engine.jobs import Job, Merge, Train
from publisher.engine.worker import Limits, child_environment, run_job
from publisher.errors import HubpubError

SECRETS = {
    "HF_TOKEN": "hf_x",
    "HUGGING_FACE_HUB_TOKEN": "hf_x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
    "NVIDIA_API_KEY": "x",
    "HF_ENDPOINT": "http://somewhere",
    "PYTHONSTARTUP": "x",
    "LD_PRELOAD": "x",
}


def job(tmp_path: Path) -> Merge:
    """A job whose files do not exist: it fails in milliseconds, by an error of ours."""
    return Merge(base=str(tmp_path / "base"), adapter=str(tmp_path / "adapter"), out=str(tmp_path / "out"))


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Let the child run a job module written by the test: a real process, a job of our own."""

    def run(code: str, *, limits: Limits | None = None, on_event=lambda event: None):
        (tmp_path / "played.py").write_text(f"from publisher.engine.jobs import JobResult\n{code}")
        entry = tmp_path / "entry.py"
        entry.write_text(
            "import sys; from pathlib import Path; from publisher.engine import worker\n"
            f"sys.path.insert(0, {str(tmp_path)!r}); worker.MODULES['Merge'] = 'played'\n"
            "worker.main(Path(sys.argv[-2]), Path(sys.argv[-1]))\n"
        )
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} {entry} "$@"\n')
        python.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(python))
        return run_job(
            job(tmp_path), scratch=tmp_path / "scratch", on_event=on_event, limits=limits or Limits(60)
        )

    return run


def test_every_job_has_a_module():
    """A job that the worker does not know would be found out an hour into a release."""
    assert {kind.__name__ for kind in get_args(Job)} == set(worker.MODULES) == set(worker.JOBS)


def test_importing_the_worker_imports_no_torch():
    """The parent is the CLI: it must start on a machine without the models extra."""
    code = "import sys, publisher.engine.worker; print({'torch', 'numpy', 'transformers'} & set(sys.modules))"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(worker.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )

    assert done.stdout.strip() == "set()"


def test_no_secret_and_no_address_gets_into_the_child(tmp_path):
    """Model code runs in there; it must have nothing to steal and nowhere to go."""
    environment = child_environment(SECRETS | {"PATH": "/bin", "LC_ALL": "C"}, tmp_path)

    assert not set(SECRETS) & set(environment)
    assert ("/bin", "C", "1") == (environment["PATH"], environment["LC_ALL"], environment["HF_HUB_OFFLINE"])


def test_the_child_sees_neither_our_home_nor_our_environment(play, monkeypatch):
    """The same, seen from inside."""
    for name, value in SECRETS.items():
        if name != "LD_PRELOAD":
            monkeypatch.setenv(name, value)
    result = play(
        "import os\n"
        "def run(job, emit): return JobResult((), {'env': dict(os.environ), 'home': os.listdir(os.environ['HOME'])})"
    )

    assert not set(SECRETS) & set(result.details["env"])
    assert result.details["home"] == []
    assert result.details["env"]["HOME"] != os.environ.get("HOME")


def test_the_child_has_no_network(play):
    """Not even loopback, where the kernel lets us; else the result says that only the variables hold it back."""
    result = play(
        "import socket\n"
        "def run(job, emit):\n"
        "    with socket.socket() as s: code = s.connect_ex(('127.0.0.1', 9))\n"
        "    return JobResult((), {'errno': code})"
    )
    import errno

    expected = errno.ENETUNREACH if result.details["network"] == "namespace" else errno.ECONNREFUSED

    assert expected == result.details["errno"]


def test_events_arrive_in_order_whatever_the_job_prints(play):
    """Libraries print to stdout; that goes to the log."""
    events = []
    play(
        "def run(job, emit):\n"
        "    for n in range(300): print('noise' * 50); emit({'event': 'step', 'step': n, 'text': 'ä' * 99})\n"
        "    return JobResult((), {})",
        on_event=events.append,
    )

    assert list(range(300)) == [event["step"] for event in events]


def test_an_error_of_ours_comes_back_whole(tmp_path):
    """Code, place and hint are the message; a traceback would be none."""
    with pytest.raises(HubpubError) as caught:
        run_job(job(tmp_path), scratch=tmp_path / "s", on_event=print, limits=Limits(60))

    expected = ("HP-A07", str(tmp_path / "adapter"), ["adapter_config.json", "adapter_model.safetensors"])
    actual = (caught.value.code, caught.value.where, caught.value.data["files"])

    assert expected == actual


def test_a_missing_package_is_named_with_the_command_that_installs_it(play):
    """The light install has no torch."""
    with pytest.raises(HubpubError) as caught:
        play("import nonesuch")

    expected = ("HP-E01", "nonesuch", 'pip install "hubpub[models]"')

    assert expected == (caught.value.code, caught.value.data["package"], caught.value.hint)


def test_a_crash_brings_the_last_lines_of_the_log(play):
    """The log alone says why."""
    with pytest.raises(HubpubError) as caught:
        play("def run(job, emit): raise KeyError('the reason')")

    assert ("HP-E02", "KeyError: 'the reason'") == (caught.value.code, caught.value.data["log"][-1])


def test_a_killed_child_hints_at_memory(play):
    """The kernel's out-of-memory killer sends SIGKILL and says nothing."""
    with pytest.raises(HubpubError) as caught:
        play("import os\ndef run(job, emit): os.kill(os.getpid(), 9)")

    assert caught.value.code == "HP-E02"
    assert "SIGKILL, most likely out of memory" in caught.value.what


@pytest.mark.parametrize(
    ("raised", "code"),
    [("MemoryError()", "HP-X02"), ("OSError(28, 'No space left on device', 'f')", "HP-X01")],
)
def test_a_full_machine_is_told_from_a_crash(play, raised, code):
    with pytest.raises(HubpubError) as caught:
        play(f"def run(job, emit): raise {raised}")

    assert caught.value.code == code


def test_a_job_over_its_time_is_ended_with_all_it_started(play, tmp_path):
    """A hung generation must not hold a release for ever."""
    started = tmp_path / "started"
    with pytest.raises(HubpubError) as caught:
        play(
            "import subprocess, time\n"
            "def run(job, emit):\n"
            f"    subprocess.Popen(['sh', '-c', 'touch $0; sleep 60; :', {str(started)!r}]); time.sleep(60)",
            limits=Limits(2.5),
        )

    assert ("HP-E02", 2.5) == (caught.value.code, caught.value.data["limit_s"])
    assert started.exists()
    assert _gone(tmp_path)


def test_a_job_over_its_memory_is_ended_with_the_numbers(play):
    """Before the kernel's killer picks someone else's process."""
    with pytest.raises(HubpubError) as caught:
        play(
            "import time\ndef run(job, emit): x = bytearray(b'1') * 300_000_000; time.sleep(60)",
            limits=Limits(60, memory_bytes=200_000_000),
        )

    assert caught.value.code == "HP-X02"
    assert caught.value.data["used_bytes"] > 200_000_000


def test_memory_is_counted_for_this_session():
    """The reading itself: our own memory is more than nothing."""
    assert session_memory(os.getsid(0)) > 1_000_000


def test_an_interrupt_gives_the_child_time_to_finish_its_checkpoint(play, tmp_path):
    """SIGTERM first; a training saves what it has."""
    saved = tmp_path / "saved"
    threading.Timer(1.5, lambda: signal.raise_signal(signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        play(
            "import signal, sys, time\n"
            "def run(job, emit):\n"
            f"    signal.signal(signal.SIGTERM, lambda *_: (open({str(saved)!r}, 'w').close(), sys.exit()))\n"
            "    time.sleep(60)"
        )

    assert saved.exists()


def test_the_child_dies_with_its_parent(play, tmp_path):
    """A killed release must not leave a training behind that holds the GPU."""
    started = tmp_path / "started"
    code = f"import time\ndef run(job, emit): open({str(started)!r}, 'w').close(); time.sleep(60)"
    parent = os.fork()
    if parent == 0:
        play(code)
        os._exit(0)
    deadline = time.monotonic() + 20
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    was_there = _running(tmp_path)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)

    assert was_there
    assert _gone(tmp_path)


def test_nothing_of_a_run_stays_but_its_log(play, tmp_path):
    """HOME, caches, request and result are gone; the log is there to be read."""
    play("def run(job, emit): return JobResult((), {})")

    assert ["merge.log"] == [file.name for file in (tmp_path / "scratch").iterdir()]


def test_a_request_survives_the_way_there_and_back(tmp_path):
    """Tuples, floats and defaults arrive as they were sent."""
    from dataclasses import asdict

    from pydantic import TypeAdapter

    sent = Train(
        base="b",
        data="d",
        out="o",
        method="qlora",
        r=4,
        alpha=8,
        dropout=0.1,
        target_modules=("q", "v"),
        learning_rate=1e-4,
        schedule="cosine",
        warmup_ratio=0.1,
        batch_size=1,
        gradient_accumulation=2,
        max_grad_norm=1.0,
        steps=3,
        max_length=64,
        seed=7,
    )

    assert sent == TypeAdapter(Train).validate_python(json.loads(json.dumps(asdict(sent))))


def test_a_line_that_comes_in_pieces_is_one_event():
    """A pipe knows no lines."""
    events = []
    pipe = EventPipe(events.append)
    os.write(pipe.write_fd, b'{"event":')
    pipe.pass_on(timeout_s=0)
    os.write(pipe.write_fd, b'"a"}\n{"event":"b"}\n')
    pipe.pass_on(timeout_s=0)
    pipe.close()

    assert [{"event": "a"}, {"event": "b"}] == events


def _running(folder: Path) -> bool:
    """Whether a process has a path in this folder among its arguments: inside a namespace it knows another id.

    One that has ended, and that nobody has waited for yet, has no arguments any more.
    """
    for arguments in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.fsencode(folder) in arguments.read_bytes():
                return True
        except OSError:
            continue  # it ended while we looked
    return False


def _gone(folder: Path) -> bool:
    """Whether all those processes end within two seconds."""
    for _ in range(40):
        if not _running(folder):
            return True
        time.sleep(0.05)
    return False
