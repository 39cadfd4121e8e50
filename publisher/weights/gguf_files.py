"""Which GGUF files make up which model: types by name, parts of a split file, the vision part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from publisher.weights.gguf import GgufError, GgufHeader, general_of, header_of

_PART = re.compile(r"-(?P<number>\d{5})-of-(?P<of>\d{5})$")  # as gguf-split names the parts of a file
_TYPE = re.compile(r"(?:^|[-._])(?P<type>(?:UD-)?I?Q\d\w*|TQ\d\w*|BF16|F16|F32|MXFP4\w*)$", re.IGNORECASE)
_PROJECTOR = "mmproj"
_FINEST_FIRST = ("bf16", "f16", "f32")  # which BF16 models hold already; F32 has no more to give


@dataclass(frozen=True)
class GgufModel:
    """One model, in one file or in the parts of one.

    Attributes:
        kind: its type as facts spell it: `q8_0`; a name that tells no type is its own.
        format: its type as people write it: `Q8_0`.
        files: in order; the first is the one to load.
    """

    kind: str
    format: str
    files: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(file.stat().st_size for file in self.files)

    @property
    def header(self) -> GgufHeader:
        """What the first part says; the others repeat or leave it.

        Raises:
            GgufError: it is no GGUF file.
        """
        return header_of(self.files[0])


def models_of(files: Iterable[Path]) -> tuple[GgufModel, ...]:
    """The models among files, by name; what is a vision part is none.

    The type is what a name ends in, as the Hub's convention has it: `name-Q8_0.gguf`,
    `name-Q8_0-00001-of-00003.gguf`.

    Raises:
        GgufError: a part is missing, or two models have one type.
    """
    parts: dict[str, list[tuple[int, int, Path]]] = {}
    for file in sorted(files, key=lambda file: file.name):
        if file.suffix == ".gguf" and not is_projector(file):
            match = _PART.search(file.stem)
            number, of = (int(match["number"]), int(match["of"])) if match else (1, 1)
            parts.setdefault(file.stem[: match.start()] if match else file.stem, []).append(
                (number, of, file)
            )
    models: dict[str, GgufModel] = {}
    for stem, found in parts.items():
        of = found[0][1]
        lacking = sorted(set(range(1, of + 1)) - {number for number, _, _ in found})
        if lacking or len(found) != of:
            raise GgufError(f"{stem} has {of} parts, and {len(found)} files are here")
        told = _TYPE.search(stem)
        named = told["type"] if told else stem
        kind = re.sub(r"\W", "_", named).lower()
        if kind in models:
            raise GgufError(f"{models[kind].files[0].name} and {found[0][2].name} are both {named}")
        models[kind] = GgufModel(kind, named.upper() if told else named, tuple(file for _, _, file in found))
    return tuple(models.values())


def projector_in(folder: Path) -> Path | None:
    """The vision part of a folder's models, where there is one; of several the one with the most bits."""
    return finest([file for file in sorted(folder.glob("*.gguf")) if is_projector(file)])


def finest(projectors: Sequence[Path]) -> Path | None:
    """Of several vision parts the one with the most bits, by their names."""
    ranked = [file for word in _FINEST_FIRST for file in projectors if word in file.stem.lower()]
    return next(iter([*ranked, *projectors]), None)


def is_projector(file: Path) -> bool:
    """Whether a file holds the part of a model that reads images: by its name, or by what its header says."""
    if _PROJECTOR in file.name.lower():
        return True
    try:
        header = general_of(file)
    except (GgufError, OSError):
        return False
    return header.text("general.architecture") == "clip" or header.text("general.type") == _PROJECTOR
