"""Reads the samples in the rules' docstrings as small repos, and writes them into a folder."""

from __future__ import annotations

import io
import json
import math
import re
import struct
import tarfile
import textwrap
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from publisher.checks.observe.earlier import Earlier
from publisher.checks.page import Sample

MARK = "←"  # the place that a Bad sample's rule must report

_EARLIER = "earlier release"  # no file: what is known of the release before
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
        if file.how == _EARLIER:
            continue
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.how == "broken link":
            path.symlink_to(folder / "nowhere")
        elif file.how == "link outside":
            path.symlink_to(__file__)
        elif file.how.endswith(" GB"):
            with path.open("wb") as sparse:  # takes no room on the disk
                sparse.truncate(int(file.how.split()[0]) * 10**9)
        else:
            path.write_bytes(_bytes(file))
        places |= {(file.path, line) for line in file.marked}
    return places


def known_of(sample: Sample) -> tuple[object, ...]:
    """What a sample says is known beside its files."""
    return tuple(
        Earlier(file.path.removeprefix("tagged "), (file.content.removeprefix("license: ").strip(),))
        for file in read_sample(sample)
        if file.how == _EARLIER
    )


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


def parquet(rows: list[dict[str, object]]) -> bytes:
    """A Parquet file of rows."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


def _tar(how: str, *, packed: bool) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz" if packed else "w") as archive:
        if how.startswith("tar of "):
            archive.addfile(tarfile.TarInfo(how.removeprefix("tar of ")))
        else:
            link = tarfile.TarInfo("lib")
            link.type, link.linkname = tarfile.SYMTYPE, how.removeprefix("tar with a link to ")
            archive.addfile(link)
    return raw.getvalue()


def _bomb() -> bytes:
    """A zip archive whose directory says that its one member has 20 GB."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 10_000)
        archive.infolist()[0].file_size = 20 * 10**9
    return raw.getvalue()


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
    if file.how == "zip bomb":
        return _bomb()
    if file.how.startswith("tar "):
        return _tar(file.how, packed=file.path.endswith("gz"))
    if file.how.startswith("pickle of the text "):
        text = file.how.removeprefix("pickle of the text ").replace("{a token}", A_TOKEN).encode()
        return b"\x80\x04\x8c" + bytes([len(text)]) + text + b"."
    if file.how.startswith("pickle of "):
        module, _, name = file.how.removeprefix("pickle of ").rpartition(".")
        return f"c{module}\n{name}\n(S'true'\ntR.".encode()
    if file.how == "Parquet":
        return parquet([json.loads(line) for line in file.content.splitlines()])
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
