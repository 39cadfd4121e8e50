"""GGUF files that were made elsewhere: looked at before anything else, linked into the artifact, never changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement
from publisher.weights.copying import copy_file
from publisher.weights.gguf import GgufError, header_of
from publisher.weights.gguf_files import GgufModel, models_of


def looked_at(files: Sequence[Path], pattern: str) -> tuple[GgufModel, ...]:
    """The models among a user's files, every header and the number of parts read.

    Raises:
        HubpubError: HP-W04, there are none, one is no GGUF file, or a part is missing.
    """
    try:
        models = models_of(files)
        for file in files:
            header_of(file)
    except GgufError as fault:
        named = next((str(file) for file in files if file.name in str(fault)), pattern)
        raise HubpubError(
            "HP-W04",
            f"the files of gguf: cannot be released: {fault}",
            where=named,
            hint="mend files: in release.yaml, or copy or convert the file again",
        ) from fault
    if not models:
        raise HubpubError(
            "HP-W04",
            f"no model matches gguf.files: {pattern}",
            where=pattern,
            hint="files: takes a path or a pattern such as /mnt/q/*.gguf, relative to the manifest",
        )
    return models


def link(file: Path, target: Path) -> None:
    """Have the file at `target` too: a hard link, else shared blocks, else a copy made by the kernel."""
    try:
        os.link(file, target)
    except OSError:  # another file system, or one without links
        copy_file(file, target)


def described(models: Sequence[GgufModel], mmproj: Path | None) -> tuple[Measurement, ...]:
    """What the files are, as facts."""
    sizes = sum(model.size for model in models) + (mmproj.stat().st_size if mmproj else 0)
    facts: list[tuple[str, Json, str | None]] = [
        ("made_here", False, None),
        ("architecture", models[0].header.text("general.architecture"), None),
        ("types", [model.kind for model in models], None),
        ("size_bytes", sizes, "bytes"),
    ]
    for model in models:
        header = model.header
        facts += [
            (f"{model.kind}.file", model.files[0].name, None),
            (f"{model.kind}.format", model.format, None),
            (f"{model.kind}.size_bytes", model.size, "bytes"),
            (f"{model.kind}.parts", len(model.files), None),
            (f"{model.kind}.chat_template", header.text("tokenizer.chat_template") is not None, None),
        ]
    if mmproj is not None:
        facts += [("mmproj.file", mmproj.name, None), ("mmproj.size_bytes", mmproj.stat().st_size, "bytes")]
    return tuple(Measurement(f"gguf.{name}", value, unit) for name, value, unit in facts)
