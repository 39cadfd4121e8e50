"""The code blocks of a card that others may have written: run in their order, and how each went.

Unlike the blocks of our own cards (`snippets.py`), which must run each by itself, these are one session, as in a
notebook: most cards import and load in one block and ask in the next.
"""

from __future__ import annotations

from typing import Any

from publisher.engine.jobs import Emit, JobResult, RunCode
from publisher.engine.snippets import run_snippet


def run(job: RunCode, emit: Emit) -> JobResult:
    """Run all blocks, also those behind one that fails; each outcome is told at once, since a later block may end us."""
    session: dict[str, Any] = {"__name__": "__main__"}
    for index, snippet in enumerate(job.snippets):
        outcome = run_snippet(snippet, limit_s=job.limit_s, namespace=session)
        emit({"event": "ran", "index": index, "error": outcome.error, "line": outcome.line})
    return JobResult((), {})
