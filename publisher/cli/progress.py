"""How a run looks: one line a finished stage, a bar for the one that works. In a log, lines; for programs, events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from publisher.cli.events import Events
from publisher.cli.exits import code_of
from publisher.cli.output import Format, Output, colour
from publisher.cli.pace import Pace, duration_text, rate_text
from publisher.cli.plan_text import plan_text

if TYPE_CHECKING:
    from publisher.records.plans import Plan

WIDTH = 11
LOG_EVERY_S = 30
SHOWN_AHEAD = 4


class Progress:
    """A listener for the terminal. Use as a context: the bar goes when it ends.

    `release` is the name that events carry, `stages` the names of those that may run, in order.
    """

    def __init__(self, output: Output, release: str = "", stages: Sequence[str] = ()) -> None:
        self._output = output
        self._events = Events(output, release, stages) if output.format is Format.JSON else None
        self._live = _Bar(stages) if colour() and not output.quiet and self._events is None else None
        self._stage = ""
        self._pace = Pace()
        self._began_at = self._said_at = 0.0

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is not None:
            self._failed(error)
        if self._live:
            self._live.stop()

    def began(self, stage: str) -> None:
        """A stage starts to work."""
        self._stage, self._pace = stage, Pace()
        self._began_at = self._said_at = time.monotonic()
        if self._events:
            self._events.began(stage)
        elif self._live:
            self._live.show(stage)

    def progress(self, done: float, of: float, unit: str, note: str = "") -> None:
        """How far the present stage is; in a log, at most twice a minute."""
        if self._events:
            self._events.progress(done, of, unit, note)
            return
        self._pace.moved(done, of, unit)
        if self._live:
            self._live.move(done, of, unit, note, self._pace)
        elif time.monotonic() - self._said_at > LOG_EVERY_S:
            self._said_at = time.monotonic()
            told = (_amount(done, of, unit), _rate(self._pace, unit, note), _left(self._pace), note)
            self._output.talk(f"  … {self._stage:<{WIDTH}} {' · '.join(filter(None, told))}")

    def finished(self, stage: str, headline: str, seconds: float) -> None:
        """One line a finished stage: its headline fact and its time."""
        if self._events:
            self._events.finished(headline)
        else:
            self._line("✓", stage, headline, f"{seconds:.1f} s", "green")
        self._stage = ""

    def skipped(self, stage: str, reason: str) -> None:
        """One line a skipped stage: why."""
        if self._events:
            self._events.skipped(stage, reason)
        else:
            self._line("–", stage, reason, "", "bright_black")

    def planned(self, plan: Plan) -> None:
        """The plan, before anything is sent. It is said in words as well: somebody may have to confirm it."""
        if self._events:
            self._events.planned(plan)
        if plan.changes_anything:
            self._say(plan_text(plan))

    def _failed(self, error: BaseException) -> None:
        """The stage that stopped gets its line too; what is wrong is said where the command ends."""
        if self._events:
            self._events.failed(error)
        elif self._stage:
            seconds = time.monotonic() - self._began_at
            self._line("✗", self._stage, f"stopped: {code_of(error)}", f"{seconds:.1f} s", "red")

    def _line(self, mark: str, stage: str, text: str, timing: str, style: str) -> None:
        line = f"{mark} {stage:<{WIDTH}} {text:<66} {timing:>9}".rstrip()
        if self._live and stage:
            self._live.passed(stage)
        self._say(line, style)

    def _say(self, text: str, style: str = "") -> None:
        if self._live:
            self._live.say(text, style)
        else:
            self._output.talk(text)


class _Bar:
    """rich's progress bars, imported only where there is a terminal to draw on: the present stage, and all of them."""

    def __init__(self, stages: Sequence[str]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._stages = stages
        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn(f"{{task.fields[stage]:<{WIDTH}}}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[amount]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[note]}", style="bright_black"),
            console=self._console,
            transient=True,
        )
        self._task: Any = None
        self._whole: Any = None

    def start(self) -> None:
        self._progress.start()
        if self._stages:
            self._whole = self._progress.add_task(
                "", total=len(self._stages), stage="all stages", amount="", left="", note=""
            )

    def stop(self) -> None:
        self._progress.stop()

    def show(self, stage: str) -> None:
        self._drop()
        self._task = self._progress.add_task("", total=None, stage=stage, amount="", left="", note="")
        if self._whole is not None and stage in self._stages:
            place = self._stages.index(stage)
            self._progress.update(self._whole, completed=place, amount=f"{place + 1} of {len(self._stages)}")
            self._progress.update(self._whole, note=_ahead(self._stages[place + 1 :]))

    def passed(self, stage: str) -> None:
        if self._whole is not None and stage in self._stages:
            self._progress.update(self._whole, completed=self._stages.index(stage) + 1)

    def move(self, done: float, of: float, unit: str, note: str, pace: Pace) -> None:
        if self._task is not None:
            told = " · ".join(filter(None, (_rate(pace, unit, note), note)))
            self._progress.update(self._task, completed=done, total=of, amount=_amount(done, of, unit))
            self._progress.update(self._task, left=_left(pace), note=told)

    def say(self, text: str, style: str) -> None:
        self._drop()
        self._console.print(text, style=style or None, markup=False, soft_wrap=True)

    def _drop(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None


def _ahead(stages: Sequence[str]) -> str:
    """The stages that are still to come, the next ones by name."""
    if not stages:
        return "the last one"
    more = f" and {len(stages) - SHOWN_AHEAD} more" if len(stages) > SHOWN_AHEAD else ""
    return f"then {', '.join(stages[:SHOWN_AHEAD])}{more}"


def _rate(pace: Pace, unit: str, note: str) -> str:
    """The rate, where the stage does not tell a better one itself."""
    return "" if pace.rate is None or "/s" in note else rate_text(pace.rate, unit)


def _left(pace: Pace) -> str:
    return "" if pace.remaining_s is None else f"{duration_text(pace.remaining_s)} left"


def _amount(done: float, of: float, unit: str) -> str:
    if unit == "bytes":
        return f"{done / 1e6:.0f} of {of / 1e6:.0f} MB"
    return f"{done:.0f} of {of:.0f} {unit}"
