"""What a user writes under `card:`: the words around the facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from publisher.manifest.section import REPO_ID, Many, Section


class AuthorSettings(Section):
    """Someone to name in the card and its citation."""

    name: str = Field(description="As it is printed.")
    url: str | None = Field(None, description="Their page.")


class CitationSettings(Section):
    """What the BibTeX entry cannot know."""

    year: int = Field(description="Of publication.")
    title: str | None = Field(None, description="Left out: the card's own.")
    url: str | None = Field(None, description="Left out: the repo's page.")


class AccessSettings(Section):
    """What whoever asks for a gated repo is shown and asked. The gate itself is a setting of the repo."""

    heading: str | None = Field(None, description="Above the request, in place of the Hub's own.")
    description: str | None = Field(None, description="Below the heading.")
    prompt: str | None = Field(None, description="What whoever asks has to agree to.")
    button: str | None = Field(None, description="The words on the button.")
    fields: dict[str, Literal["text", "checkbox", "date_picker", "country", "ip_location"] | Many[str]] = (
        Field(default={}, description="Question → kind of answer, or the list of answers to choose from.")
    )
    eu_disallowed: bool = Field(False, description="Nobody in the European Union is given access.")


class ResultSettings(Section):
    """A result on a benchmark of the Hub, for `.eval_results/`: which fact is the value."""

    dataset: str = Field(description="Hub id of the benchmark's dataset.")
    task: str = Field(description="Task id, as the dataset's eval.yaml has it.")
    fact: str = Field(
        pattern=r"^\w+\.(base|adapter|merged|nf4|gguf)\.\w+(\.\w+)*$",
        description="Fact with the value; its second part says which artifact it is about.",
    )
    revision: str | None = Field(None, description="Commit of the dataset.")
    date: str | None = Field(None, pattern=r"^\d{4}-\d{2}-\d{2}$", description="Of the evaluation.")
    notes: str | None = Field(None, description="What a reader of the result has to know.")


class CardSettings(Section):
    """The words around the facts. Sections are Markdown files beside the manifest."""

    title: str | None = Field(None, description="The heading; left out: the release's name.")
    summary: str | None = Field(None, description="File: what it is, in a few sentences, first of all.")
    intended_use: str | None = Field(None, description="File: what it is for.")
    out_of_scope: str | None = Field(None, description="File: what it is not for.")
    limitations: str | None = Field(None, description="File: what it cannot do, and where it fails.")
    ethics: str | None = Field(None, description="File: whom it may harm, and what was done about that.")
    acknowledgements: str | None = Field(None, description="File: whose work it stands on.")
    related: str | None = Field(None, description="File: papers and models beside it.")
    sections: dict[str, str] = Field(
        default={},
        description="Further sections, name → file; `dataset.limitations` is for one artifact's card only.",
    )
    code_models: Many[str] = Field(
        (),
        description="Models of others that code in the prose loads, owner/name@revision: brought here before it is run.",
    )
    authors: Many[AuthorSettings] = Field((), description="Whom the citation names; a name alone will do.")
    citation: CitationSettings | None = Field(None, description="For a BibTeX entry.")
    language: Many[str] = Field(("en",), description="Languages of model and data, as ISO 639 codes.")
    tags: Many[str] = Field((), description="The Hub's tags, besides those that follow from the facts.")
    access: AccessSettings | None = Field(None, description="What a gated repo shows whoever asks for it.")
    results: Many[ResultSettings] = Field((), description="Results for `.eval_results/`.")

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
