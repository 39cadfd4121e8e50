"""What a user writes under `card:`: the words around the facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from publisher.manifest.section import REPO_ID, Many, Section


class AuthorSettings(Section):
    """Someone to name in the card and its citation."""

    name: str
    url: str | None = None


class CitationSettings(Section):
    """What the BibTeX entry cannot know."""

    year: int
    title: str | None = None
    url: str | None = None


class AccessSettings(Section):
    """What whoever asks for a gated repo is shown and asked. The gate itself is a setting of the repo."""

    heading: str | None = None
    description: str | None = None
    prompt: str | None = None
    button: str | None = None
    fields: dict[str, Literal["text", "checkbox", "date_picker", "country", "ip_location"] | Many[str]] = (
        Field(default={}, description="Question → kind of answer, or the list of answers to choose from.")
    )
    eu_disallowed: bool = False


class ResultSettings(Section):
    """A result on a benchmark of the Hub, for `.eval_results/`: which fact is the value."""

    dataset: str = Field(description="Hub id of the benchmark's dataset.")
    task: str = Field(description="Task id, as the dataset's eval.yaml has it.")
    fact: str = Field(
        pattern=r"^\w+\.(base|adapter|merged|nf4|gguf)\.\w+(\.\w+)*$",
        description="Fact with the value; its second part says which artifact it is about.",
    )
    revision: str | None = Field(None, description="Commit of the dataset.")
    date: str | None = Field(None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    notes: str | None = None


class CardSettings(Section):
    """The words around the facts. Sections are Markdown files beside the manifest."""

    title: str | None = None
    summary: str | None = None
    intended_use: str | None = None
    out_of_scope: str | None = None
    limitations: str | None = None
    ethics: str | None = None
    acknowledgements: str | None = None
    related: str | None = None
    sections: dict[str, str] = Field(
        default={},
        description="Further sections, name → file; `dataset.limitations` is for one artifact's card only.",
    )
    code_models: Many[str] = Field(
        (),
        description="Models of others that code in the prose loads, owner/name@revision: brought here before it is run.",
    )
    authors: Many[AuthorSettings] = ()
    citation: CitationSettings | None = None
    language: Many[str] = ("en",)
    tags: Many[str] = ()
    access: AccessSettings | None = None
    results: Many[ResultSettings] = ()

    @field_validator("code_models")
    @classmethod
    def _hub_ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [place for place in value if not REPO_ID.fullmatch(place.partition("@")[0])]:
            raise ValueError(f"must be Hub ids, owner/name or owner/name@revision, not {', '.join(wrong)}")
        return value

    @model_validator(mode="before")
    @classmethod
    def _short_author(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and isinstance(value.get("authors"), list):
            authors = [{"name": a} if isinstance(a, str) else a for a in value["authors"]]
            return {**value, "authors": authors}
        return value

    @property
    def prose_files(self) -> dict[str, str]:
        """Section name → file, for the sections that were given."""
        names = (
            "summary",
            "intended_use",
            "out_of_scope",
            "limitations",
            "ethics",
            "acknowledgements",
            "related",
        )
        return {name: path for name in names if (path := getattr(self, name))} | self.sections
