"""What a user writes under `dataset:`: where the rows come from, and what becomes of them on the way."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from publisher.manifest.enhance import EnhanceSettings
from publisher.manifest.section import REPO_ID, Many, Section

Language = Literal["de", "en", "es", "fr", "it", "nl", "pt"]
Format = Literal["text", "image-text"]
ExpressionType = Literal["original", "enhanced", "unique"]

SHARE_HELD_OUT = 0.15
_BRANCHES = ("main", "master", "HEAD")
SEED = 7
FORMAT = "What is trained on: the scene in words, or two pictures of the item."
SOURCES = "What the data was made from, as the Hub's `source_datasets` names it."


class SplitSettings(Section):
    """What is held out, and what is kept together while doing so."""

    by: str | None = Field(
        None,
        description="What stays on one side: `scene`, `row`, `given` (the source's own splits), or a column's name. "
        "Left out: the source's own splits where it has them, else whole scenes, else rows.",
    )
    seed: int | None = Field(
        None, description="Another seed holds out others; left out: the build's own, or 7."
    )
    validation_share: float | None = Field(None, gt=0, lt=1, description="Share held out; 0.15.")


class RowFilter(Section):
    """Rows that are left out, each counted under its reason."""

    errors: bool = Field(True, description="Answers that are a program's error message.")
    duplicates: bool = Field(True, description="Rows that say again what an earlier one says.")
    seen_in_train: bool = Field(True, description="Held-out rows that are trained on as well.")
    min_words: int = Field(1, ge=1, description="Fewest words of an answer.")
    max_words: int | None = Field(None, ge=1, description="Most words of an answer.")
    language: Language | None = Field(
        None, description="Answers that are plainly in another language go: told by script and common words."
    )


class ExpressionFilter(RowFilter):
    """The same for what is said of one item in an image, and three rules more."""

    min_words: int = Field(2, ge=1, description="Fewest words of an expression.")
    max_words: int | None = Field(40, ge=1, description="Most words of an expression.")
    language: Language | None = Field(
        "en", description="Expressions that are plainly in another language go; null keeps them."
    )
    unique: bool = Field(True, description="Words that are said of two items of one image.")
    unambiguous: bool = Field(
        True, description="Words that fit another item too, where they can be read by rule."
    )
    marks: bool = Field(
        True, description="Words that speak of the mark in the picture: the red box, the mask."
    )


class _Build(Section):
    """What every recipe has."""

    split: SplitSettings = Field(default_factory=SplitSettings, description="What is held out.")
    sources: Many[str] = Field((), description=SOURCES)

    @property
    def seed_of_split(self) -> int:
        """The seed that decides what is held out."""
        own = self.split.seed
        return own if own is not None else getattr(self, "seed", SEED)

    @property
    def held_out(self) -> float:
        """0..1, the share held out."""
        return self.split.validation_share or getattr(self, "validation_share", None) or SHARE_HELD_OUT

    @property
    def places(self) -> tuple[str, ...]:
        """The folders and files that are read, relative to the manifest."""
        return ()


class _Expressions(_Build):
    """Recipes about items in images that are referred to in words."""

    format: Format = Field("text", description=FORMAT)
    filter: ExpressionFilter = Field(
        default_factory=ExpressionFilter, description="Which expressions are left out."
    )
    enhance: EnhanceSettings | None = Field(
        None, description="A language model that says the expressions in other words; left out: rules alone."
    )

    @property
    def places(self) -> tuple[str, ...]:
        """A prompt of one's own, and what the recipe itself reads."""
        return (self.enhance.prompt,) if self.enhance and self.enhance.prompt else ()

    @model_validator(mode="after")
    def _whole_scenes(self) -> _Expressions:
        if self.split.by not in (None, "scene", "given"):
            raise ValueError("split.by: expressions are split by scene, or as the source has it (given)")
        return self


class _ByRules(_Expressions):
    """Recipes whose expressions are made by rules."""

    expressions_per_item: int | None = Field(
        3, ge=1, description="Most that rules say of one item, a shortest one among them; null: all."
    )
    borderline: bool = Field(
        False,
        description="Say also what is only nearly so: the neighbouring cell, the neighbouring direction.",
    )


class ScenesSettings(_ByRules):
    """The synthetic aerial dataset: drawn, described and filtered by code from a seed."""

    from_: Literal["scenes"] = Field(alias="from", description="Scenes that are drawn by code.")
    scenes: int = Field(60, ge=0, description="How many are drawn.")
    seed: int = Field(SEED, description="Another seed draws other scenes.")
    validation_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Share of the scenes held out; the short form of `split.validation_share`.",
    )
    min_objects: int = Field(4, description="Fewest objects in one scene.")
    max_objects: int = Field(9, description="Most objects in one scene; a full scene may hold fewer.")


