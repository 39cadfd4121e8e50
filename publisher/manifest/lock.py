"""The lock: what exists. Committed to git, deterministic, no clock and no machine in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from publisher.errors import HubpubError
from publisher.records.answers import ANSWERS, by_question
from publisher.records.artifacts import FileRecord, Kind
from publisher.records.digest import canonical_json
from publisher.records.facts import Fact

SCHEMA: Literal["hubpub/lock/1"] = "hubpub/lock/1"


@dataclass(frozen=True)
class LockedArtifact:
    """One artifact as it exists: its repo and the files of weights, data and configuration."""

    repo: str
    files: tuple[FileRecord, ...]
    card: tuple[FileRecord, ...] = ()


@dataclass(frozen=True)
class LockedStage:
    """What a stage was last run with; `key` covers inputs, settings, its own version and its packages.

    `made` is the digest of the artifact that it made, by which later stages' keys are told where no file of it is.
    """

    key: str
    version: int
    packages: Mapping[str, str] = field(default_factory=dict)
    made: str = ""


@dataclass(frozen=True)
class Released:
    """The last release on one Hub.

    Attributes:
        version: with `+card.N` for a card revision.
        commits: repo id → commit on `main`.
        repos: artifact → repo id, by which a changed id is told.
        withdrawn: the versions that were rolled back; `version` may be older than they are.
        made_at: repo id → commit that holds the lock's artifacts, where `main` was rolled back from it.
        edited: repo id → README.md and evidence/card.md there, where others' edits are part of the README.
        numbers: what was measured of it, by fact: what a later version may not be worse than.
        answers: what it answered to the test prompts, by fact and by question, as digests.
    """

    version: str
    commits: Mapping[str, str]
    repos: Mapping[Kind, str] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()
    made_at: Mapping[str, str] = field(default_factory=dict)
    edited: Mapping[str, tuple[FileRecord, ...]] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def card_files(self, artifact: LockedArtifact) -> tuple[FileRecord, ...]:
        """The card's files as `main` of the artifact's repo holds them."""
        files = {file.path: file for file in (*artifact.card, *self.edited.get(artifact.repo, ()))}
        return tuple(files.values())


@dataclass(frozen=True)
class Lock:
    """Everything that `card`, `plan`, `status`, `promote` and `rollback` need when the workspace is gone."""

    schema: Literal["hubpub/lock/1"] = SCHEMA
    name: str = ""
    facts: tuple[Fact, ...] = ()
    artifacts: Mapping[str, LockedArtifact] = field(default_factory=dict)
    stages: Mapping[str, LockedStage] = field(default_factory=dict)
    released: Mapping[str, Released] = field(default_factory=dict)


def numbers_of(facts: Iterable[Fact]) -> dict[str, float]:
    """The measured numbers that versions are held against: of evaluate, benchmarks and validate, without times and memory."""
    machine = ("_seconds", "_bytes")
    return {
        fact.id: fact.value
        for fact in facts
        if fact.id.startswith(("evaluate.", "lm_eval.", "validate."))
        and not fact.id.endswith(machine)
        and isinstance(fact.value, int | float)
        and not isinstance(fact.value, bool)
    }


def answers_of(facts: Iterable[Fact]) -> dict[str, dict[str, str]]:
    """What was answered to the test prompts, by fact and by question, as digests."""
    return {
        fact.id: by_question(fact.value)
        for fact in facts
        if fact.known and fact.id.startswith("validate.") and fact.id.endswith(ANSWERS)
    }


def read_lock(path: Path) -> Lock | None:
    """Read a lock; None where there is none.

    Raises:
        HubpubError: HP-M04 where the file is not a lock of a version that we know.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return TypeAdapter(Lock).validate_json(content)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        raise HubpubError(
            "HP-M04",
            f"the lock cannot be read: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            where=str(path),
            hint=f"git checkout {path.name}, or delete it to start over",
        ) from None


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock, in one step: readers see the old one or the new one."""
    plain = json.loads(canonical_json(lock))
    plain["facts"].sort(key=lambda fact: fact["id"])
    write_whole(path, canonical_json(plain, indent=1) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a text file aside, then put it in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.tmp")
    aside.write_text(text, encoding="utf-8", newline="\n")
    aside.replace(path)
