"""`pip install hubpub` without extras: light, and what it promises works. On every Python from 3.11 on that is here.

Run by `make light`, not by pytest: each interpreter gets an environment of its own, and the wheel is installed, not
the checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "benchmarks"))

from tiny_project import NAME, write_project

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "transformers", "peft", "bitsandbytes", "datasets", "pyarrow", "numpy", "matplotlib")
VERSIONS = ("3.11", "3.12", "3.13")


def main() -> int:
    """Try each interpreter; returns how many failed."""
    failed = passed = 0
    for version in VERSIONS:
        python = _interpreter(version)
        if python is None:
            print(f"Python {version}: not here, skipped")
            continue
        try:
            started = time.monotonic()
            _try(python)
            passed += 1
            print(f"Python {version}: light core works ({time.monotonic() - started:.0f} s)")
        except (AssertionError, subprocess.CalledProcessError) as fault:
            failed += 1
            print(f"Python {version}: {fault}\n{getattr(fault, 'stdout', '')}{getattr(fault, 'stderr', '')}")
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


def _try(python: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        subprocess.run([python, "-m", "venv", room / "venv"], check=True, capture_output=True, text=True)
        bin_ = room / "venv" / "bin"
        wheel = ["install", "--quiet", "--disable-pip-version-check", "-c", ROOT / "constraints.txt", ROOT]
        subprocess.run([bin_ / "python", "-m", "pip", *wheel], check=True, capture_output=True, text=True)
        heavy = f"import importlib.util as u; print([m for m in {HEAVY!r} if u.find_spec(m)])"
        assert _run([bin_ / "python", "-c", heavy], room) == "[]\n", (
            "a heavy package came with the light core"
        )
        hubpub = bin_ / "hubpub"
        assert "release" in _run([hubpub, "--help"], room)
        assert json.loads(_run([hubpub, "schema"], room))["title"] == "Manifest"
        assert "model_card.md.j2" in _run([hubpub, "templates", "list"], room)
        _write_project(room)
        checked = subprocess.run(
            [hubpub, "check", "README.md", "--format", "json"], cwd=room, capture_output=True
        )
        assert [f["code"] for f in json.loads(checked.stdout)["findings"]] == ["META010"], checked.stdout
        planned = subprocess.run(
            [hubpub, "plan", "tiny", "--hub", "local"],
            cwd=room,
            capture_output=True,
            text=True,
            env=_environment(room),
        )
        assert planned.returncode == 4, (
            planned.stderr
        )  # says that the models extra is missing, and nothing worse
        assert 'pip install "hubpub[models]"' in planned.stderr, planned.stderr
        write_project(room / "whole", ("adapter",))
        released = [hubpub, "release", NAME, "--hub", "local", "--yes", "--proof", "static"]
        assert "Released tiny 1.0.0" in _run(released, room / "whole")


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


def _write_project(room: Path) -> None:
    (room / "README.md").write_text("---\nlanguage: [en]\n---\n# A model\n\nText.\n")
    manifest = room / "model_cards" / "tiny" / "release.yaml"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(
        "manifest: 1\nowner: me\nbase: {folder: ../../base, model: me/base}\nadapter: ../../adapter\nartifacts: [adapter]\n"
    )


if __name__ == "__main__":
    sys.exit(main())