class AerialdSettings(_ByRules):
    """AerialD, in either of its layouts: images with XML annotations, or one folder an item with JSON."""

    from_: Literal["aeriald"] = Field(alias="from", description="A folder in a layout of AerialD.")
    folder: str = Field(description="Searched with all folders in it.")
    format: Format = Field("image-text", description=FORMAT)
    expressions: Many[ExpressionType] = Field(
        ("original", "enhanced", "unique"),
        min_length=1,
        description="Those that become rows, of what the files hold.",
    )
    rules: bool = Field(
        False,
        description="Describe the objects anew by our rules, in place of the files' originals; XML only.",
    )
    enhanced_by: str | None = Field(
        None,
        description="The model that wrote the files' enhanced and unique expressions; the files do not say.",
    )
    sources: Many[str] = Field(("extended|other-isaid", "extended|loveda"), description=SOURCES)

    @property
    def places(self) -> tuple[str, ...]:
        """The folder, and the prompt."""
        return (self.folder, *super().places)


class CocoSettings(_ByRules):
    """Images with COCO's annotations: boxes, polygons or run-length codes. Expressions are made by rules."""

    from_: Literal["coco"] = Field(alias="from", description="Images and COCO's JSON.")
    folder: str = Field(description="Where the images lie.")
    file: str = Field("annotations.json", description="COCO's JSON, relative to the folder.")
    format: Format = Field("image-text", description=FORMAT)

    @property
    def places(self) -> tuple[str, ...]:
        """The folder, which holds the annotations too, and the prompt."""
        return (self.folder, *super().places)


class _Rows(_Build):
    """Recipes whose rows are there: `prompt` and `completion`, or `messages`; with or without `images`."""

    columns: dict[str, str] = Field(
        default={}, description="Our column → the source's, where the names differ: {prompt: question}."
    )
    filter: RowFilter = Field(default_factory=RowFilter, description="Which rows are left out.")

    @field_validator("columns")
    @classmethod
    def _ours(cls, value: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(value) - {"prompt", "completion", "messages", "images"}):
            raise ValueError(
                f"no column of ours: {', '.join(unknown)}; prompt, completion, messages, images are"
            )
        return value

    @model_validator(mode="after")
    def _no_scenes(self) -> _Rows:
        if self.split.by == "scene":
            raise ValueError("split.by: rows know no scenes; name a column, row, or given")
        return self


class JsonlSettings(_Rows):
    """A file of JSON lines. Pictures are paths relative to it."""

    from_: Literal["jsonl"] = Field(alias="from", description="A file of JSON lines.")
    file: str = Field(description="An object a line, relative to the manifest.")
    validation: str | None = Field(None, description="A second file, held out as it is.")

    @property
    def places(self) -> tuple[str, ...]:
        """The files."""
        return (self.file, *([self.validation] if self.validation else []))


class ParquetSettings(_Rows):
    """A folder of Parquet files; its own splits are kept where their names tell them."""

    from_: Literal["parquet"] = Field(alias="from", description="A folder of Parquet files.")
    folder: str = Field(description="Where they lie, relative to the manifest.")

    @property
    def places(self) -> tuple[str, ...]:
        """The folder."""
        return (self.folder,)


class HubSettings(_Rows):
    """A dataset of the Hub, Parquet or JSON lines, at a pinned revision."""

    from_: Literal["hub"] = Field(alias="from", description="A dataset of the Hub.")
    repo: str = Field(description="owner/name@ and a commit or a tag; branches move.")
    files: str = Field("**", description="Which of the repo's files, as a pattern: `data/*.parquet`.")

    @field_validator("repo")
    @classmethod
    def _pinned(cls, value: str) -> str:
        repo_id, _, revision = value.partition("@")
        if not REPO_ID.fullmatch(repo_id) or not revision or revision in _BRANCHES:
            raise ValueError(
                "must be pinned: owner/name@ and a commit or tag, or the same manifest would build other rows later"
            )
        return value


BuildSettings = Annotated[
    ScenesSettings | AerialdSettings | CocoSettings | JsonlSettings | ParquetSettings | HubSettings,
    Field(discriminator="from_"),
]


class DatasetSettings(Section):
    """The training data: a link to a Hub dataset, a Parquet folder, or a recipe to build one."""

    link: str | None = Field(None, description="Hub id of a dataset that is only named, not published.")
    folder: str | None = Field(
        None, description="Parquet folder with train-*/validation-* (prompt, completion)."
    )
    build: BuildSettings | None = Field(
        None, description="A recipe; its `from` says what the rows are made of."
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"link": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> DatasetSettings:
        if sum(source is not None for source in (self.link, self.folder, self.build)) != 1:
            raise ValueError("give exactly one of link, folder and build")
        return self

    @property
    def places(self) -> tuple[str, ...]:
        """The folders and files that are read, relative to the manifest: what the rows depend on besides the recipe."""
        if self.build is not None:
            return self.build.places
        return (self.folder,) if self.folder else ()
