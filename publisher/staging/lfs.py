"""The LFS protocol: which large files are wanted, taking them in, confirming them."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from publisher.staging import parts
from publisher.staging.call import Call, Json
from publisher.staging.durable import AsideFile
from publisher.staging.large import Pointer, checked_oid
from publisher.staging.repos import Repo
from publisher.staging.responses import RefusalError, bad_request, entry_not_found, forbidden, repo_not_found
from publisher.staging.signed import check_signed, signed
from publisher.staging.state import ADDRESSES_VALID_FOR_S

LARGEST = 50 * 1024**3  # bytes of one file
MOST_OBJECTS = 1000  # of one batch
MEDIA_TYPE = "application/vnd.git-lfs+json"


def batch(call: Call) -> Response:
    """POST /{repo}.git/info/lfs/objects/batch: say for each object where to send it, or fetch it."""
    request = call.json()
    operation = request.get("operation")
    objects = request.get("objects")
    if not isinstance(objects, list) or len(objects) > MOST_OBJECTS:
        raise bad_request(f"objects must be a list of at most {MOST_OBJECTS}")
    wanted = [_wanted(each) for each in objects]
    transfers = request.get("transfers")
    in_several = isinstance(transfers, list) and "multipart" in transfers
    if operation == "upload":
        # Whoever sees a repo may propose a change to it, and so send the files of that change.
        call.writer()
        repo = call.repo()
        call.state.forget_old_parts()
        answers = [_upload(call, repo, each, in_several=in_several) for each in wanted]
    elif operation == "download":
        repo = call.open_repo()
        answers = [_download(call, repo, each) for each in wanted]
    else:
        raise bad_request("operation must be upload or download")
    body = {"transfer": "multipart" if in_several else "basic", "objects": answers, "hash_algo": "sha256"}
    return JSONResponse(body, media_type=MEDIA_TYPE)


def admit(call: Call) -> int:
    """Check a signed address before any byte is read; returns how many bytes may come.

    Raises:
        RefusalError: 403 when it was forged or is too old, 404 when the repo is gone.
    """
    size = check_signed(call)["size"]
    if call.state.repos.by_number(int(call.params["number"])) is None:
        raise repo_not_found()
    return size


def keep(call: Call, received: AsideFile) -> Response:
    """PUT /lfs/{number}/{oid}: the bytes are all here; keep them if they are what was announced.

    Raises:
        RefusalError: 400.
    """
    if received.size != int(call.query("size")):
        raise bad_request(f"{received.size} bytes came, {call.query('size')} were announced")
    if received.sha256 != call.params["oid"]:
        raise bad_request("The bytes that came have another sha256 than was announced")
    call.state.large.keep(int(call.params["number"]), received)
    return Response(headers={"ETag": f'"{received.sha256}"'})


def verify(call: Call) -> Response:
    """POST /{repo}.git/info/lfs/verify: confirm that a file is here whole."""
    pointer = _wanted(call.json())
    call.writer()
    repo = call.repo()
    if not call.state.large.linked(repo.number, pointer.oid):
        raise entry_not_found(f"No large file {pointer.oid}")
    if call.state.large.path(pointer.oid).stat().st_size != pointer.size:
        raise bad_request(f"{pointer.oid} has another size")
    return JSONResponse({})


def duplicate(call: Call) -> Response:
    """POST .../lfs-files/duplicate: let another repo of the user's refer to this one's large files."""
    request = call.json()
    target, files = request.get("target"), request.get("files")
    if not isinstance(target, dict) or not isinstance(files, list):
        raise bad_request("target and files are needed")
    source = call.open_repo()
    owner, _, name = str(target.get("name")).partition("/")
    found = call.state.repos.find(str(target.get("type")), owner, name)
    if found is None or not found.seen_by(call.user):
        raise repo_not_found()
    if not found.written_by(call.writer(elsewhere=True)):
        raise forbidden(f"You may not write to {found.id}")
    failed = []
    for file in files:
        oid = checked_oid(file.get("sha256") if isinstance(file, dict) else None)
        if not call.state.large.share(source.number, found.number, oid):
            failed.append({"sha256": oid, "error": "not in this repo"})
    return JSONResponse({"failed": failed})


def _upload(call: Call, repo: Repo, wanted: Pointer, *, in_several: bool) -> Json:
    answer: dict[str, Json] = {"oid": wanted.oid, "size": wanted.size}
    if wanted.size > LARGEST:
        return {**answer, "error": {"code": 422, "message": f"larger than {LARGEST} bytes"}}
    if call.state.large.linked(repo.number, wanted.oid):
        return answer  # no actions: it is here
    if in_several and wanted.size > call.state.parts_from:
        upload = parts.in_parts(call, repo, wanted)
    else:
        address = signed(call, f"/lfs/{repo.number}/{wanted.oid}", size=wanted.size)
        upload = {"href": address, "expires_in": ADDRESSES_VALID_FOR_S}
    return {
        **answer,
        "authenticated": True,
        "actions": {
            "upload": upload,
            "verify": {"href": f"{call.base}{repo.web_path}.git/info/lfs/verify"},
        },
    }


def _download(call: Call, repo: Repo, wanted: Pointer) -> Json:
    answer: dict[str, Json] = {"oid": wanted.oid, "size": wanted.size}
    if not call.state.large.linked(repo.number, wanted.oid):
        return {**answer, "error": {"code": 404, "message": "no such object in this repo"}}
    address = {"href": f"{call.base}{repo.web_path}.git/info/lfs/objects/{wanted.oid}"}
    authorization = call.headers.get("authorization")
    if authorization is not None:
        address = {**address, "header": {"Authorization": authorization}}  # type: ignore[dict-item]
    return {**answer, "actions": {"download": address}}


def _wanted(each: Json) -> Pointer:
    if not isinstance(each, dict):
        raise bad_request("An object must have an oid and a size")
    size = each.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise RefusalError(422, "The size of an object must be a number of bytes")
    return Pointer(checked_oid(each.get("oid")), size)
