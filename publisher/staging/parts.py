"""Large files that come in parts: each part an upload of its own, put together when all are here.

The client's protocol: `header` of the upload action holds `chunk_size` and an address for each part, by its number;
each part's answer carries an `ETag`; a last call names them all. Parts lie in `parts/<repo>-<oid>/<number>-<sha256>`
until the file is whole, or until nobody can have a valid address for them any more.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from starlette.responses import Response

from publisher.staging.call import Call, Json
from publisher.staging.durable import AsideFile
from publisher.staging.large import Pointer, checked_oid
from publisher.staging.repos import Repo
from publisher.staging.responses import bad_request, repo_not_found
from publisher.staging.signed import check_signed, signed
from publisher.staging.state import ADDRESSES_VALID_FOR_S

PART = 512 * 1024 * 1024  # bytes
PIECE = 4 * 1024 * 1024  # bytes read at once
_ETAG = re.compile(r'"([0-9a-f]{64})"')


def in_parts(call: Call, repo: Repo, wanted: Pointer) -> Json:
    """The upload action of a file that comes in parts."""
    size = min(PART, call.state.parts_from)
    count = -(-wanted.size // size)
    path = f"/lfs/{repo.number}/{wanted.oid}/parts"
    addresses = {
        str(part): signed(call, f"{path}/{part}", size=min(size, wanted.size - (part - 1) * size))
        for part in range(1, count + 1)
    }
    return {
        "href": signed(call, path, size=wanted.size, parts=count),
        "expires_in": ADDRESSES_VALID_FOR_S,
        "header": {"chunk_size": str(size), **addresses},
    }


def admit(call: Call) -> int:
    """Check a part's address before any byte is read; returns how many bytes may come.

    Raises:
        RefusalError: 403 when it was forged or is too old, 404 when the repo is gone.
    """
    size = check_signed(call)["size"]
    _check_repo(call)
    return size


def keep(call: Call, received: AsideFile) -> Response:
    """PUT /lfs/{number}/{oid}/parts/{part}: one part is here.

    Raises:
        RefusalError: 400.
    """
    size = check_signed(call)["size"]
    if received.size != size:
        raise bad_request(f"{received.size} bytes came, {size} were announced")
    etag = received.sha256
    received.keep_as(_folder(call) / f"{call.params['part']}-{etag}")
    return Response(headers={"ETag": f'"{etag}"'})


def complete(call: Call) -> Response:
    """POST /lfs/{number}/{oid}/parts: put the file together; asked for again when it is whole, that is well too.

    Raises:
        RefusalError: 400 when a part is missing or the whole is not what was announced.
    """
    said, request = check_signed(call), call.json()
    number, oid = _check_repo(call), checked_oid(call.params["oid"])
    large = call.state.large
    if not large.linked(number, oid):
        with AsideFile(call.state.aside) as whole:
            for part in _named(call, request, said["parts"]):
                with part.open("rb") as file:
                    whole.write(iter(lambda file=file: file.read(PIECE), b""))  # type: ignore[misc]
            if (whole.size, whole.sha256) != (said["size"], oid):
                raise bad_request("The parts that came make up another file than was announced")
            large.keep(number, whole)
    shutil.rmtree(_folder(call), ignore_errors=True)
    return Response()


def _named(call: Call, request: dict[str, Json], count: int) -> list[Path]:
    """The files of the parts that a client names, in their order."""
    parts = request.get("parts")
    if request.get("oid") != call.params["oid"] or not isinstance(parts, list) or len(parts) != count:
        raise bad_request(f"oid and parts are needed; of parts, {count}")
    found = []
    for number, part in enumerate(parts, 1):
        etag = _ETAG.fullmatch(str(part.get("etag"))) if isinstance(part, dict) else None
        if etag is None or part.get("partNumber") != number:
            raise bad_request("A part must have its number and the ETag that was answered, in their order")
        path = _folder(call) / f"{number}-{etag[1]}"
        if not path.is_file():
            raise bad_request(f"Part {number} is not here; send it again")
        found.append(path)
    return found


def _check_repo(call: Call) -> int:
    number = int(call.params["number"])
    if call.state.repos.by_number(number) is None:
        raise repo_not_found()
    return number


def _folder(call: Call) -> Path:
    return call.state.parts / f"{call.params['number']}-{call.params['oid']}"
