"""How a run looks: one line a finished stage, a bar for the one that works. In a log, lines only."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from publisher.cli.output import Output, colour
from publisher.cli.plan_text import plan_text

if TYPE_CHECKING:
    from publisher.records.plans import Plan

WIDTH = 11


class Progress:
    """A listener for the terminal. Use as a context: the bar goes when it ends."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._live = _Bar() if colour() and not output.quiet else None
        self._stage = ""
        self._said_at = 0.0

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def began(self, stage: str) -> None:
        """A stage starts to work."""
        self._stage, self._said_at = stage, time.monotonic()
        if self._live:
            self._live.show(stage)

    def progress(self, done: float, of: float, unit: str, note: str = "") -> None:
        """How far the present stage is; in a log, at most twice a minute."""
        if self._live:
            self._live.move(done, of, unit, note)
        elif time.monotonic() - self._said_at > 30:
            self._said_at = time.monotonic()
            self._output.talk(f"  … {self._stage:<{WIDTH}} {_amount(done, of, unit)} {note}".rstrip())

    def finished(self, stage: str, headline: str, seconds: float) -> None:
        """One line a finished stage: its headline fact and its time."""
        self._line("✓", stage, headline, f"{seconds:.1f} s", "green")

    def skipped(self, stage: str, reason: str) -> None:
        """One line a skipped stage: why."""
        self._line("–", stage, reason, "", "bright_black")

    def planned(self, plan: Plan) -> None:
        """The plan, before anything is sent."""
        if plan.changes_anything:
            self._say(plan_text(plan))

    def _line(self, mark: str, stage: str, text: str, timing: str, style: str) -> None:
        line = f"{mark} {stage:<{WIDTH}} {text:<66} {timing:>9}".rstrip()
        self._say(line, style)

    def _say(self, text: str, style: str = "") -> None:
        if self._live:
            self._live.say(text, style)
        else:
            self._output.talk(text)


class _Bar:
    """rich's progress bar, imported only where there is a terminal to draw on."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn(f"{{task.fields[stage]:<{WIDTH}}}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[amount]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", style="bright_black"),
            console=self._console,
            transient=True,
        )
        self._task: Any = None

    def start(self) -> None:
        self._progress.start()

    def stop(self) -> None:
        self._progress.stop()

    def show(self, stage: str) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task("", total=None, stage=stage, amount="", note="")

    def move(self, done: float, of: float, unit: str, note: str) -> None:
        if self._task is not None:
            self._progress.update(
                self._task, completed=done, total=of, amount=_amount(done, of, unit), note=note
            )

    def say(self, text: str, style: str) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self._console.print(text, style=style or None, markup=False, soft_wrap=True)


def _amount(done: float, of: float, unit: str) -> str:
    if unit == "bytes":
        return f"{done / 1e6:.0f} of {of / 1e6:.0f} MB"
    return f"{done:.0f} of {of:.0f} {unit}"
