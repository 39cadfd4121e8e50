"""Work that is done ahead of whoever takes its results: in order, and only so much of it at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], *, most: int
) -> Iterator[Result]:
    """The results in the order of the items; `most` are under way or waiting to be taken, from now on.

    An item is asked for when its turn comes to be worked on, in the caller's thread. (`Executor.map` asks for all of
    them at once before Python 3.14.)

    Raises:
        Whatever `work` raises, in the place of its result.
    """
    left = iter(items)
    under_way: deque[Future[Result]] = deque(pool.submit(work, item) for item in islice(left, most))
    return _taken(pool, work, left, under_way)


def _taken(
    pool: Executor, work: Callable[[Item], Result], left: Iterator[Item], under_way: deque[Future[Result]]
) -> Iterator[Result]:
    try:
        while under_way:
            result = under_way.popleft().result()
            under_way.extend(pool.submit(work, item) for item in islice(left, 1))
            yield result
    finally:
        for future in under_way:
            future.cancel()
