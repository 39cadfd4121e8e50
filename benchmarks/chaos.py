"""Kill the client or the Hub at random moments of a release, go on, and compare the end with an undisturbed one.

Everything runs as users run it: `hubpub hub serve` and `hubpub release --proof static` are processes of their own,
SIGKILL is what ends them. In turns the release is a first one, one of other weights under the next version, and one of
a changed card. A kill comes either so many seconds after the start, or so many milliseconds after a line of the journal:
the first way meets everything, the second mostly what happens on the Hub.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiny_project import NAME, write_adapter, write_project

BIN = Path(sys.executable).parent
TOKEN = "hf_acme"
STARTS_S = 20.0
RELEASE_S = 120.0
TRIES = 6
EDITS = ("first", "weights", "card")
REPOS = (("models", "acme/tiny-base"), ("datasets", "acme/tiny-data"), ("models", "acme/tiny-lora"))
BY_LINE = 0.7  # so many of the kills are timed by the journal
NEXT_LINE_S = 0.02
OUR_OWN = ("commit", "at", "hub", "commits")  # of a receipt: what no two releases share


@dataclass
class Room:
    """One project, one Hub, and the processes that work on them."""

    root: Path
    port: int = 0
    server: subprocess.Popen[bytes] | None = None
    edit: str = EDITS[0]

    @property
    def url(self) -> str:
        """The Hub's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def hub(self) -> Path:
        """The Hub's data."""
        return self.root / "hub"

    @property
    def workspace(self) -> Path:
        """What the release keeps on this machine."""
        return self.root / ".hubpub" / NAME

    def copy(self, to: Path, edit: str) -> Room:
        """The same project and Hub elsewhere, with an edit made."""
        shutil.copytree(self.root, to, symlinks=True)
        room = Room(to, self.port, edit=edit)
        cards = to / "model_cards" / NAME
        if edit == "weights":
            write_adapter(cards / "inputs" / "adapter", seed=2.0)
        elif edit == "card":
            (cards / "limitations.md").write_text("It still knows nothing.\n")
        return room

    def serve(self) -> None:
        """Start the Hub, on its old port where it had one."""
        ready = self.root / "ready"
        ready.unlink(missing_ok=True)
        users = self.root / "users.yaml"
        users.write_text(f"- name: acme\n  tokens: [{{token: {TOKEN}}}]\n")
        where = ["--data", self.hub, "--port", str(self.port), "--users", users, "--ready-file", ready]
        with (self.root / "hub.log").open("ab") as log:
            self.server = subprocess.Popen(
                [BIN / "hubpub", "hub", "serve", *where],
                env=_environment(self),
                stdout=log,
                stderr=log,
                cwd=self.root,
            )
        deadline = time.monotonic() + STARTS_S
        while not ready.is_file():
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the Hub did not start:\n{(self.root / 'hub.log').read_text()}")
            time.sleep(0.005)
        self.port = int(json.loads(ready.read_text())["url"].rsplit(":", 1)[1])

    def stop(self) -> None:
        """Stop the Hub as a user would."""
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(STARTS_S)
            self.server = None

    def release(self) -> subprocess.Popen[bytes]:
        """Start a release."""
        version = ["1.1.0"] if self.edit == "weights" else []
        command = ["release", NAME, *version, "--hub", self.url, "--yes", "--proof", "static"]
        with (self.root / "client.log").open("wb") as log:
            return subprocess.Popen(
                [BIN / "hubpub", *command], env=_environment(self), stdout=log, stderr=log, cwd=self.root
            )

    def release_whole(self) -> float:
        """Release to the end; returns how long that took, in seconds.

        Raises:
            SystemExit: it does not end well.
        """
        began = time.monotonic()
        process = self.release()
        if process.wait(RELEASE_S):
            raise SystemExit(
                f"a release failed ({process.returncode}):\n{(self.root / 'client.log').read_text()}"
            )
        return time.monotonic() - began

    def journal(self) -> list[str]:
        """The lines of this Hub's journal."""
        file = next(self.workspace.glob("hubs/*/journal.jsonl"), None)
        return [line for line in file.read_text().split("\n") if line] if file else []


