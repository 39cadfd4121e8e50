"""GGUF files that were made elsewhere: looked at before anything else, linked into the artifact, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement
from publisher.weights.gguf import GgufError, header_of
from publisher.weights.gguf_files import GgufModel, finest, models_of
from publisher.weights.gguf_source import hold_against


def looked_at(files: Sequence[Path], pattern: str, mmproj: str | None = None) -> tuple[GgufModel, ...]:
    """The models among a user's files, every header and the number of parts read; `mmproj` is what the manifest calls so.

    Raises:
        HubpubError: HP-W04, there are none, one is no GGUF file, or a part is missing.
    """
    try:
        models = models_of(files)
        for file in files:
            header_of(file)
        for model in models:
            _require_parts(model)
        if mmproj is not None and (named := Path(mmproj).name) in {f.name for f in files if not _sees(f)}:
            raise GgufError(f"{named} is no vision part: its architecture is not clip")
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


def require_here(files: Sequence[Path], pattern: str) -> None:
    """Refuse files that only the lock knows: taken back by digest, they would not be looked at again.

    Raises:
        HubpubError: HP-W04.
    """
    if absent := [file.name for file in files if not file.is_file()]:
        raise HubpubError(
            "HP-W04",
            f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not on this machine, and what the lock knows "
            "of gguf: is of other inputs, or on another Hub",
            where=pattern,
            hint="put the files where files: in release.yaml says",
            files=absent,
        )


def _require_parts(model: GgufModel) -> None:
    """The headers of a model's parts count as its names do."""
    for number, file in enumerate(model.files):
        header = header_of(file)
        said, of = header.number("split.no"), header.number("split.count")
        if of is not None and of not in (0, len(model.files)):
            raise GgufError(f"{file.name} says that it is one of {of} parts, and {len(model.files)} are here")
        if said is not None and len(model.files) > 1 and said != number:
            raise GgufError(f"{file.name} is named part {number + 1}, and says that it is part {said + 1}")


def _sees(file: Path) -> bool:
    return header_of(file).text("general.architecture") == "clip"


def described(
    models: Sequence[GgufModel], projectors: Sequence[Path], source: Path
) -> tuple[Measurement, ...]:
    """What the files are, and how they stand to their source, as facts.

    Raises:
        HubpubError: HP-W05, one of them is of another model.
    """
    same = hold_against(models, projectors, source)
    mmproj = finest(projectors)
    sizes = sum(model.size for model in models) + sum(file.stat().st_size for file in projectors)
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
            (f"{model.kind}.tensors", sum(header_of(file).tensors for file in model.files), None),
            (f"{model.kind}.chat_template", header.text("tokenizer.chat_template") is not None, None),
        ]
    if mmproj is not None:
        facts += [("mmproj.file", mmproj.name, None), ("mmproj.size_bytes", mmproj.stat().st_size, "bytes")]
    facts += [(name, value, None) for name, value in same.items() if value is not None]
    return tuple(Measurement(f"gguf.{name}", value, unit) for name, value, unit in facts)
