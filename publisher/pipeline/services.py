"""What stages are handed besides records: where files lie, who runs jobs, who is told, what the user asked for.

None of these is part of a stage's key: they change how work is done, not what comes out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from publisher.engine.jobs import Job, JobResult
from publisher.engine.worker import Limits, run_job
from publisher.hub.port import Hub
from publisher.records.artifacts import Kind, RepoRef
from publisher.records.facts import Json
from publisher.records.plans import Plan
from publisher.records.receipts import ProofLevel


class Listener(Protocol):
    """Hears how a run goes; the terminal draws it, tests write it down."""

    def began(self, stage: str) -> None:
        """A stage starts to work."""

    def progress(self, done: float, of: float, unit: str, note: str = "") -> None:
        """The present stage got so far. `unit` is `bytes`, `steps`, `rows` …"""

    def finished(self, stage: str, headline: str, seconds: float) -> None:
        """A stage is done; its headline is its most telling fact."""

    def skipped(self, stage: str, reason: str) -> None:
        """A stage does not run, and why."""

    def planned(self, plan: Plan) -> None:
        """The plan, before anything is sent."""


class ByteCounter:
    """Adds up the bytes that have passed, and tells the listener, with their rate.

    Attributes:
        sent: bytes that passed.
        known: bytes that did not have to, because the Hub had them already.
    """

    def __init__(self, listener: Listener, of: int) -> None:
        self._listener = listener
        self._of = max(of, 1)
        self._started = time.monotonic()
        self.sent = 0
        self.known = 0

    def __call__(self, size: int, known: bool = False) -> None:
        """Hear of so many more bytes, and whether the Hub had them already."""
        if known:
            self.known += size
        else:
            self.sent += size
        rate = self.sent / max(time.monotonic() - self._started, 1e-3)
        notes = [f"{rate / 1e6:.1f} MB/s"] + ([f"{self.known / 1e6:.0f} MB were there"] if self.known else [])
        # A step that is tried again counts its bytes again; there are not more than all.
        done = min(self.sent + self.known, self._of)
        self._listener.progress(done, self._of, "bytes", " · ".join(notes))


@dataclass(frozen=True)
class Engine:
    """Runs jobs of the torch room in child processes, and passes their progress on."""

    scratch: Path
    listener: Listener
    limits: Limits

    def run(self, job: Job, hear: Callable[[dict[str, Json]], None] | None = None) -> JobResult:
        """Run one job; `hear` is told of its events in the listener's place.

        Raises:
            HubpubError: whatever the job refuses; HP-E01 missing package, HP-E02 the child died, HP-X02 memory.
        """
        self.scratch.mkdir(parents=True, exist_ok=True)
        return run_job(job, scratch=self.scratch, on_event=hear or self._hear, limits=self.limits)

    def _hear(self, event: dict[str, Json]) -> None:
        unit = {"step": "steps", "bytes": "bytes", "row": "rows", "rows": "rows"}.get(
            str(event.get("event")), "steps"
        )
        done, of = event.get("step", event.get("done")), event.get("of")
        if isinstance(done, int | float) and isinstance(of, int | float) and of:
            loss, rate = event.get("loss"), event.get("tokens_per_second")
            held_out = event.get("eval_loss")
            parts = [
                f"loss {loss:.3f}" if isinstance(loss, float) else "",
                f"held-out loss {held_out:.3f}" if isinstance(held_out, float) else "",
                f"{rate:.0f} tok/s" if rate else "",
            ]
            note = " · ".join(part for part in parts if part) or str(event.get("model", ""))
            self.listener.progress(done, of, unit, note)


@dataclass(frozen=True)
class Wishes:
    """What the command line asked for."""

    version: str | None = None
    yes: bool = False
    proof: ProofLevel = "run"  # at most so far, whatever the manifest says
    train: bool = False
    message: str = ""
    allow_delete: frozenset[str] = frozenset()
    confirm: Callable[[Plan], bool] = lambda plan: plan.changes_anything
    propose: bool = False  # to pull requests, which others merge, instead of to main
    never_train: bool = False  # not even what no machine has trained yet
    allow_worse: bool = False  # a tuned model may be released that does not beat its base
    processes: int = 1  # that share a training's steps
    verify: Literal["auto", "full"] = "auto"  # full: what was fetched back is loaded, not what lies here


@dataclass(frozen=True)
class LastVersion:
    """What the lock knows of the last release on this Hub.

    Attributes:
        number: its version; None before the first.
        repos: where its artifacts are.
        numbers: what was measured of it, by fact.
        answers: what it answered to the test prompts, by fact and by question, as digests.
    """

    number: str | None
    repos: Mapping[Kind, RepoRef] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """The Hub that bases and adapters come from: the real one where the target is only a rehearsal."""

    hub: Hub
