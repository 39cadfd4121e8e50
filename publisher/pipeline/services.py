"""What stages are handed besides records: where files lie, who runs jobs, who is told, what the user asked for.

None of these is part of a stage's key: they change how work is done, not what comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from publisher.engine.jobs import Job, JobResult
from publisher.engine.worker import Limits, run_job
from publisher.hub.port import Hub
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
    """Adds up the bytes that have passed, and tells the listener."""

    def __init__(self, listener: Listener, of: int) -> None:
        self._listener = listener
        self._of = of
        self._done = 0

    def __call__(self, size: int) -> None:
        """Hear of so many more bytes."""
        self._done += size
        self._listener.progress(self._done, max(self._of, 1), "bytes")


@dataclass(frozen=True)
class Engine:
    """Runs jobs of the torch room in child processes, and passes their progress on."""

    scratch: Path
    listener: Listener
    limits: Limits

    def run(self, job: Job) -> JobResult:
        """Run one job.

        Raises:
            HubpubError: whatever the job refuses; HP-E01 missing package, HP-E02 the child died, HP-X02 memory.
        """
        self.scratch.mkdir(parents=True, exist_ok=True)
        return run_job(job, scratch=self.scratch, on_event=self._hear, limits=self.limits)

    def _hear(self, event: dict[str, Json]) -> None:
        unit = {"step": "steps", "bytes": "bytes", "row": "rows", "rows": "rows"}.get(
            str(event.get("event")), "steps"
        )
        done, of = event.get("step", event.get("done")), event.get("of")
        if isinstance(done, int | float) and isinstance(of, int | float) and of:
            loss, rate = event.get("loss"), event.get("tokens_per_second")
            parts = [
                f"loss {loss:.3f}" if isinstance(loss, float) else "",
                f"{rate:.0f} tok/s" if rate else "",
            ]
            note = " · ".join(part for part in parts if part) or str(event.get("model", ""))
            self.listener.progress(done, of, unit, note)


@dataclass(frozen=True)
class Wishes:
    """What the command line asked for."""

    version: str | None = None
    yes: bool = False
    proof: ProofLevel = "run"
    train: bool = False
    message: str = ""
    allow_delete: frozenset[str] = frozenset()
    confirm: Callable[[Plan], bool] = lambda plan: plan.changes_anything


@dataclass(frozen=True)
class LastVersion:
    """The version that the lock knows for this Hub; None before the first release."""

    number: str | None


@dataclass(frozen=True)
class Source:
    """The Hub that bases and adapters come from: the real one where the target is only a rehearsal."""

    hub: Hub
