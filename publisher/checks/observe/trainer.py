"""What the Trainer wrote down of its run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publisher.checks.observe.files import Files
from publisher.checks.observe.jsons import NotJsonError, parse_json
from publisher.checks.observe.target import Absent, RepoView
from publisher.records.facts import Json

_PATH = "trainer_state.json"
_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class TrainerState:
    """`trainer_state.json`; empty where there is none, or none that can be read."""

    data: Mapping[str, Json]

    @classmethod
    def observe(cls, view: RepoView) -> TrainerState:
        """From the repo's files."""
        files = view.observe(Files)
        entry = None if isinstance(files, Absent) else files.get(_PATH)
        if entry is None or entry.size > _MAX_BYTES:
            return cls({})
        try:
            return cls(parse_json(view.source.read(_PATH))[1])
        except (OSError, NotJsonError):
            return cls({})

    @property
    def steps(self) -> float | None:
        """Optimiser steps that were made."""
        return self._number("global_step")

    @property
    def epochs(self) -> float | None:
        """Epochs that were planned."""
        return self._number("num_train_epochs")

    def _number(self, key: str) -> float | None:
        value = self.data.get(key)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
