"""A card's code may come from a stranger: it must find no secret of whoever runs it, wherever it looks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.engine.jail import Isolation
from publisher.engine.valuables import valuables

SECRET = "hf_" + "s3cr3t" * 6  # no real one, only shaped like it
WHOLE = "namespaces: network, pid, mount"

# Says where the secret can be read. It holds the secret in two pieces, so as not to find itself.
LOOK = """
import os, pathlib
SECRET = b"hf_" + b"s3cr3t" * 6
FILES = {files!r}

def look():
    found = []
    if SECRET in repr(dict(os.environ)).encode():
        found.append("os.environ")
    for place in [*pathlib.Path("/proc").glob("[0-9]*/environ"), f"/proc/{{os.getppid()}}/environ", *FILES]:
        try:
            if SECRET in pathlib.Path(place).read_bytes():
                found.append("environ" if "environ" in str(place) else pathlib.Path(place).name)
        except OSError:
            pass
    return sorted(set(found))
"""
# What code might do about the covers, as long as it is allowed to. Each attempt is followed by a look.
ESCAPE = """
import ctypes, subprocess
libc = ctypes.CDLL(None)

def uncover():
    for place in ["/proc", *FILES, *(os.path.dirname(file) for file in FILES)]:
        libc.umount2(place.encode(), 2)
        subprocess.run(["umount", "-l", place], stderr=subprocess.DEVNULL)

def in_new_namespaces():
    # A user namespace of its own makes this process root in there; the copied mounts must be locked all the same.
    read, write = os.pipe()
    if os.fork() == 0:
        moved = libc.unshare(0x10000000 | 0x20000)
        uncover()
        libc.mount(b"proc", b"/proc", b"proc", 0, None)
        os.makedirs("there", exist_ok=True)
        libc.mount(b"/", b"there", b"", 0x1000, None)
        FILES.extend(["there" + file for file in FILES])
        os.write(write, repr((moved, look())).encode())
        os._exit(0)
    os.wait()
    return os.read(read, 4096).decode()

uncover()
print("unmounted", look())
print("nested", in_new_namespaces())
for kind in ("mnt", "pid"):
    try:
        libc.setns(os.open(f"/proc/1/ns/{kind}", os.O_RDONLY), 0)
    except OSError:
        pass
FILES.extend(["/proc/1/root" + file for file in FILES])
print("joined", look())
try:
    print("settings", open("/proc/sys/kernel/core_pattern", "r+").name)
except OSError:
    print("settings closed")
"""
# The parent: a program of its own, since /proc/PID/environ shows what a process was started with.
PARENT = """
import json, sys
from pathlib import Path
from publisher.engine.jobs import Probe, Snippet
from publisher.engine.worker import Limits, run_job
job = Probe("dataset", sys.argv[1], snippets=(Snippet("README.md:1", sys.stdin.read()),))
result = run_job(job, scratch=Path(sys.argv[2]), on_event=lambda event: None, limits=Limits(wall_s=120))
print(json.dumps(dict(result.details)))
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's HOME with tokens in the usual places, one of them behind a link."""
    home = tmp_path / "user"
    for name in (".cache/huggingface/token", "hf/stored_tokens", ".aws/credentials", ".netrc", "elsewhere"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"password {SECRET}")
    (home / "hf" / "token").symlink_to(home / "elsewhere")
    return home


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """What that user's shell would hand on."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_TOKEN": SECRET,
    }


@pytest.fixture
def files(home: Path) -> list[str]:
    return [str(path) for path in sorted(home.rglob("*")) if path.is_file()]


@pytest.fixture
def as_card_code(
    tmp_path: Path, tiny_data: Path, environment: dict[str, str]
) -> Callable[[str], dict[str, Any]]:
    """Run code as a card's code is run, by a parent that holds the secret; skips where the kernel refuses."""

    def run(code: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-c", PARENT, str(tiny_data), str(tmp_path / "scratch")],
            input=code,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        details: dict[str, Any] = json.loads(done.stdout)
        if details["isolation"] != WHOLE:
            pytest.skip(f"this kernel or container allows a child no more than: {details['isolation']}")
        return details

    return run


def test_the_spy_finds_everything_where_nothing_holds_it(environment, files):
    """Else the tests below would prove the spy's blindness."""
    code = LOOK.format(files=files) + "print(look())"
    keeper = subprocess.Popen(["sleep", "60"], env=environment)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True
        )
    finally:
        keeper.kill()
        keeper.wait()
    expected = [".netrc", "credentials", "elsewhere", "environ", "stored_tokens", "token"]

    assert expected == [name for name in expected if name in done.stdout]


