"""What a user writes of what the models are asked and must reach: `smoke:`, `evaluate:` and `gates:`."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from publisher.manifest.section import Many, Section


class ExpectSettings(Section):
    """What a smoke prompt's answer must be."""

    contains: str | None = Field(None, description="Text that the answer must hold.")
    matches: str | None = Field(None, description="Regular expression that must be found.")
    min_tokens: int | None = Field(None, ge=1, description="Fewest tokens of the answer.")
    max_repetition: float | None = Field(None, gt=0, le=1, description="Share of the most frequent 4-gram.")
    stops: bool | None = Field(None, description="The answer must end before the token limit.")
    json_: bool | None = Field(None, alias="json", description="The answer must be JSON.")

    @field_validator("matches")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as fault:
                raise ValueError(f"is no regular expression: {fault}") from None
        return value


class SmokeSettings(Section):
    """One prompt that every model artifact must answer."""

    prompt: str = Field(description="What the user says; the chat template is put around it.")
    images: Many[str] = Field(
        (), description="Pictures that stand before its words: files, relative to the manifest."
    )
    expect: ExpectSettings = Field(
        default_factory=ExpectSettings, description="What the answer must be, or the release stops."
    )
    max_new_tokens: int = Field(48, ge=1, description="The answer's tokens, at most.")


class EvaluateSettings(Section):
    """The held-out evaluation: losses, and answers that are held against the references."""

    rows: int = Field(64, ge=1, description="Held-out rows whose loss is measured, at most.")
    answers: int = Field(
        32, ge=0, le=512, description="Held-out questions that every model answers, at most; 0 = none."
    )
    max_new_tokens: int = Field(48, ge=1, description="An answer's tokens, at most; longer ones are cut off.")
    general: str | None = Field(
        None,
        description="Text file beside the manifest, a paragraph a line: what the models say of text outside their task.",
    )


class GateSettings(Section):
    """A bound that a fact must keep, or the release stops."""

    max: float | None = Field(None, description="The fact is at most this.")
    min: float | None = Field(None, description="The fact is at least this.")
    must_beat: Literal["base"] | None = Field(
        None,
        description="Better than the base's value of the same metric: lower or higher, as the metric has it.",
    )
    max_rise: float | None = Field(
        None, ge=0, description="At most so much above the version that was released last."
    )
    max_fall: float | None = Field(
        None, ge=0, description="At most so much below the version that was released last."
    )
    max_changed: int | None = Field(
        None, ge=0, description="At most so many answers other than in the version that was released last."
    )
