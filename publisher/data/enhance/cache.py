"""Answers that were paid for, kept by what was asked: a build that was killed, or runs again, asks for none twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from publisher.data.enhance.answer import Answer
from publisher.manifest.enhance import EnhanceSettings
from publisher.records.digest import digest


class _Kept(BaseModel):
    """What one file holds."""

    form: Literal["hubpub/answers/1"] = "hubpub/answers/1"
    answers: tuple[Answer, ...]


def key_of(views: Sequence[bytes], words: str, prompt_version: str, settings: EnhanceSettings) -> str:
    """Sha256 of all that an answer depends on: the pictures, the words, the model and how it is asked.

    The endpoint counts by its host, not by its port: a local server gets another one with every start. Neither do bounds
    count that only decide how often and how long one asks.
    """
    return digest(
        [
            [hashlib.sha256(view).hexdigest() for view in views],
            words,
            prompt_version,
            settings.host,
            settings.model,
            settings.structured,
            settings.temperature,
            settings.seed,
            settings.max_output_tokens,
        ]
    )


class AnswerCache:
    """A folder with one JSON file for each question, which holds the answers to it in the order they came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, key: str) -> Path:
        """The file of one question, whether it exists or not."""
        return self._folder / key[:2] / f"{key}.json"

    def answers(self, key: str) -> tuple[Answer, ...]:
        """What was answered so far. A file that is not one of ours counts as none: it is asked again."""
        try:
            return _Kept.model_validate_json(self.path(key).read_bytes()).answers
        except (OSError, ValidationError):
            return ()

    def keep(self, key: str, answers: tuple[Answer, ...]) -> None:
        """Write all answers to one question; after this returns, no kill and no power cut loses them."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        with aside.open("w", encoding="utf-8") as file:
            file.write(_Kept(answers=answers).model_dump_json(indent=1))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
