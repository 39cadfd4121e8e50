"""How fast something goes, and how long the rest of it will take at that rate."""

from __future__ import annotations

import time
from collections.abc import Callable

AT_LEAST_S = 0.5  # before that a rate is chance


class Pace:
    """Hears how far something is. What was done before the first report, by an earlier run say, is no part of the rate."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counted: tuple[float, str] | None = None  # what is counted: up to how many, of what
        self._first = self._last = (0.0, 0.0)  # seconds, and how much was done then

    def moved(self, done: float, of: float, unit: str) -> None:
        """So much of so many is done. Where something else is counted, or begun again, the rate begins anew."""
        now = (self._clock(), done)
        if (of, unit) != self._counted or done < self._last[1]:
            self._counted, self._first = (of, unit), now
        self._last = now

    @property
    def rate(self) -> float | None:
        """Units in a second; None while that cannot be told."""
        seconds, done = (last - first for last, first in zip(self._last, self._first, strict=True))
        return done / seconds if seconds >= AT_LEAST_S and done > 0 else None

    @property
    def remaining_s(self) -> float | None:
        """Seconds that the rest takes at this rate; None while that cannot be told."""
        return (self._counted[0] - self._last[1]) / self.rate if self._counted and self.rate else None


def rate_text(rate: float, unit: str) -> str:
    """A rate in words: what is done in a second, or the seconds that one takes."""
    if unit == "bytes":
        return f"{rate / 1e6:.1f} MB/s"
    return f"{rate:.1f} {unit}/s" if rate >= 1 else f"{1 / rate:.1f} s each"


def duration_text(seconds: float) -> str:
    """Seconds in the unit that people read them in."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
