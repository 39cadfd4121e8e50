"""The evaluation results that the Hub reads from `.eval_results/*.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.checks.observe.files import Files
from publisher.checks.observe.frontmatter import Block, UnboundedError, Value, YamlFault, read_yaml
from publisher.checks.observe.target import Absent, RepoView

_MAX_BYTES = 256 * 1024
_MOST = 200
_KEY = "results:\n"


@dataclass(frozen=True)
class EvalFile:
    """One file: its value, or why it cannot be read."""

    path: str
    value: Value | None
    faults: tuple[YamlFault, ...] = ()


@dataclass(frozen=True)
class EvalResults:
    """All of them."""

    files: tuple[EvalFile, ...]

    @classmethod
    def observe(cls, view: RepoView) -> EvalResults | Absent:
        """Read each file as YAML, with the place of every value."""
        files = view.observe(Files)
        if isinstance(files, Absent):
            return files
        entries = [*files.matching(".eval_results/*.yaml"), *files.matching(".eval_results/*.yml")]
        if not entries:
            return Absent("no .eval_results", missing=True)
        found = []
        for entry in entries[:_MOST]:
            if not entry.readable:
                continue
            text = (
                view.source.read(entry.path, limit=_MAX_BYTES)
                .decode("utf-8", "replace")
                .replace("\r\n", "\n")
            )
            try:
                found.append(_read(entry.path, text))
            except UnboundedError as error:
                return Absent(f"{entry.path}: {error}")
        return cls(tuple(found))


@dataclass(frozen=True)
class ReadableResults:
    """The results that can be read: none without such files, and none where only a card was given."""

    files: tuple[EvalFile, ...]

    @classmethod
    def observe(cls, view: RepoView) -> ReadableResults:
        """What cannot be read is another rule's matter."""
        results = view.observe(EvalResults)
        return cls(() if isinstance(results, Absent) else results.files)


def _read(path: str, text: str) -> EvalFile:
    """A list under a key of our own, because front matter, which the reader is made for, is a mapping."""
    top, faults = read_yaml(Block(-1, None, _KEY + text))
    value = top.items.get("results") if top is not None and isinstance(top.items, dict) else None
    return EvalFile(path, value, faults)
