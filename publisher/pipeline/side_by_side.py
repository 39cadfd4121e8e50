"""Several calls to a Hub at once: most of the time of each is waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

AT_ONCE = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item]) -> tuple[Result, ...]:
    """Do a piece of work for every item, a few at once; results in the order of the items.

    After the first fault, or Ctrl-C, nothing more is begun and nothing waited for: a call to a Hub that has gone
    silent takes minutes. Daemons, and no pool of the standard library, because Python waits for that at its end.

    Raises:
        the first fault of `work`; of several at the same moment that of the earliest item.
    """
    if len(items) < 2:
        return tuple(work(item) for item in items)
    waiting: SimpleQueue[tuple[Item, Future[Result]]] = SimpleQueue()
    futures: list[Future[Result]] = [Future() for _ in items]
    for pair in zip(items, futures, strict=True):
        waiting.put(pair)
    threads = [
        Thread(target=_work_off, args=(work, waiting), name=f"side-by-side-{number}", daemon=True)
        for number in range(min(AT_ONCE, len(items)))
    ]
    try:
        for thread in threads:
            thread.start()
        wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            if future.done():
                future.result()
    finally:
        for future in futures:
            future.cancel()
    return tuple(future.result() for future in futures)


def _work_off(work: Callable[[Item], Result], waiting: SimpleQueue[tuple[Item, Future[Result]]]) -> None:
    """Take items until none is left; one that was called off is passed over."""
    while True:
        try:
            item, future = waiting.get_nowait()
        except Empty:
            return
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = work(item)
        except BaseException as fault:  # noqa: BLE001 - raised where the result is wanted, whatever it is
            future.set_exception(fault)
            return
        future.set_result(result)
