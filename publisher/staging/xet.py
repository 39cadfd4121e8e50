"""Xet, the client's other way to send large files, through the local store of `hf_xet`.

The client is told to put its chunks into a folder of this machine (`local://`). Nothing is served from there (for
reading there is `xet_reading`): when a commit names a file that only Xet has, its bytes are put together, hashed, and
kept with the other large files before the commit is acknowledged; its chunks are lent to later uploads (`xet_known`).
`local://` is a debugging backend of hf_xet whose layout may change with a version; `TESTED` says which ones were
tried.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import shutil
import struct
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import JSONResponse, Response

from publisher.staging import xet_known
from publisher.staging.call import Call
from publisher.staging.durable import AsideFile, is_no_room, make_folders
from publisher.staging.repos import Repo
from publisher.staging.responses import RefusalError, bad_request

TESTED = ((1, 8), (1, 9))  # from, to but not including
VALID_FOR_S = 3600
GATHER = 4 * 1024 * 1024  # bytes hashed and written at once

_HEADER = 48  # bytes before the first record of a shard, and of each record in it
_RECORD = struct.Struct("<32sIIQ")  # file hash, flags, number of segments, unused
_HAS_VERIFICATION = 1 << 31
_HAS_SHA256 = 1 << 30
_INDEX = "global_dedup_lookup.redb"
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


@functools.cache
def is_offered() -> bool:
    """Whether files are said to have a Xet hash: not where an hf_xet is at work that was never tried."""
    return importlib.util.find_spec("hf_xet") is None or is_available()


def write_token(call: Call) -> Response:
    """GET .../xet-write-token/{revision}: a folder to put chunks into.

    Every asking gets a folder of its own: the store in it can be open in one process only, and the client remembers
    by the folder's name what it has sent there.
    """
    call.writer()
    repo = call.repo()
    if not is_available():
        raise RefusalError(
            501,
            "This Hub takes no Xet uploads with this version of hf_xet; set HF_HUB_DISABLE_XET=1",
        )
    place = _uploads(call, repo) / uuid.uuid4().hex
    make_folders(place)
    xet_known.lend(call.state.data, place)
    address, expires = f"local://{place}", int(time.time()) + VALID_FOR_S
    return JSONResponse(
        {"casUrl": address, "accessToken": "local", "exp": expires},
        headers={
            "X-Xet-Cas-Url": address,
            "X-Xet-Access-Token": "local",
            "X-Xet-Token-Expiration": str(expires),
        },
    )


def take_in(call: Call, repo: Repo, oid: str) -> bool:
    """Bring a large file that came to this repo through Xet into the folder of large files.

    Returns:
        False when no such file came through Xet.

    Raises:
        RefusalError: 400 when the chunks do not make up the file.
    """
    for shard in _uploads(call, repo).glob("*/xet/xorbs/shards/*.mdb") if is_available() else ():
        if (found := _files_in(shard).get(oid)) is not None:
            break
    else:
        return False
    with AsideFile(call.state.aside) as aside:
        try:
            with _view(call, shard.parents[1]) as view:
                for pieces in _stream(view, found):
                    aside.write(pieces)
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, OSError) and is_no_room(error):
                raise
            raise _spoilt(call, shard, f"The chunks of {oid} cannot be put together: {error}") from error
        if aside.sha256 != oid:
            raise _spoilt(call, shard, f"The chunks that came for {oid} make up another file")
        call.state.large.keep(repo.number, aside)
    xet_known.keep(call.state.data, shard.parents[3])
    return True


def _spoilt(call: Call, shard: Path, what: str) -> RefusalError:
    """An upload that makes up no file, or known chunks that it counted on: the next one starts from nothing."""
    shard.unlink(missing_ok=True)
    xet_known.forget(call.state.data, call.state.aside)
    return bad_request(what)


def _uploads(call: Call, repo: Repo) -> Path:
    return call.state.data / "xet" / str(repo.number)


@contextmanager
def _view(call: Call, xorbs: Path) -> Iterator[Path]:
    """The same store under another name, with a copy of its index: the client may still hold the index locked."""
    view = call.state.aside / uuid.uuid4().hex
    inside = view / "xet/xorbs"
    try:
        inside.mkdir(parents=True)
        for part in ("xorbs", "shards"):
            (inside / part).symlink_to(xorbs / part)
        shutil.copy(xorbs / _INDEX, inside / _INDEX)
        yield view
    finally:
        shutil.rmtree(view)


def _stream(place: Path, file: XetFile) -> Iterator[list[bytes]]:
    """The bytes of a file, gathered into pieces worth writing."""
    import hf_xet

    group = hf_xet.XetSession().new_download_stream_group(endpoint=f"local://{place}")
    pieces: list[bytes] = []
    gathered = 0
    for piece in group.download_stream(hf_xet.XetFileInfo(file.hash, file.size)):
        pieces.append(piece)
        gathered += len(piece)
        if gathered >= GATHER:
            yield pieces
            pieces, gathered = [], 0
    yield pieces


@functools.lru_cache(maxsize=64)
def _files_in(shard: Path) -> dict[str, XetFile]:
    """The files that a shard describes. Remembered: a shard is named by its digest and never changes."""
    return _files_of(shard.read_bytes())


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
        if offset + segments * _HEADER > len(shard):
            break  # cut short, or no shard at all
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