@dataclass
class Kill:
    """What was killed and when, and whether the end was as it should be."""

    number: int
    edit: str
    victim: str
    seconds: float
    line: int | None  # of the journal, counted from where this release began; None: counted from the start
    step: str = ""
    runs: int = 0
    differences: list[str] = field(default_factory=list)

    def told(self) -> str:
        """One line for people."""
        end = "same end" if not self.differences else "DIFFERS: " + "; ".join(self.differences)
        since = "the start" if self.line is None else f"line {self.line}"
        when = f"{self.seconds * 1000:>4.0f} ms after {since}"
        runs = f"{self.runs} more run{'s' * (self.runs != 1)}"
        return (
            f"{self.number:>3}  {self.edit:<7} {self.victim:<6} {when:<24} {self.step:<34} {runs:<11} {end}"
        )


def main() -> None:
    """Make the kills and say what came of each; exit code 1 where an end differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    asked = parser.parse_args()
    kills: list[Kill] = []
    began = time.monotonic()
    for kill in run(asked.kills, asked.seed):
        kills.append(kill)
        if asked.format == "text":
            print(kill.told(), flush=True)
    differing = sum(bool(kill.differences) for kill in kills)
    if asked.format == "json":
        rows = [vars(kill) for kill in kills]
        print(
            json.dumps(
                {"schema": "hubpub/chaos/1", "seed": asked.seed, "differing": differing, "kills": rows}
            )
        )
    else:
        within = sum(kill.step.endswith(" open") for kill in kills)
        print(
            f"{len(kills)} kills (seed {asked.seed}, {within} within a remote step) in {time.monotonic() - began:.0f} s: "
            f"{len(kills) - differing} ended as an undisturbed release, {differing} did not"
        )
    raise SystemExit(bool(differing))


def run(kills: int, seed: int) -> Iterator[Kill]:
    """Make so many kills; each is told when its release has come to its end."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="hubpub-chaos-") as folder:
        place = Path(folder)
        starts, calm, seconds, lines = _undisturbed(place)
        for number in range(1, kills + 1):
            edit = EDITS[(number - 1) % len(EDITS)]
            victim = chance.choice(("client", "hub"))
            kill = Kill(number, edit, victim, chance.uniform(0, seconds[edit]), None)
            if chance.random() < BY_LINE:
                kill = Kill(
                    number, edit, victim, chance.uniform(0, NEXT_LINE_S), chance.randint(1, lines[edit])
                )
            while not _meet(starts[edit].copy(place / f"kill-{number}", edit), kill, calm[edit]):
                kill.seconds /= 2  # it had ended before: other work on this machine made the first one slow
            yield kill


def _meet(room: Room, kill: Kill, calm: Any) -> bool:
    """Make one kill in a room of its own and go on; False where the release had ended before the kill came."""
    with served(room):
        came_in_time = _kill(room, kill)
        if came_in_time:
            _go_on(room, kill)
            kill.differences += differences(calm, look(room))
    if came_in_time:
        kill.differences += unsound(room)
    shutil.rmtree(room.root)
    return came_in_time


def _undisturbed(
    place: Path,
) -> tuple[dict[str, Room], dict[str, Any], dict[str, float], dict[str, int]]:
    """Where each edit starts from, and when nothing happens: its end, how long that takes, its lines of journal."""
    empty = Room(place / "empty")
    write_project(empty.root)
    starts = {"first": empty}
    calm, seconds, lines = {}, {}, {}
    for edit in EDITS:
        room = starts[edit].copy(place / f"calm-{edit}", edit)
        before = len(room.journal())
        with served(room):
            seconds[edit] = room.release_whole()
            calm[edit] = look(room)
        lines[edit] = len(room.journal()) - before
        if edit == "first":
            starts |= dict.fromkeys(EDITS[1:], room)
        if wrong := unsound(room):
            raise SystemExit(f"an undisturbed release is not sound: {wrong}")
    return starts, calm, seconds, lines


@contextmanager
def served(room: Room) -> Iterator[None]:
    """The Hub of a room, for as long as the block."""
    room.serve()
    try:
        yield
    finally:
        room.stop()


