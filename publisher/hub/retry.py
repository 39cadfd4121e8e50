"""When a call to the Hub is tried again: what is idempotent, or what can be looked for; and as the Hub asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from publisher.errors import HubpubError

Result = TypeVar("Result")

ATTEMPTS = 5
LONGEST_WAIT_S = 120.0


def retried(call: Callable[[], Result]) -> Result:
    """Run an idempotent call, again after a passing fault: up to five times, 1, 2, 4, 8 s apart or as asked."""
    return Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        retry=retry_if_exception(_passing),
        wait=_wait,
        reraise=True,
    )(call)


def once(write: Callable[[], None], *, done: Callable[[], bool]) -> None:
    """Run a call that must not be made twice: before every attempt it is looked whether an earlier one was heard."""

    def tried() -> None:
        if not done():
            write()

    retried(tried)


def _passing(fault: BaseException) -> bool:
    return isinstance(fault, HubpubError) and bool(fault.data.get("passing"))


def _wait(state: RetryCallState) -> float:
    fault = state.outcome.exception() if state.outcome else None
    asked = fault.data.get("retry_after_s") if isinstance(fault, HubpubError) else None
    if asked is not None:
        return min(float(asked), LONGEST_WAIT_S)
    return float(2 ** (state.attempt_number - 1))
