"""What a user writes under `dataset:`: where the rows come from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from publisher.manifest.section import Section


class ScenesSettings(Section):
    """The synthetic aerial dataset: drawn, described and filtered by code from a seed."""

    from_: Literal["scenes"] = Field(alias="from")
    scenes: int = Field(60, ge=0)
    seed: int = 7
    validation_share: float = Field(0.15, gt=0, lt=1, description="Share of the scenes held out.")


class DatasetSettings(Section):
    """The training data: a link to a Hub dataset, a Parquet folder, or a recipe to build one."""

    link: str | None = Field(None, description="Hub id of a dataset that is only named, not published.")
    folder: str | None = Field(
        None, description="Parquet folder with train-*/validation-* (prompt, completion)."
    )
    build: ScenesSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"link": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> DatasetSettings:
        if sum(source is not None for source in (self.link, self.folder, self.build)) != 1:
            raise ValueError("give exactly one of link, folder and build")
        return self