def _kill(room: Room, kill: Kill) -> bool:
    """Start a release, and end the client or the Hub when the moment has come, if the release still runs then."""
    before = len(room.journal())
    process = room.release()
    while kill.line is not None and process.poll() is None and len(room.journal()) - before < kill.line:
        time.sleep(0.001)
    with suppress(subprocess.TimeoutExpired):
        process.wait(kill.seconds)
        return False
    victim = process if kill.victim == "client" else room.server
    assert victim is not None
    victim.kill()
    victim.wait()
    kill.step = _step(room.journal()[before:])
    if kill.victim == "hub":
        room.serve()
    process.wait(RELEASE_S)
    return True


def _go_on(room: Room, kill: Kill) -> None:
    """Run the same command until it ends well, at most so many times."""
    for _ in range(TRIES):
        kill.runs += 1
        process = room.release()
        if process.wait(RELEASE_S) == 0:
            return
    kill.differences.append(f"did not end in {TRIES} runs: {(room.root / 'client.log').read_text()[-600:]}")


def _step(lines: list[str]) -> str:
    """The last thing that the journal of this release says: the step that is open, or the one that was done last."""
    if not lines:
        return "before the first remote step"
    try:
        last = json.loads(lines[-1])
    except ValueError:
        return "in the middle of a line"
    name, repo = last.get("step", last["event"]), str(last.get("repo", "")).split("/")[-1]
    return f"{name} {repo} open" if last["event"] == "begin" else f"after {name} {repo}"


def look(room: Room) -> dict[str, Any]:
    """Everything that two ends must share, as JSON."""
    found: dict[str, Any] = {"repos": sorted(_listed(room))}
    for kind, repo_id in REPOS:
        about = f"/api/{kind}/{repo_id}"
        refs = _ask(room, f"{about}/refs")
        tags = {tag["name"]: tag["targetCommit"] for tag in refs["tags"]}
        found[repo_id] = {
            "private": _ask(room, about)["private"],
            "branches": sorted(branch["name"] for branch in refs["branches"]),
            "tags": sorted(tags),
            "main": _tree(room, about, "main"),
            "commits": [c["title"] for c in _ask(room, f"{about}/commits/main")],
            **{f"tree of {name}": _tree(room, about, at) for name, at in tags.items()},
        }
    receipts = sorted(room.workspace.glob("hubs/*/receipts/*.json"))
    found["receipts"] = {file.name: _without_our_own(json.loads(file.read_text())) for file in receipts}
    return found


def _listed(room: Room) -> Iterator[str]:
    for kind in ("models", "datasets"):
        yield from (repo["id"] for repo in _ask(room, f"/api/{kind}"))


def _tree(room: Room, about: str, revision: str) -> list[Any]:
    entries = _ask(room, f"{about}/tree/{revision}?recursive=true")
    return sorted([e["path"], e["oid"], e.get("lfs", {}).get("oid")] for e in entries if e["type"] == "file")


def _ask(room: Room, path: str) -> Any:
    request = urllib.request.Request(room.url + path, headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def _without_our_own(value: Any) -> Any:
    """A receipt without what is another in every release: commits and the address."""
    if isinstance(value, dict):
        return {key: _without_our_own(item) for key, item in value.items() if key not in OUR_OWN}
    return [_without_our_own(item) for item in value] if isinstance(value, list) else value


def differences(calm: Any, end: Any, place: str = "") -> list[str]:
    """Where two ends differ, each place in words."""
    if isinstance(calm, dict) and isinstance(end, dict):
        return list(
            itertools.chain.from_iterable(
                differences(calm.get(key), end.get(key), f"{place}/{key}") for key in sorted({*calm, *end})
            )
        )
    return [] if calm == end else [f"{place}: {calm!r} undisturbed, {end!r} here"]


def unsound(room: Room) -> list[str]:
    """What `git fsck --full` says of each repo, and what the Hub's data folder should not have."""
    told = []
    for repo in sorted(path.parent for path in (room.hub / "repos").rglob("HEAD")):
        command = ["git", "-C", repo, "fsck", "--full", "--strict", "--no-dangling"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or done.stdout.strip():
            told.append(f"git fsck of {repo.name}: {done.stdout}{done.stderr}")
    return told


def _environment(room: Room) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    return {**kept, "HOME": str(room.root / "home"), "HF_TOKEN": TOKEN, "NO_COLOR": "1"}


if __name__ == "__main__":
    main()
