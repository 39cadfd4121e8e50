"""One target as it is asked about: its words, the key of its answers, and whether these are enough."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.data.enhance.answer import Answer, Reading, read_answer
from publisher.data.enhance.cache import key_of
from publisher.data.enhance.prompt import Prompt
from publisher.data.enhance.records import Target
from publisher.manifest.enhance import EnhanceSettings


@dataclass(frozen=True)
class Question:
    """What is asked, and under which key the answers are kept."""

    target: Target
    words: str
    key: str
    unique: int
    attempts: int

    @classmethod
    def of(cls, target: Target, settings: EnhanceSettings, prompt: Prompt) -> Question:
        """Put a target into words."""
        words = prompt.render(target, settings.unique)
        key = key_of(target.views, words, prompt.version, settings)
        return cls(target, words, key, settings.unique, settings.attempts)

    def reading(self, answers: tuple[Answer, ...]) -> Reading | None:
        """The first answer that can be used, else the last one; None while there is none."""
        read = [read_answer(answer, len(self.target.expressions), self.unique) for answer in answers]
        return next((one for one in read if one.outcome == "enhanced"), read[-1] if read else None)

    def is_settled(self, answers: tuple[Answer, ...]) -> bool:
        """Whether nothing more is to be asked."""
        reading = self.reading(answers)
        return reading is not None and (reading.outcome == "enhanced" or len(answers) >= self.attempts)
