"""A stranger's Python as a tree, on every Python that we support."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from threading import Thread

import pytest

from publisher.checks.observe.syntax import syntax_tree

STATEMENTS = 200
CODE = "x = f(a, b, *c, **d)[1:2] + (lambda q: q * 2)(3)\n" * STATEMENTS


@pytest.fixture
def disturbed() -> Iterator[list[str]]:
    """While the next tree is being built, the collector lets another thread build trees of its own, a few times."""
    left = ["x = 1"] * 5

    def collected(phase: str, _: object) -> None:
        if phase == "start" and left:
            other = Thread(target=ast.parse, args=[left.pop()])
            other.start()
            other.join()

    thresholds = gc.get_threshold()
    gc.set_threshold(50)
    gc.callbacks.append(collected)
    yield left
    gc.callbacks.remove(collected)
    gc.set_threshold(*thresholds)


def test_code_is_read_while_somebody_elses_thread_reads_some(disturbed: list[str]) -> None:
    """A server in this process that writes a traceback parses its lines. Python 3.11 then blames our code for it."""
    tree = syntax_tree(CODE)

    assert (STATEMENTS, []) == (len(tree.body), disturbed)


def test_code_that_is_no_python_says_where() -> None:
    """The caller tells the author which line."""
    with pytest.raises(SyntaxError) as caught:
        syntax_tree("x = 1\ny = = 2\n")

    assert 2 == caught.value.lineno
