"""Reads the samples in the rules' docstrings as small repos, and writes them into a folder."""

from __future__ import annotations

import io
import json
import math
import re
import struct
import textwrap
import zipfile
from dataclasses import dataclass
from pathlib import Path

from publisher.checks.page import Sample

MARK = "←"  # the place that a Bad sample's rule must report

_HEADING = re.compile(r"(?P<path>\S[^(\n]*?)(?: \((?P<how>[^)]+)\))?:(?P<mark> ←)?")
# Put together here, so that no scanner of this repo takes it for a token.
A_TOKEN = "hf_" + "QwErTyUiOpAsDfGhJkLzXcVbNmQwErTyUi"

_BYTES = {"F32": 4, "F16": 2, "BF16": 2, "U8": 1, "I8": 1}
# Little-endian float32; a bfloat16 is its last two bytes.
_VALUES = {"zeros": b"\0\0\0\0", "ones": b"\0\0\x80\x3f", "nan": b"\0\0\xc0\x7f"}


@dataclass(frozen=True)
class SampleFile:
    """One file of a sample: how it is made, its content's lines, the lines that are marked (None: the file)."""

    path: str
    how: str
    content: str
    marked: tuple[int | None, ...]


def read_sample(sample: Sample) -> tuple[SampleFile, ...]:
    """The files of a sample. A line without indentation is a file's name, all else is its content."""
    files: list[tuple[re.Match[str], list[str]]] = []
    for line in sample.text.splitlines():
        if line and not line.startswith(" "):
            heading = _HEADING.fullmatch(line)
            assert heading is not None, f"not a file's name in a sample: {line}"
            files.append((heading, []))
        else:
            files[-1][1].append(line)
    return tuple(_file(heading, lines) for heading, lines in files)


def write_sample(sample: Sample, folder: Path) -> set[tuple[str, int | None]]:
    """Write a sample's files; returns the places that are marked."""
    places = set()
    for file in read_sample(sample):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.how == "broken link":
            path.symlink_to(folder / "nowhere")
        elif file.how.endswith(" GB"):
            with path.open("wb") as sparse:  # takes no room on the disk
                sparse.truncate(int(file.how.split()[0]) * 10**9)
        else:
            path.write_bytes(_bytes(file))
        places |= {(file.path, line) for line in file.marked}
    return places


def safetensors(listing: str, metadata: dict[str, str] | None = None) -> bytes:
    """A safetensors file from lines such as `name F32 8x64`: zeros, or what a fourth word says."""
    header: dict[str, object] = {} if metadata is None else {"__metadata__": metadata}
    data = b""
    for line in listing.split("\n"):
        if line.strip():
            name, dtype, shape, *how = line.split()
            sizes = [int(size) for size in shape.split("x")]
            value = _VALUES[how[0] if how else "zeros"][-_BYTES[dtype] :]
            start, data = len(data), data + value * math.prod(sizes)
            header[name] = {"dtype": dtype, "shape": sizes, "data_offsets": [start, len(data)]}
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + data


def gguf(metadata: dict[str, str]) -> bytes:
    """A GGUF file without tensors."""
    raw = b"GGUF" + struct.pack("<IQQ", 3, 0, len(metadata))
    for key, value in metadata.items():
        raw += struct.pack("<Q", len(key)) + key.encode()
        raw += struct.pack("<IQ", 8, len(value)) + value.encode()
    return raw


def _file(heading: re.Match[str], lines: list[str]) -> SampleFile:
    content = textwrap.dedent("\n".join(lines)).rstrip("\n").split("\n") if any(lines) else []
    marked: list[int | None] = [None] if heading["mark"] else []
    marked += [number for number, line in enumerate(content, start=1) if line.endswith(MARK)]
    text = "".join(f"{line.removesuffix(MARK).rstrip()}\n" for line in content)
    return SampleFile(
        heading["path"], heading["how"] or "", text.replace("{a token}", A_TOKEN), tuple(marked)
    )


def _bytes(file: SampleFile) -> bytes:
    if file.how == "empty":
        return b""
    if file.how == "latin-1":
        return file.content.encode("latin-1")
    if file.how == "pickle":
        return b"\x80\x04N."
    if file.how.startswith("zip of "):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(zipfile.ZipInfo(file.how.removeprefix("zip of ")), b"x")
        return packed.getvalue()
    if file.how.startswith("pickle of "):
        module, _, name = file.how.removeprefix("pickle of ").rpartition(".")
        return f"c{module}\n{name}\n(S'true'\ntR.".encode()
    if file.how == "Git LFS pointer":
        return b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
    if file.how.startswith("safetensors"):
        whole = safetensors(file.content, {"format": "pt"} if "format pt" in file.how else None)
        cut = re.search(r"last (\d+) bytes cut", file.how)
        return whole[: -int(cut[1])] if cut else whole
    if file.how.startswith("GGUF"):
        _, key, value = re.split(r",? ", file.how)
        return gguf({key: value})
    assert not file.how, f"no way is known to make a file of {file.how}"
    return file.content.encode() or b"\0"
