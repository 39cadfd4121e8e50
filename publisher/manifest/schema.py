"""What a user writes in `release.yaml` and `project.yaml`, typed. The only pydantic models of the house.

Short forms (a string for a base, a list for artifacts) are opened up before validation, so that every reader
of a `Manifest` meets the long form only. Unknown keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator, model_validator

from publisher.records.artifacts import KINDS, Kind, RepoRef
from publisher.records.receipts import ProofLevel

REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,94}/[A-Za-z0-9][\w.-]{0,94}")
VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")

GGUF_TYPE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
CONVERTED = ("bf16", "q8_0", "f16", "f32")  # what a converter writes alone

Item = TypeVar("Item")
# Numbers are read strictly, so that "4" is no number; a YAML list is a tuple all the same.
Many = Annotated[tuple[Item, ...], Strict(False)]

Visibility = Literal["private", "public"]

SUFFIX: dict[Kind, str] = {
    "base": "-base",
    "dataset": "-data",
    "adapter": "-lora",
    "merged": "",
    "nf4": "-bnb-4bit",
    "gguf": "-GGUF",
}


class Section(BaseModel):
    """A mapping of the manifest: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class BaseSettings(Section):
    """Where the base model comes from: a Hub repo, a folder, or a GGUF file inside a Python package."""

    model: str | None = Field(None, description="Hub id, `owner/name`; pinned by `revision`.")
    revision: str | None = Field(None, description="Commit of the Hub repo.")
    folder: str | None = Field(
        None, description="A local folder that holds the model, relative to the manifest."
    )
    package: str | None = Field(None, description="Python package that carries the weights: `name==version`.")
    file: str | None = Field(None, description="Name of the GGUF file inside that package.")
    origin: str | None = Field(None, description="Hub id of the model that these weights were made from.")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if isinstance(value, str):
            model, _, revision = value.partition("@")
            return {"model": model, "revision": revision or None}
        return value

    @field_validator("model", "origin")
    @classmethod
    def _hub_id(cls, value: str | None) -> str | None:
        if value is not None and not REPO_ID.fullmatch(value):
            raise ValueError("must be a Hub id, owner/name")
        return value

    @model_validator(mode="after")
    def _one_source(self) -> BaseSettings:
        if (self.package is None) != (self.file is None):
            raise ValueError("package and file belong together")
        if not (self.model or self.folder or self.package):
            raise ValueError("name a model, a folder or a package")
        return self


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


class LoraSettings(Section):
    """The adapter's shape."""

    r: int = Field(16, ge=1, description="Rank.")
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: Many[str] = ("q_proj", "k_proj", "v_proj", "o_proj")


class QuantizationSettings(Section):
    """How the base is held while a QLoRA adapter is trained."""

    type: Literal["nf4"] = "nf4"
    double_quant: bool = True
    compute_dtype: Literal["bfloat16", "float32"] = "bfloat16"


