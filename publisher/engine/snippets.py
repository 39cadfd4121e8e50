"""Running a card's code blocks, exactly as a reader would paste them, each on its own.

The process is the worker's child already: no token, no network, a HOME of its own. What is added here is a fresh
namespace, an empty working folder, a time limit, and a report of what went wrong where.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from publisher.engine.jobs import Emit, Snippet
from publisher.engine.memory import free
from publisher.errors import HubpubError

LIMIT_S = 600.0  # seconds for one block
AGAIN_S = 5.0  # a block that swallows the alarm is reminded this often
KEPT_OUTPUT = 4000  # characters of a block's output, from its end: the answer comes last


class OutOfTimeError(BaseException):
    """A block ran longer than it may. Not an Exception, so that a block's `except Exception` lets it through."""


@dataclass(frozen=True)
class SnippetOutcome:
    """How one block went. `line` counts from the block's first line; `error` None = it ran."""

    name: str
    seconds: float
    output: str
    error: str | None = None
    line: int | None = None


def run_snippets(
    snippets: Sequence[Snippet], emit: Emit, *, limit_s: float = LIMIT_S
) -> list[SnippetOutcome]:
    """Run all blocks, also those behind one that fails.

    Args:
        snippets: code with repo ids already rewritten to local folders.
        emit: told after each block.
        limit_s: seconds for each block. A call into C that never returns is not interrupted by it; the worker's
            own limit ends the process then.

    Raises:
        HubpubError: HP-E08, with every block that failed in its message and in `data["failed"]`.
    """
    outcomes = []
    for snippet in snippets:
        outcomes.append(run_snippet(snippet, limit_s=limit_s))
        emit({"step": "snippets", "done": len(outcomes), "total": len(snippets)})
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if failed:
        told = "; ".join(f"{_place(outcome)}: {outcome.error}" for outcome in failed)
        raise HubpubError(
            "HP-E08",
            f"{len(failed)} of {len(outcomes)} code blocks of the card do not run: {told}",
            hint="mend the block in the card's template or prose; it must run as it stands, pasted into a new session",
            where=failed[0].name,
            failed=[{"name": f.name, "line": f.line, "error": f.error, "output": f.output} for f in failed],
        )
    return outcomes


def run_snippet(
    snippet: Snippet, *, limit_s: float = LIMIT_S, namespace: dict[str, Any] | None = None
) -> SnippetOutcome:
    """Run one block in a fresh namespace, or in one that goes on; what it raises is the outcome, not an error of ours."""
    output = io.StringIO()
    caught = _Caught()
    started = time.perf_counter()
    with caught, _surroundings(output), _alarm(limit_s):
        namespace = {"__name__": "__main__"} if namespace is None else namespace
        exec(compile(snippet.code, snippet.name, "exec"), namespace)  # noqa: S102  the point of this file
    seconds = time.perf_counter() - started
    error, line = caught.describe(snippet.name, limit_s)
    # The traceback holds the block's frames, and those its models.
    caught.error = None
    free()
    return SnippetOutcome(snippet.name, round(seconds, 3), output.getvalue()[-KEPT_OUTPUT:], error, line)


class _Caught:
    """Keeps whatever a block raises: here any exception at all is an answer.

    Not the user's own Ctrl-C, nor a machine without memory: those are no fault of the block.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> _Caught:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, KeyboardInterrupt | MemoryError):
            return False
        self.error = error
        return True

    def describe(self, name: str, limit_s: float) -> tuple[str | None, int | None]:
        """The last line of the traceback, and the line of the block that it came from."""
        error = self.error
        if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            return None, None
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == name]
        line = lines[-1] if lines else None
        if isinstance(error, SyntaxError) and error.filename == name:
            line = error.lineno
        if isinstance(error, OutOfTimeError):
            return f"still running after {limit_s:g} s", line
        told = [part for part in "".join(traceback.format_exception_only(error)).splitlines() if part.strip()]
        # A syntax error is told as place, source and caret before the sentence; other errors may go on for lines.
        return (told[-1] if isinstance(error, SyntaxError) else told[0]).strip(), line


@contextlib.contextmanager
def _surroundings(output: io.StringIO) -> Iterator[None]:
    """Output caught, warnings let through, an empty working folder; all of it put back as it was."""
    folder, environment, arguments = Path.cwd(), dict(os.environ), sys.argv
    with (
        tempfile.TemporaryDirectory(prefix="snippet-", ignore_cleanup_errors=True) as scratch,
        warnings.catch_warnings(),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        warnings.simplefilter("default")
        os.chdir(scratch)
        sys.argv = [""]
        try:
            yield
        finally:
            sys.argv = arguments
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environment)


@contextlib.contextmanager
def _alarm(limit_s: float) -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit_s, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _place(outcome: SnippetOutcome) -> str:
    return outcome.name if outcome.line is None else f"{outcome.name}, line {outcome.line} of the block"
