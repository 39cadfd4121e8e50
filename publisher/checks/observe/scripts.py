"""Command-line options of the Python scripts that lie in a repo: read from their syntax trees, never run."""

from __future__ import annotations

import ast

from publisher.checks.observe.files import Files
from publisher.checks.observe.snippets import constant, dotted
from publisher.checks.observe.syntax import syntax_tree
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.source import Source

_MAX_BYTES = 200_000


class Scripts:
    """The repo's scripts; none where only a card was given."""

    def __init__(self, source: Source, files: Files | None) -> None:
        self._source = source
        self._files = files

    @classmethod
    def observe(cls, view: RepoView) -> Scripts:
        """From the repo's files."""
        files = view.observe(Files)
        return cls(view.source, None if isinstance(files, Absent) else files)

    def options(self, script: str) -> frozenset[str] | None:
        """Every `--option` that a script gives to argparse; None where that cannot be told.

        A script that reads its options in another way, or in another file as well, has options that are not seen here.
        """
        entry = self._files.get(script.removeprefix("./")) if self._files is not None else None
        if entry is None or entry.size > _MAX_BYTES:
            return None
        try:
            text = self._source.read(entry.path).decode("utf-8")
            tree = syntax_tree(text)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        if "ArgumentParser" not in text or any(word in text for word in _OTHER_WAYS):
            return None
        return frozenset(
            value
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and dotted(node.func).endswith("add_argument")
            for value in map(constant, node.args)
            if isinstance(value, str) and value.startswith("--")
        )


_OTHER_WAYS = ("HfArgumentParser", "parse_known_args", "parents=", "add_subparsers", "fromfile_prefix_chars")
