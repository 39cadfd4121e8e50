"""`pip install hubpub` without extras: light, and what it promises works. On every Python from 3.11 on that is here.

The first of them is tried twice: with the pinned versions, and with the lowest ones that the metadata allows.

Run by `make light`, not by pytest: each interpreter gets an environment of its own, and the wheel is installed, not
the checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.append(str(Path(__file__).resolve().parent.parent / "benchmarks"))

from tiny_project import NAME, write_project

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "transformers", "peft", "bitsandbytes", "datasets", "pyarrow", "numpy", "matplotlib")
VERSIONS = ("3.11", "3.12", "3.13")
PINNED, LOWEST = "pinned versions", "lowest versions"
EXACT = {"pydantic-core"}  # a pydantic takes one core alone
START_S = 30


def main() -> int:
    """Try each interpreter; returns how many failed."""
    failed = passed = 0
    for version, which in [(version, PINNED) for version in VERSIONS] + [(VERSIONS[0], LOWEST)]:
        what = f"Python {version}, {which}"
        python = _interpreter(version)
        if python is None:
            print(f"{what}: not here, skipped")
            continue
        try:
            started = time.monotonic()
            _try(python, _pins() if which == PINNED else _lowest())
            passed += 1
            print(f"{what}: light core works ({time.monotonic() - started:.0f} s)")
        except (AssertionError, OSError, subprocess.SubprocessError) as fault:
            failed += 1
            print(f"{what}: {fault}\n{getattr(fault, 'stdout', '')}{getattr(fault, 'stderr', '')}")
    print(f"{passed} passed, {failed} failed")
    return failed


def _interpreter(version: str) -> str | None:
    """The interpreter of a version, if it really runs: version managers leave shims for those that they lack."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [
        shutil.which(f"python{version}"),
        f"/usr/bin/python{version}",
        *pyenv.glob(f"{version}.*/bin/python"),
    ]
    for candidate in (str(place) for place in places if place and Path(place).exists()):
        asked = subprocess.run(
            [candidate, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
        )
        if asked.returncode == 0 and asked.stdout.strip() == version:
            return candidate
    return None


def _pins() -> list[str]:
    return (ROOT / "constraints.txt").read_text().split()


def _lowest() -> list[str]:
    """What the metadata names at its lower bounds, and all that comes with it as it is pinned elsewhere."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    named = [Requirement(text) for text in declared]
    free = EXACT | {canonicalize_name(each.name) for each in named}
    others = [pin for pin in _pins() if canonicalize_name(pin.split("==")[0]) not in free]
    return [f"{each.name}{str(each.specifier).replace('>=', '==')}" for each in named] + others


def _try(python: str, pins: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        (room / "pins.txt").write_text("\n".join(pins))
        subprocess.run([python, "-m", "venv", room / "venv"], check=True, capture_output=True, text=True)
        bin_ = room / "venv" / "bin"
        wheel = ["install", "--quiet", "--disable-pip-version-check", "-c", room / "pins.txt", ROOT]
        subprocess.run([bin_ / "python", "-m", "pip", *wheel], check=True, capture_output=True, text=True)
        heavy = f"import importlib.util as u; print([m for m in {HEAVY!r} if u.find_spec(m)])"
        assert _run([bin_ / "python", "-c", heavy], room) == "[]\n", (
            "a heavy package came with the light core"
        )
        hubpub = bin_ / "hubpub"
        _reads(hubpub, room)
        _says_what_is_missing(hubpub, room)
        _releases(hubpub, room / "whole")
        _previews(hubpub, room / "whole")


def _reads(hubpub: Path, room: Path) -> None:
    assert "release" in _run([hubpub, "--help"], room)
    assert json.loads(_run([hubpub, "schema"], room))["title"] == "Manifest"
    assert "model_card.md.j2" in _run([hubpub, "templates", "list"], room)
    (room / "README.md").write_text("---\nlanguage: [en]\n---\n# A model\n\nText.\n")
    checked = subprocess.run(
        [hubpub, "check", "README.md", "--format", "json"], cwd=room, capture_output=True
    )
    assert [f["code"] for f in json.loads(checked.stdout)["findings"]] == ["META010"], checked.stdout


def _says_what_is_missing(hubpub: Path, room: Path) -> None:
    """The models extra, and nothing worse."""
    manifest = room / "model_cards" / "tiny" / "release.yaml"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(
        "manifest: 1\nowner: me\nbase: {folder: ../../base, model: me/base}\nadapter: ../../adapter\nartifacts: [adapter]\n"
    )
    planned = subprocess.run(
        [hubpub, "plan", "tiny", "--hub", "local"],
        cwd=room,
        capture_output=True,
        text=True,
        env=_environment(room),
    )
    assert planned.returncode == 4, planned.stderr
    assert 'pip install "hubpub[models]"' in planned.stderr, planned.stderr


def _releases(hubpub: Path, project: Path) -> None:
    write_project(project, ("adapter",))
    (project / "model_cards" / NAME / "limitations.md").write_text(
        "It knows $$1 + 1$$, www.example.com, ~~all~~, and one thing[^1].\n\n- [ ] to do\n\n[^1]: This.\n"
    )
    released = [hubpub, "release", NAME, "--hub", "local", "--yes", "--proof", "static"]
    assert "Released tiny 1.0.0" in _run(released, project)


def _previews(hubpub: Path, project: Path) -> None:
    """Every package that the preview has for itself: a formula, a bare link, a footnote, a box, code, a saved file."""
    with _serving([hubpub, "card", NAME, "--preview"], project) as address:
        page = _fetch(address)
        for made in (
            "<math",
            'href="http://www.example.com"',
            "footnotes",
            'type="checkbox"',
            "<span class=",
        ):
            assert made in page, f"no {made} in the preview"
        (project / "model_cards" / NAME / "limitations.md").write_text("It was saved again.\n")
        deadline = time.monotonic() + START_S
        while "It was saved again." not in _fetch(address):
            assert time.monotonic() < deadline, "the preview does not see that a file was saved"
            time.sleep(0.1)


@contextmanager
def _serving(command: list[object], folder: Path) -> Iterator[str]:
    """A command that prints its address first and answers until Ctrl-C."""
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env=_environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), process.stderr.read()
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(START_S)


def _fetch(address: str) -> str:
    with urllib.request.urlopen(address, timeout=START_S) as answer:
        return str(answer.read().decode())


def _run(command: list[object], folder: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env=_environment(folder),
    )
    return done.stdout


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


if __name__ == "__main__":
    sys.exit(main())
