"""A stranger's Python as a tree, on every Python that we support."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from publisher.checks.observe.syntax import syntax_tree

STATEMENTS = 200
CODE = "x = f(a, b, *c, **d)[1:2] + (lambda q: q * 2)(3)\n" * STATEMENTS


@pytest.fixture
def busy_threads() -> Iterator[None]:
    """Threads that change often, while trees are built too: the collector runs Python, and lets another thread in."""

    def collected(*_: object) -> None:
        sum(range(50))

    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    gc.callbacks.append(collected)
    yield
    gc.callbacks.remove(collected)
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("busy_threads")
def test_two_threads_read_code_at_once() -> None:
    """Python 3.11 answers some of these with a SystemError, though the code is right."""
    with ThreadPoolExecutor(2) as pool:
        trees = list(pool.map(lambda _: syntax_tree(CODE), range(200)))

    assert {STATEMENTS} == {len(tree.body) for tree in trees}


def test_code_that_is_no_python_says_where() -> None:
    """The caller tells the author which line."""
    with pytest.raises(SyntaxError) as caught:
        syntax_tree("x = 1\ny = = 2\n")

    assert 2 == caught.value.lineno