class TrainSettings(Section):
    """Fine-tuning."""

    method: Literal["qlora", "lora"] = "qlora"
    lora: LoraSettings = Field(default_factory=LoraSettings)
    quantization: QuantizationSettings = Field(default_factory=QuantizationSettings)
    learning_rate: float = Field(2e-4, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_ratio: float = Field(0.03, ge=0, lt=1)
    batch_size: int = Field(4, ge=1, description="Examples per micro-batch.")
    gradient_accumulation: int = Field(4, ge=1)
    max_grad_norm: float = Field(1.0, gt=0)
    steps: int = Field(63, ge=1, description="Optimizer steps.")
    max_length: int = Field(512, ge=8, description="Tokens per example; a longer one is refused, never cut.")
    gradient_checkpointing: bool = Field(True, description="QLoRA: less memory for more time.")
    seed: int = 7


class ArtifactSettings(Section):
    """One artifact of the release."""

    repo: str | None = None
    visibility: Visibility | None = None
    proof: ProofLevel = Field(
        "run",
        description="How far it is proven: static compares bytes, load loads it too, run asks it and runs the card's code.",
    )
    merge_base: Literal["full", "nf4", "best"] | None = Field(
        None,
        description="Merged only: add to the full weights (the default), to their 4-bit round trip that QLoRA trained "
        "against, or to whichever has the lower held-out loss.",
    )
    types: Many[str] | None = Field(
        None,
        description="GGUF only: which files are made, by their type. bf16 and q8_0 (the default), f16, f32; with "
        "llama_cpp: also q4_k_m and whatever else its llama-quantize knows.",
    )
    llama_cpp: str | None = Field(
        None,
        description="GGUF only: your checkout of llama.cpp, built, relative to the manifest; its converter and "
        "llama-quantize are used.",
    )
    files: str | None = Field(
        None,
        description="GGUF only: your own files, a path or a pattern, relative to the manifest; linked, never copied "
        "where the file system allows.",
    )
    mmproj: str | None = Field(None, description="GGUF only: the vision part that belongs to your own files.")

    @field_validator("repo")
    @classmethod
    def _hub_id(cls, value: str | None) -> str | None:
        if value is not None and not REPO_ID.fullmatch(value):
            raise ValueError("must be a Hub id, owner/name")
        return value

    @field_validator("types")
    @classmethod
    def _type_names(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        names = tuple(name.lower() for name in value) if value is not None else None
        if names is not None and (not names or len(set(names)) < len(names)):
            raise ValueError("name at least one type, and none twice")
        if wrong := [name for name in names or () if not GGUF_TYPE.fullmatch(name)]:
            raise ValueError(f"{wrong[0]} is no type of GGUF: bf16, q8_0, q4_k_m …")
        return names

    @model_validator(mode="after")
    def _makeable(self) -> ArtifactSettings:
        if self.files and (self.types or self.llama_cpp):
            raise ValueError("files are your own; types and llama_cpp are for files that are made here")
        if self.mmproj and not self.files:
            raise ValueError("mmproj belongs to files")
        beyond = [name for name in self.types or () if name not in CONVERTED]
        if beyond and not self.llama_cpp:
            raise ValueError(
                f"{', '.join(beyond)} needs llama.cpp's own quantizer: name your checkout under llama_cpp:; "
                f"without it: {', '.join(CONVERTED)}"
            )
        return self


class ExpectSettings(Section):
    """What a smoke prompt's answer must be."""

    contains: str | None = None
    matches: str | None = Field(None, description="Regular expression that must be found.")
    min_tokens: int | None = Field(None, ge=1)
    max_repetition: float | None = Field(None, gt=0, le=1, description="Share of the most frequent 4-gram.")
    stops: bool | None = Field(None, description="The answer must end before the token limit.")
    json_: bool | None = Field(None, alias="json")

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

    prompt: str
    expect: ExpectSettings = Field(default_factory=ExpectSettings)
    max_new_tokens: int = Field(48, ge=1)


class EvaluateSettings(Section):
    """The held-out evaluation."""

    rows: int = Field(64, ge=1, description="At most so many rows.")


class GateSettings(Section):
    """A bound that a fact must keep, or the release stops."""

    max: float | None = None
    min: float | None = None
    must_beat: Literal["base"] | None = Field(
        None, description="Lower than the base's value of the same metric."
    )
    max_rise: float | None = Field(
        None, ge=0, description="At most so much above the version that was released last."
    )
    max_fall: float | None = Field(
        None, ge=0, description="At most so much below the version that was released last."
    )


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
    authors: Many[AuthorSettings] = ()
    citation: CitationSettings | None = None
    language: Many[str] = ("en",)
    tags: Many[str] = ()
    access: AccessSettings | None = None
    results: Many[ResultSettings] = ()

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


class StatedSettings(Section):
    """A fact that only its author can know; the card prints it as such."""

    value: Any
    source: str
    unit: str | None = None


class AcceptSettings(Section):
    """A finding taken on knowingly."""

    code: str
    reason: str = Field(min_length=3)


class PolicySettings(Section):
    """What no manifest of the project may override."""

    owners: Many[str] = ()
    visibility: Many[Visibility] = ()
    licences: Many[str] = ()
    require: Many[str] = ()
    promote: Literal["separate"] | None = Field(
        None, description="separate: a release stops when it is proven; hubpub promote is a step of its own."
    )


Licence = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*$")]


class ProjectDefaults(Section):
    """`project.yaml`: defaults for every manifest beside it, and the policy."""

    manifest: Literal[1]
    owner: str | None = None
    visibility: Visibility | None = None
    hub: str | None = None
    evidence: Literal["full", "digests", "none"] | None = None
    licence: Licence | None = None
    policy: PolicySettings = Field(default_factory=PolicySettings)


class Manifest(Section):
    """`release.yaml`: what should exist."""

    manifest: Literal[1] = Field(description="Version of this format.")
    version: str | None = Field(
        None, description="Version to release; else the command line, else the next free one."
    )
    owner: str
    visibility: Visibility = "private"
    hub: str | None = Field(None, description="`local`, `hf` or an address; the command line wins.")
    licence: Licence | None = Field(None, description="Hub licence id; the base's own where it is left out.")
    licence_name: str | None = Field(
        None, pattern=r"^[a-z0-9][a-z0-9.-]*$", description="With `licence: other`."
    )
    licence_link: str | None = Field(
        None, description="With `licence: other`: an address, or LICENSE where the repo holds the text."
    )
    base: BaseSettings
    source: BaseSettings | None = Field(
        None, description="In place of base: the model that all artifacts are quantizations of."
    )
    adapter: str | None = Field(None, description="Existing adapter: a folder, or owner/repo@revision.")
    training_run: Many[str] = Field(
        (),
        description="What another trainer left of its run: files, or folders of which those that are known are read.",
    )
    dataset: DatasetSettings | None = None
    train: TrainSettings | None = None
    artifacts: dict[Kind, ArtifactSettings] = Field(min_length=1)
    evidence: Literal["full", "digests", "none"] = "full"
    accept: Many[AcceptSettings] = ()
    collection: str | None = None
    keep: Literal["all", "none"] = Field(
        "all",
        description="none: what was released leaves this disk, and comes back from the Hub when it is needed.",
    )
    supersedes: dict[Kind, str] = Field(
        default={},
        description="The older repo that an artifact replaces: its card gets `new_version`. One id: the merged, or the only, model.",
    )
    smoke: Many[SmokeSettings] = ()
    evaluate: EvaluateSettings | None = None
    gates: dict[str, GateSettings] = {}
    card: CardSettings = Field(default_factory=CardSettings)
    stated: dict[str, StatedSettings] = {}

    @field_validator("training_run", mode="before")
    @classmethod
    def _short_run(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _source_is_base(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("source") is not None:
            if value.get("base") is not None:
                raise ValueError("base and source are two names of one thing: write one of them")
            return {**value, "base": value["source"]}
        return value

    @model_validator(mode="before")
    @classmethod
    def _short_supersedes(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and isinstance(old := value.get("supersedes"), str):
            models = [kind for kind in KINDS if kind != "dataset" and kind in value.get("artifacts", ())]
            kind = "merged" if "merged" in models else models[0] if len(models) == 1 else None
            if kind is None:
                raise ValueError("supersedes: which artifact replaces it? write {<artifact>: <repo>}")
            return {**value, "supersedes": {kind: old}}
        return value

    @field_validator("supersedes")
    @classmethod
    def _superseded_ids(cls, value: dict[Kind, str]) -> dict[Kind, str]:
        if wrong := [repo_id for repo_id in value.values() if not REPO_ID.fullmatch(repo_id)]:
            raise ValueError(f"must be Hub ids, owner/name, not {', '.join(wrong)}")
        return value

    @field_validator("artifacts", mode="before")
    @classmethod
    def _short_artifacts(cls, value: Any) -> Any:
        if isinstance(value, list):
            return {kind: {} for kind in value}
        if isinstance(value, Mapping):
            return {kind: {} if settings is None else settings for kind, settings in value.items()}
        return value

    @field_validator("version")
    @classmethod
    def _semantic(cls, value: str | None) -> str | None:
        if value is not None and not VERSION.fullmatch(value):
            raise ValueError("must be a semantic version such as 1.0.0")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Manifest:
        wanted = set(self.artifacts)
        has_rows = self.dataset is not None and not self.dataset.link
        faults = {
            "adapter and train exclude each other: an adapter is loaded or trained": self.adapter
            and self.train,
            "source is quantized as it is: with an adapter or a training, it is base": self.source
            and (self.adapter or self.train),
            "training_run tells of a training made elsewhere: it needs `adapter:`": self.training_run
            and not self.adapter,
            "artifacts adapter and merged need `adapter:` or `train:`": (
                wanted & {"adapter", "merged"} and not (self.adapter or self.train)
            ),
            "base needs its Hub id (model:), unless it is among the artifacts itself": (
                "base" not in wanted and not self.base.model
            ),
            "train needs a dataset that is built or a folder": self.train and not has_rows,
            "the dataset artifact needs a dataset that is built or a folder": "dataset" in wanted
            and not has_rows,
            "evaluate needs a dataset that is built or a folder": self.evaluate and not has_rows,
            "merge_base is a setting of the merged artifact alone": any(
                settings.merge_base for kind, settings in self.artifacts.items() if kind != "merged"
            ),
            "types, llama_cpp, files and mmproj are settings of the gguf artifact alone": any(
                settings.types or settings.llama_cpp or settings.files or settings.mmproj
                for kind, settings in self.artifacts.items()
                if kind != "gguf"
            ),
            "merge_base: best measures held-out rows: it needs a dataset that is built or a folder": (
                not has_rows and any(each.merge_base == "best" for each in self.artifacts.values())
            ),
            "supersedes names an artifact that is not released, or the dataset": (
                set(self.supersedes) - (wanted - {"dataset"})
            ),
        }
        if any(faults.values()):
            raise ValueError("; ".join(what for what, found in faults.items() if found))
        return self


def repo_refs(manifest: Manifest, name: str) -> dict[Kind, RepoRef]:
    """The Hub repo of each artifact, in promotion order. Default ids never depend on siblings."""
    refs: dict[Kind, RepoRef] = {}
    for kind in KINDS:
        if kind in manifest.artifacts:
            repo_id = manifest.artifacts[kind].repo or f"{manifest.owner}/{name}{SUFFIX[kind]}"
            refs[kind] = RepoRef(repo_id, "dataset" if kind == "dataset" else "model")
    return refs


def visibility_of(manifest: Manifest, kind: Kind) -> Visibility:
    """Private unless the artifact or the manifest says otherwise."""
    return manifest.artifacts[kind].visibility or manifest.visibility
