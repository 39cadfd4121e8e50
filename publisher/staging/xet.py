"""Xet, the client's other way to send large files, through the local store of `hf_xet`.

The client is told to put its chunks into a folder of this machine (`local://`). Nothing is served from there: when a
commit names a file that only Xet has, its bytes are put together, hashed, and kept with the other large files before
the commit is acknowledged. `local://` is a debugging backend of hf_xet whose layout may change with a version;
`TESTED` says which ones were tried.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import struct
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import JSONResponse, Response

from publisher.staging.call import Call
from publisher.staging.durable import AsideFile, make_folders
from publisher.staging.repos import Repo
from publisher.staging.responses import RefusalError, bad_request

TESTED = ((1, 8), (1, 9))  # from, to but not including
VALID_FOR_S = 3600
GATHER = 4 * 1024 * 1024  # bytes hashed and written at once

_HEADER = 48  # bytes before the first record of a shard, and of each record in it
_RECORD = struct.Struct("<32sIIQ")  # file hash, flags, number of segments, unused
_HAS_VERIFICATION = 1 << 31
_HAS_SHA256 = 1 << 30
_LAST = b"\xff" * 32  # file hash of the record that ends the list


@dataclass(frozen=True)
class XetFile:
    """One file that Xet holds: its own hash, its size in bytes."""

    hash: str
    size: int


def is_available() -> bool:
    """Whether this process can read what a client sends through Xet: hf_xet is here, in a version that was tried."""
    if importlib.util.find_spec("hf_xet") is None:
        return False
    parts = importlib.metadata.version("hf_xet").split(".")
    return TESTED[0] <= tuple(int(part) for part in parts[:2] if part.isdecimal()) < TESTED[1]


def write_token(call: Call) -> Response:
    """GET .../xet-write-token/{revision}: where to put chunks."""
    call.writer()
    call.repo()
    if not is_available():
        raise RefusalError(
            501,
            "This Hub takes no Xet uploads with this version of hf_xet; set HF_HUB_DISABLE_XET=1",
        )
    place = {"casUrl": f"local://{folder(call)}", "accessToken": "local", "exp": int(time.time()) + VALID_FOR_S}
    return JSONResponse(
        place,
        headers={
            "X-Xet-Cas-Url": str(place["casUrl"]),
            "X-Xet-Access-Token": str(place["accessToken"]),
            "X-Xet-Token-Expiration": str(place["exp"]),
        },
    )


def folder(call: Call) -> Path:
    """The folder that chunks go to: named at random once, since clients remember by its name what they sent there."""
    root = call.state.data / "xet"
    make_folders(root)
    known = sorted(root.iterdir())
    if known:
        return known[0]
    made = root / uuid.uuid4().hex
    make_folders(made)
    return made


def take_in(call: Call, repo: Repo, oid: str) -> bool:
    """Bring a large file that came through Xet into the folder of large files; False when Xet has none such.

    Raises:
        RefusalError: 400 when the chunks do not make up the file.
    """
    if not (call.state.data / "xet").is_dir() or not is_available():
        return False
    found = _find(folder(call), oid)
    if found is None:
        return False
    with AsideFile(call.state.aside) as aside:
        try:
            for pieces in _stream(folder(call), found):
                aside.write(pieces)
        except (OSError, RuntimeError, ValueError) as error:
            raise bad_request(f"The chunks of {oid} cannot be put together: {error}") from error
        if aside.sha256 != oid:
            raise bad_request(f"The chunks that came for {oid} make up another file")
        call.state.large.keep(repo.number, aside)
    return True


def _stream(place: Path, file: XetFile) -> Iterator[list[bytes]]:
    """The bytes of a file, gathered into pieces worth writing."""
    import hf_xet

    group = hf_xet.XetSession().new_download_stream_group(
        endpoint=f"local://{place}", token="local", token_expiry_unix_secs=int(time.time()) + VALID_FOR_S
    )
    pieces: list[bytes] = []
    for piece in group.download_stream(hf_xet.XetFileInfo(file.hash, file.size)):
        pieces.append(piece)
        if sum(map(len, pieces)) >= GATHER:
            yield pieces
            pieces = []
    yield pieces


def _find(place: Path, oid: str) -> XetFile | None:
    for shard in sorted(place.rglob("*.mdb"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        found = _files_of(shard.read_bytes()).get(oid)
        if found is not None:
            return found
    return None


def _files_of(shard: bytes) -> dict[str, XetFile]:
    """The files that a shard describes, by their sha256.

    A shard's list of files: for each a record (hash, flags, number of segments), its segments, a verification entry
    per segment if the flags say so, and an entry with the sha256 if the flags say so. All have 48 bytes; hashes are
    four little-endian words.
    """
    files: dict[str, XetFile] = {}
    offset = _HEADER
    while offset + _HEADER <= len(shard):
        file_hash, flags, segments, _ = _RECORD.unpack_from(shard, offset)
        offset += _HEADER
        if file_hash == _LAST:
            break
        # A segment: xorb hash (32 bytes), flags, bytes unpacked, first chunk, one past the last chunk.
        starts = range(offset, offset + segments * _HEADER, _HEADER)
        size = sum(struct.unpack_from("<I", shard, start + 36)[0] for start in starts)
        offset += segments * _HEADER * (2 if flags & _HAS_VERIFICATION else 1)
        if flags & _HAS_SHA256:
            files[_hex(shard[offset : offset + 32])] = XetFile(_hex(file_hash), size)
            offset += _HEADER
    return files


def _hex(digest: bytes) -> str:
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", digest))
