"""How a run goes, for other programs: with --format json, one JSON object a line on stderr.

`docs/events.md` is the page of what they hold; names there are promises.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from publisher.cli.exits import code_of
from publisher.cli.hints import as_typed
from publisher.cli.output import Output
from publisher.cli.pace import Pace
from publisher.errors import CATALOGUE, HubpubError

if TYPE_CHECKING:
    from publisher.records.plans import Plan

SCHEMA = "hubpub/event/1"
BETWEEN_S = 1.0  # at most one report of progress in so many seconds, and the last one of a count


class Events:
    """The run of one release as events: started, progress, done, skipped, planned, failed."""

    def __init__(self, output: Output, release: str, stages: Sequence[str]) -> None:
        self._output = output
        self._release = release
        self._stages = stages
        self._run_began = self._stage_began = time.monotonic()
        self._reported_at = 0.0
        self._stage: str | None = None
        self._pace = Pace()

    def began(self, stage: str) -> None:
        """A stage starts to work."""
        self._stage, self._stage_began, self._pace = stage, time.monotonic(), Pace()
        self._reported_at = 0.0
        place = self._stages.index(stage) + 1 if stage in self._stages else None
        self._say("started", number=place, stages=len(self._stages) or None)

    def progress(self, done: float, of: float, unit: str, note: str) -> None:
        """How far the present stage is."""
        self._pace.moved(done, of, unit)
        now = time.monotonic()
        if done < of and now - self._reported_at < BETWEEN_S:
            return
        self._reported_at = now
        rate, remaining = self._pace.rate, self._pace.remaining_s
        self._say("progress", done=done, total=of, unit=unit, rate=rate, remaining_s=_s(remaining), note=note)

    def finished(self, headline: str) -> None:
        """The present stage is done."""
        self._say("done", headline=headline)
        self._stage = None

    def skipped(self, stage: str, reason: str) -> None:
        """A stage does not run."""
        self._stage, self._stage_began = stage, time.monotonic()
        self._say("skipped", reason=reason)
        self._stage = None

    def planned(self, plan: Plan) -> None:
        """What would change on the Hub."""
        self._say(
            "planned",
            hub=plan.hub,
            version=plan.label,
            changes_anything=plan.changes_anything,
            repos=[repo.ref.repo_id for repo in plan.repos if repo.changes],
            bytes_to_upload=plan.bytes_to_upload,
        )

    def failed(self, error: BaseException) -> None:
        """The run ends: with an error, with several that were met together, or by what is none of ours."""
        code = code_of(error)
        if isinstance(error, HubpubError):
            errors = [_told(each) for each in error.data.get("all", [error])]
        else:
            errors = [{"code": code, "what": CATALOGUE[code].meaning, "where": None, "hint": None}]
        self._say("failed", exit_code=int(CATALOGUE[code].exit), errors=errors)

    def _say(self, event: str, **more: Any) -> None:
        now = time.monotonic()
        self._output.event(
            {
                "schema": SCHEMA,
                "release": self._release or None,
                "stage": self._stage,
                "event": event,
                "elapsed_s": _s(now - self._stage_began) if self._stage else None,
                "run_s": _s(now - self._run_began),
                **more,
            }
        )


def _told(error: HubpubError) -> dict[str, str | None]:
    hint = as_typed(error.hint, sys.argv[1:])
    return {"code": error.code, "what": error.what, "where": error.where, "hint": hint}


def _s(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
