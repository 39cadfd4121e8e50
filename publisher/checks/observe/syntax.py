"""The syntax tree of a stranger's Python: read, never run."""

from __future__ import annotations

import ast
import warnings

_TRIES = 100


def syntax_tree(code: str) -> ast.Module:
    """The tree of a module's code, without its warnings of escapes and comparisons.

    Python 3.11 counts the depth of all trees that are being built in one place, so that two threads can disturb each
    other, and says so with a SystemError about neither's code (https://github.com/python/cpython/issues/106905). Such
    a tree is built again.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the code is no Python, or is too deep.
    """
    for _ in range(_TRIES - 1):
        try:
            return _tree(code)
        except SystemError:
            continue
    return _tree(code)


def _tree(code: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(code)