@pytest.mark.models
def test_card_code_finds_no_secret_wherever_it_looks(as_card_code, files):
    """Environments of other processes, and token files by their absolute paths; there are init and itself only."""
    seen = "print(look(), os.getppid(), sorted(p.name for p in pathlib.Path('/proc').glob('[0-9]*')))"
    details = as_card_code(LOOK.format(files=files) + seen)
    (outcome,) = details["snippets"]

    assert ("[] 1 ['1', '2']\n", None) == (outcome["output"], outcome["error"])


@pytest.mark.models
def test_card_code_cannot_take_the_covers_away(as_card_code, files):
    """Root could unmount them; so its powers are gone, and a new user namespace does not bring them back."""
    details = as_card_code(LOOK.format(files=files) + ESCAPE)
    (outcome,) = details["snippets"]
    told = outcome["output"].replace("nested (-1,", "nested (0,")  # not allowed to nest is fine, too

    assert outcome["error"] is None
    assert "unmounted []\nnested (0, [])\njoined []\nsettings closed\n" == told


@pytest.mark.models
def test_a_process_that_left_the_session_ends_with_the_job(as_card_code, tmp_path):
    """It would otherwise go on with whatever it does, long after the release."""
    marker = str(tmp_path / "left-behind")
    code = f"""
import os, subprocess, time
subprocess.Popen(["sh", "-c", "touch $0; sleep 60; :", {marker!r}], start_new_session=True)
while not os.path.exists({marker!r}):
    time.sleep(0.01)
"""
    as_card_code(code)

    assert Path(marker).exists()
    assert not _running(marker)


@pytest.mark.models
def test_the_covers_are_seen_by_the_child_only(as_card_code, files):
    """A mount that showed outside would log the user out of everything."""
    as_card_code("")

    assert [SECRET] * len(files) == [Path(file).read_text().split()[-1] for file in files]


def test_valuables_are_what_is_there_with_links_followed(home, environment, tmp_path):
    """A cover on a link would leave the file open to whoever knows its name."""
    found = valuables(environment | {"NETRC": str(home / ".netrc"), "KUBECONFIG": "/none:/neither"}, tmp_path)
    ours = [path for path in found if path.startswith(str(home))]
    names = (".aws", ".cache/huggingface/token", ".netrc", "elsewhere", "hf/stored_tokens")

    assert [str(home / name) for name in names] == ours


def test_a_folder_that_is_needed_is_never_hidden(home, environment):
    """Neither the one that the job works in, nor any that a variable happens to name."""
    found = valuables(environment | {"SSH_AUTH_SOCK": str(home), "NETRC": "/"}, home / ".aws" / "scratch")

    assert not {str(home), str(home / ".aws"), "/"} & set(found)


def test_isolation_says_no_more_than_there_is():
    """It ends up in reports."""
    told = [
        str(Isolation()),
        str(Isolation(network=True)),
        str(Isolation(network=True, mount=True)),
        str(Isolation(network=True, pid=True, mount=True)),
    ]

    assert ["offline variables", "network namespace", "namespaces: network, mount", WHOLE] == told


def _running(marker: str) -> bool:
    for arguments in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in arguments.read_bytes():
                return True
        except OSError:
            time.sleep(0)  # it ended while we looked
    return False
