"""What a user writes in `release.yaml` and `project.yaml`, typed. The only pydantic models of the house.

Short forms (a string for a base, a list for artifacts) are opened up before validation, so that every reader
of a `Manifest` meets the long form only. Unknown keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from publisher.manifest.artifact import ArtifactSettings
from publisher.manifest.card import CardSettings
from publisher.manifest.dataset import DatasetSettings
from publisher.manifest.evaluation import EvaluateSettings, GateSettings, SmokeSettings
from publisher.manifest.section import REPO_ID, Licence, Many, Section, Visibility
from publisher.manifest.signing import SigningSettings
from publisher.manifest.training import TrainSettings
from publisher.records.artifacts import KINDS, Kind, RepoRef
from publisher.records.forms import FORMS, suffix_of

VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")


SUFFIX: dict[Kind, str] = {
    "base": "-base",
    "dataset": "-data",
    "adapter": "-lora",
    "merged": "",
    "nf4": "-bnb-4bit",
    "gguf": "-GGUF",
    **{kind: suffix_of(kind) for kind in FORMS},
}


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


class StatedSettings(Section):
    """A fact that only its author can know; the card prints it as such."""

    value: Any = Field(description="The fact itself: a number, a text, a list.")
    source: str = Field(description="Where it comes from; the card prints it.")
    unit: str | None = Field(None, description="What the number counts: bytes, s, tokens, rows.")


class AcceptSettings(Section):
    """A finding taken on knowingly."""

    code: str = Field(description="The finding's code: CARD001.")
    reason: str = Field(min_length=3, description="Why it is taken on; the card prints it.")


class PolicySettings(Section):
    """What no manifest of the project may override."""

    owners: Many[str] = Field((), description="The accounts that may own a repo; left out: any.")
    visibility: Many[Visibility] = Field((), description="What a repo may be; left out: either.")
    licences: Many[str] = Field(
        (), description="The licences that a release may have, by Hub id; left out: any."
    )
    require: Many[str] = Field((), description="Keys that every manifest has to have: card.limitations.")
    promote: Literal["separate"] | None = Field(
        None, description="separate: a release stops when it is proven; hubpub promote is a step of its own."
    )


class ProjectDefaults(Section):
    """`project.yaml`: defaults for every manifest beside it, and the policy."""

    manifest: Literal[1] = Field(description="Version of this format.")
    owner: str | None = Field(None, description="Of the repos whose manifest names none.")
    visibility: Visibility | None = Field(None, description="Of every repo whose manifest says nothing else.")
    hub: str | None = Field(None, description="`local`, `hf` or an address, for manifests that name none.")
    evidence: Literal["full", "digests", "none"] | None = Field(
        None, description="How much of it travels with the repos, where the manifest does not say."
    )
    licence: Licence | None = Field(None, description="Hub licence id, for manifests that name none.")
    policy: PolicySettings = Field(
        default_factory=PolicySettings, description="What no manifest may override."
    )


class Manifest(Section):
    """`release.yaml`: what should exist."""

    manifest: Literal[1] = Field(description="Version of this format.")
    version: str | None = Field(
        None, description="Version to release; else the command line, else the next free one."
    )
    owner: str = Field(description="The account or organisation that the repos belong to.")
    visibility: Visibility = Field(
        "private", description="Of every repo, unless its artifact says otherwise."
    )
    hub: str | None = Field(None, description="`local`, `hf` or an address; the command line wins.")
    licence: Licence | None = Field(None, description="Hub licence id; the base's own where it is left out.")
    licence_name: str | None = Field(
        None, pattern=r"^[a-z0-9][a-z0-9.-]*$", description="With `licence: other`."
    )
    licence_link: str | None = Field(
        None, description="With `licence: other`: an address, or LICENSE where the repo holds the text."
    )
    base: BaseSettings | None = Field(
        None, description="The model that was trained; a release of a dataset alone names none."
    )
    source: BaseSettings | None = Field(
        None, description="In place of base: the model that all artifacts are quantizations of."
    )
    adapter: str | None = Field(None, description="Existing adapter: a folder, or owner/repo@revision.")
    training_run: Many[str] = Field(
        (),
        description="What another trainer left of its run: files, or folders of which those that are known are read.",
    )
    dataset: DatasetSettings | None = Field(None, description="The data that it was, or is, trained on.")
    train: TrainSettings | None = Field(None, description="How the adapter is trained here; else `adapter`.")
    artifacts: dict[Kind, ArtifactSettings] = Field(
        min_length=1, description="Exactly what is released, each in a repo of its own."
    )
    evidence: Literal["full", "digests", "none"] = Field(
        "full", description="How much of the evidence travels with the repos: all, its digests alone, none."
    )
    sign: SigningSettings | None = Field(
        None, description="Sign the files of every repo; short form: the file of the public key."
    )
    accept: Many[AcceptSettings] = Field(
        (), description="Findings that would stop the release, taken on knowingly; the card shows them."
    )
    collection: str | None = Field(
        None, description="Title of the Hub collection that the repos are put into."
    )
    keep: Literal["all", "none"] = Field(
        "all",
        description="none: once all of it is released, it leaves this disk, and comes back from the Hub when it is needed.",
    )
    supersedes: dict[Kind, str] = Field(
        default={},
        description="The older repo that an artifact replaces: its card gets `new_version`. One id: the merged, or the only, model.",
    )
    smoke: Many[SmokeSettings] = Field(
        (), description="Prompts that every model answers before it is published."
    )
    compatible_with: Many[Literal["transformers-4"]] = Field(
        (),
        description="Also prove each model with these: installed into the user's cache when first asked for.",
    )
    evaluate: EvaluateSettings | None = Field(None, description="What is measured on held-out rows.")
    lm_eval: dict[str, Many[str]] = Field(
        default={},
        description="Results files of lm-evaluation-harness, or folders of them, by the model that they are of: base, adapter, merged, an artifact, or a GGUF file (`gguf.q8_0`).",
    )
    gates: dict[str, GateSettings] = Field(
        default={}, description="What a measured fact must hold, by its id; a release that misses one stops."
    )
    card: CardSettings = Field(
        default_factory=CardSettings, description="The prose and the people of the cards."
    )
    stated: dict[str, StatedSettings] = Field(
        default={}, description="Facts that only the author can know, by id; printed as stated by the author."
    )

    @field_validator("training_run", mode="before")
    @classmethod
    def _short_run(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("lm_eval", mode="before")
    @classmethod
    def _short_results(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {kind: [places] if isinstance(places, str) else places for kind, places in value.items()}

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
            "lm_eval names models of this release: base, adapter and merged where it has them, an artifact, or a GGUF "
            f"file as gguf.q8_0; not {', '.join(self._not_measurable)}": self._not_measurable,
            "artifacts adapter and merged need `adapter:` or `train:`": (
                wanted & {"adapter", "merged"} and not (self.adapter or self.train)
            ),
            "base is missing: the model that the artifacts are made from": self.needs_base and not self.base,
            "base needs its Hub id (model:), unless it is among the artifacts itself": (
                "base" not in wanted and self.base and not self.base.model
            ),
            "train needs a dataset that is built or a folder": self.train and not has_rows,
            "the dataset artifact needs a dataset that is built or a folder": "dataset" in wanted
            and not has_rows,
            "evaluate needs a dataset that is built or a folder": self.evaluate and not has_rows,
            "merge_base is a setting of the merged artifact alone": any(
                settings.merge_base for kind, settings in self.artifacts.items() if kind != "merged"
            ),
            "types, llama_cpp, files, mmproj and vision_part are settings of the gguf artifact alone": any(
                settings.types
                or settings.llama_cpp
                or settings.files
                or settings.mmproj
                or settings.vision_part
                for kind, settings in self.artifacts.items()
                if kind != "gguf"
            ),
            "folder is for weights that were quantized elsewhere, and those need it: "
            f"{', '.join(FORMS)}": any(
                (settings.folder is not None) != (kind in FORMS) for kind, settings in self.artifacts.items()
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

    @property
    def _not_measurable(self) -> list[str]:
        """Keys of `lm_eval` that are no model of this release."""
        tuned = {"adapter", "merged"} if self.adapter or self.train else set()
        models = (set(self.artifacts) | tuned | {"base"}) - {"dataset", "gguf"}
        packed = "gguf" in self.artifacts
        return [
            kind
            for kind in self.lm_eval
            if kind not in models and not (packed and re.fullmatch(r"gguf\.[a-z0-9_]+", kind))
        ]

    @property
    def needs_base(self) -> bool:
        """Whether anything is made of a model or asks one: not where a dataset is released by itself."""
        return bool(set(self.artifacts) - {"dataset"} or self.adapter or self.train or self.evaluate)


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
