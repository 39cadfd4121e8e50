"""What a user writes of one artifact under `artifacts:`."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from publisher.manifest.section import REPO_ID, Licence, Many, Section, Visibility
from publisher.records.receipts import ProofLevel

GGUF_TYPE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


CONVERTED = ("bf16", "q8_0", "f16", "f32")  # what a converter writes alone


class ArtifactSettings(Section):
    """One artifact of the release."""

    repo: str | None = Field(
        None, description="Hub id; left out: the owner, and the release's name with the artifact's ending."
    )
    visibility: Visibility | None = Field(None, description="Another one than the release's.")
    licence: Licence | None = Field(
        None,
        description="Another licence than the release's, by its Hub id: data seldom share their model's.",
    )
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
    vision_part: bool = Field(
        False,
        description="GGUF only: besides the files made here, make the vision part (mmproj) of a model that takes images; "
        "else they hold the language part alone, and the card says so.",
    )
    folder: str | None = Field(
        None,
        description="awq, gptq, fp8 and the like: your own folder of safetensors, relative to the manifest; linked, "
        "never copied where the file system allows.",
    )

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
        if self.files and (self.types or self.llama_cpp or self.vision_part):
            raise ValueError(
                "files are your own; types, llama_cpp and vision_part are for files that are made here"
            )
        if self.mmproj and not self.files:
            raise ValueError("mmproj belongs to files")
        beyond = [name for name in self.types or () if name not in CONVERTED]
        if beyond and not self.llama_cpp:
            raise ValueError(
                f"{', '.join(beyond)} needs llama.cpp's own quantizer: name your checkout under llama_cpp:; "
                f"without it: {', '.join(CONVERTED)}"
            )
        return self
