"""The runner: feeds each stage by type, skips it with a reason, and remembers what it made.

A stage's key is the digest of its inputs, of its own settings, of its version and of its packages' versions: when
the key is the one that the last result was made under, and the result's files are untouched, it does not run.
"""

from __future__ import annotations

import time
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from types import NoneType, UnionType
from typing import Any, Protocol

from pydantic import BaseModel

from publisher.manifest.schema import Manifest
from publisher.pipeline.services import Listener
from publisher.records.digest import digest
from publisher.records.facts import Fact, Facts


@dataclass(frozen=True)
class Stage:
    """One line of the table of contents.

    Attributes:
        work: the stage itself; its parameters' types say what it needs, its return type what it makes.
        why: the reason that it stands where it stands.
        unwanted: the reason why this manifest, or what was made so far, does not ask for it; None where it does.
        remembered: its result is kept and used again while its key stays the same.
        version: raised when a fix changes what comes out of the same inputs.
        packages: the installed versions of these belong to the key.
        headline: the most telling fact of its result, in words.
    """

    work: Callable[..., Any]
    why: str
    unwanted: Callable[[Manifest, Mapping[Any, Any]], str | None] = lambda manifest, made: None
    remembered: bool = False
    version: int = 1
    packages: tuple[str, ...] = ()
    headline: Callable[[Any], str] = lambda result: ""

    @property
    def name(self) -> str:
        """The stage's name, as `--until` and `status` know it."""
        return self.work.__name__

    @property
    def needs(self) -> dict[str, Any]:
        """Parameter → type, without `| None`."""
        return {name: _bare(kind) for name, kind in self._hints.items() if name != "return"}

    @property
    def makes(self) -> Any:
        """The type of the result, without `| None`."""
        return _bare(self._hints["return"])

    @property
    def _hints(self) -> dict[str, Any]:
        return typing.get_type_hints(self.work)

    @property
    def installed(self) -> dict[str, str]:
        """Versions of the stage's packages that are installed."""
        found = {}
        for package in self.packages:
            try:
                found[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                continue
        return found


class Memory(Protocol):
    """Keeps results between runs."""

    def recall(self, stage: Stage, key: str) -> tuple[Any, str]:
        """The result that was kept under this key, or None; and the reason to skip or to run."""

    def keep(self, stage: Stage, key: str, result: Any) -> None:
        """Keep a result."""


@dataclass
class Results:
    """What the run has made so far, by type. Only the runner writes it."""

    made: dict[Any, Any] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)

    def add(self, stage: Stage, result: Any) -> None:
        """Take in a stage's result and its facts."""
        self.made[stage.makes] = result
        self.facts.extend(getattr(result, "facts", ()))


def run(
    stages: Iterable[Stage],
    manifest: Manifest,
    *,
    services: Mapping[Any, Any],
    settings: Mapping[Any, Any],
    memory: Memory,
    listener: Listener,
    until: str | None = None,
    after: Callable[[Stage, Results], None] = lambda stage, results: None,
    taken_as: Callable[[Any], Any] = lambda result: result,
) -> Results:
    """Run the stages in order.

    `services` are handed over as they are; `settings` and earlier results make up a stage's key. `after` hears of
    every stage that has its result. `until` names the last stage to run. `taken_as` is what becomes of a result before
    anybody sees it.
    """
    results = Results()
    stated = settings.get(Facts, Facts())
    for stage in stages:
        reason = stage.unwanted(manifest, results.made)
        if reason is not None:
            results.made.setdefault(stage.makes, None)
            listener.skipped(stage.name, reason)
        else:
            inputs = {**settings, **results.made, Facts: Facts([*stated.values(), *results.facts])}
            _run_one(stage, inputs, services, memory, listener, results, taken_as)
        after(stage, results)
        if stage.name == until:
            break
    return results


def _run_one(
    stage: Stage,
    inputs: Mapping[Any, Any],
    services: Mapping[Any, Any],
    memory: Memory,
    listener: Listener,
    results: Results,
    taken_as: Callable[[Any], Any],
) -> None:
    arguments = {name: services.get(kind, inputs.get(kind)) for name, kind in stage.needs.items()}
    counted = {name: arguments[name] for name, kind in stage.needs.items() if kind not in services}
    key = key_of(stage, counted)
    results.keys[stage.name] = key
    if stage.remembered:
        for serving in serving_keys(stage, counted):
            kept, reason = memory.recall(stage, serving)
            if kept is not None:
                results.keys[stage.name] = serving
                results.add(stage, kept)
                listener.skipped(stage.name, reason)
                return
    listener.began(stage.name)
    started = time.monotonic()
    result = taken_as(stage.work(**arguments))
    if stage.remembered:
        memory.keep(stage, key, result)
    results.add(stage, result)
    listener.finished(stage.name, stage.headline(result), time.monotonic() - started)


def key_of(stage: Stage, inputs: Mapping[str, Any]) -> str:
    """Digest of everything that a stage's result depends on."""
    return digest(
        [stage.name, stage.version, stage.installed, {name: _identity(v) for name, v in inputs.items()}]
    )


def serving_keys(stage: Stage, inputs: Mapping[str, Any]) -> Iterator[str]:
    """The stage's key, after those under which more was shown: that is not taken back by asking for less now."""
    for name, value in inputs.items():
        for more in getattr(value, "stronger", ()):
            yield key_of(stage, {**inputs, name: more})
    yield key_of(stage, inputs)


def _identity(value: Any) -> Any:
    """What of an input counts: the digest of a record, the content of a setting."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Facts):
        return digest(list(value.values()))
    if hasattr(value, "digest"):
        return value.digest
    if isinstance(value, Mapping):
        return {str(key): _identity(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_identity(item) for item in value]
    return value


def _bare(kind: Any) -> Any:
    """`X | None` → `X`."""
    if typing.get_origin(kind) in (UnionType, typing.Union):
        bare = [part for part in typing.get_args(kind) if part is not NoneType]
        return bare[0] if len(bare) == 1 else kind
    return kind
