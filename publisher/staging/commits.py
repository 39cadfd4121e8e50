"""Commits: what is to be sent how (preupload), and the commit itself, one JSON object a line."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.staging import cards, discussions, xet
from publisher.staging.attributes import LARGE_FROM, LargeFileRules, with_paths
from publisher.staging.auth import User
from publisher.staging.call import Call, Json
from publisher.staging.durable import AsideFile
from publisher.staging.gitstore import GitRepo
from publisher.staging.large import Pointer, checked_oid
from publisher.staging.repos import Repo
from publisher.staging.responses import (
    RefusalError,
    bad_request,
    entry_not_found,
    forbidden,
    revision_not_found,
)
from publisher.staging.trees import Files, checked_path

LARGEST_BODY = 2 * 1024**3  # bytes of one commit's regular files, as text
LONGEST_LINE = 2 * LARGE_FROM
MOST_FILES = 1000  # of one preupload
ATTRIBUTES = ".gitattributes"
STALE = "The branch was updated since you opened this page. Please refresh and try again."


@dataclass
class Change:
    """A commit's operations, in their order, with the bytes of regular files already in git."""

    title: str = ""
    message: str = ""
    parent: str | None = None
    operations: list[tuple[str, str, str]] = field(default_factory=list)  # what, path, blob id


def preupload(call: Call) -> Response:
    """POST .../preupload/{revision}: for each file whether it is large, is ignored, and what is there now."""
    request = call.json()
    call.writer()
    repo = call.repo()
    files = request.get("files")
    if not isinstance(files, list) or len(files) > MOST_FILES:
        raise bad_request(f"files must be a list of at most {MOST_FILES}")
    git = call.git(repo)
    commit = git.resolve(call.params["revision"])
    rules = LargeFileRules(_text_at(git, commit, ATTRIBUTES))
    ignored = _ignore_rules(request.get("gitIgnore"), git, commit)
    answers = []
    for file in files:
        path, size, sample = _announced(file)
        large = size > 0 and rules.applies(path, size, sample)
        node = git.node(commit, path)
        there = None if node is None else node.sha
        if there is not None and large:
            pointer = Pointer.read(git.blob_head(there)[1])
            there = pointer.oid if pointer else None
        answer = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": ignored(path)}
        answers.append({**answer, "oid": there} if there else answer)
    return JSONResponse({"files": answers, "commitOid": commit})


def admit(call: Call) -> int:
    """Check the rights before the body is read; returns how many bytes it may have."""
    call.writer()
    repo = call.repo()
    ref = _target(call, repo)
    if call.flag("create_pr"):
        if not ref.startswith("refs/heads/"):
            raise bad_request("A pull request can only be opened against a branch")
    else:
        _check_may_commit(call, repo, ref)
    return LARGEST_BODY


def commit(call: Call, received: AsideFile) -> Response:
    """POST .../commit/{revision}: one commit of all operations, or none.

    Raises:
        RefusalError: 412 when the branch has moved past `parentCommit`; 400, 403, 404 for what cannot be done.
    """
    user, repo = call.writer(), call.repo()
    git, ref = call.git(repo), _target(call, repo)
    change = _read(call, repo, git, received)
    body: dict[str, Json] = {"success": True, "hookOutput": ""}
    with git.lock:
        head = git.head(ref)
        if head is None:
            raise revision_not_found(call.params["revision"])
        if call.flag("create_pr"):
            base = head if change.parent is None else git.resolve(change.parent)
            new = _add_commit(git, base, change, user)
            num = discussions.open_pull_request(
                call, repo, change.title, change.message, new, base=ref, status="open"
            )
            body["pullRequestUrl"] = f"{call.page_of(repo)}/discussions/{num}"
        else:
            if change.parent not in (None, head):
                raise RefusalError(412, STALE)
            _check_may_commit(call, repo, ref)  # a pull request may have been closed while the body came in
            new = _add_commit(git, head, change, user)
            git.point(ref, new, expected=head)
            discussions.note_commit(call, repo, ref, new, change.title)
    body |= {"commitOid": new, "commitUrl": f"{call.page_of(repo)}/commit/{new}"}
    return JSONResponse(body)


def _add_commit(git: GitRepo, head: str, change: Change, user: User) -> str:
    files = git.files(head)
    large = []
    for what, path, blob in change.operations:
        if what == "deletedFolder":
            inside = [each for each in files if each.startswith(f"{path}/")]
            if not inside:
                raise entry_not_found(f"A folder with this name doesn't exist: {path}", head)
            for each in inside:
                del files[each]
        elif what == "deletedFile":
            gone = [each for each in files if each == path or each.startswith(f"{path}/")]
            if not gone:
                raise entry_not_found(f"A file with this name doesn't exist: {path}", head)
            for each in gone:  # many where the path is a folder's: the real Hub takes the one for the other
                del files[each]
        else:
            files[path] = blob
        if what == "lfsFile":
            large.append(path)
    _track(git, files, large)
    return git.add_commit(files, parent=head, author=user.name, title=change.title, message=change.message)


def _track(git: GitRepo, files: Files, large: list[str]) -> None:
    """Name in `.gitattributes` each large file that no rule there covers, as the real Hub does."""
    attributes = git.blob(files[ATTRIBUTES]) if ATTRIBUTES in files else b""
    rules = LargeFileRules(attributes)
    unnamed = sorted(path for path in set(large) if path in files and not rules.by_name(path))
    if unnamed:
        files[ATTRIBUTES] = git.add_blob(with_paths(attributes, unnamed))


def _read(call: Call, repo: Repo, git: GitRepo, received: AsideFile) -> Change:
    """Read the lines of a commit's body; bytes go to git at once, so that memory holds one file at a time."""
    change = Change()
    for number, (key, value) in enumerate(_lines(received)):
        if (key == "header") != (number == 0):
            raise bad_request("The header must come first, and once")
        if key == "header":
            _read_header(change, value)
            continue
        path = _path(key, value)
        if key == "file":
            blob = git.add_blob(_content(path, value))
        elif key == "lfsFile":
            blob = git.add_blob(_large(call, repo, path, value).to_bytes())
        elif key in ("deletedFile", "deletedFolder"):
            blob = ""
        else:
            raise bad_request(f"Unknown operation: {key!r}")
        change.operations.append((key, path, blob))
    if not change.title:
        raise bad_request("A commit needs a summary")
    return change


def _lines(received: AsideFile) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in received.read_lines(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise RefusalError(
                413, f"A regular file may have {LARGE_FROM} bytes; send larger ones as large files"
            )
        try:
            item = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError) as error:
            raise bad_request("A line of the commit is no JSON") from error
        if item is None:
            continue
        if not isinstance(item, dict) or not isinstance(item.get("value"), dict):
            raise bad_request("A line of the commit must have a key and a value")
        yield str(item.get("key")), item["value"]


def _read_header(change: Change, value: dict[str, Any]) -> None:
    summary, description, parent = (value.get(key) for key in ("summary", "description", "parentCommit"))
    if not isinstance(summary, str) or not summary.strip():
        raise bad_request("A commit needs a summary")
    if not isinstance(description, str | None) or not isinstance(parent, str | None):
        raise bad_request("description and parentCommit must be texts")
    change.title = " ".join(summary.split("\n"))
    change.message = description or ""
    change.parent = parent


def _path(key: str, value: dict[str, Any]) -> str:
    path = value.get("path")
    # The client names a folder with a slash at its end.
    return checked_path(path.removesuffix("/") if key == "deletedFolder" and isinstance(path, str) else path)


def _content(path: str, value: dict[str, Any]) -> bytes:
    content, encoding = value.get("content"), value.get("encoding", "utf-8")
    if not isinstance(content, str):
        raise bad_request(f"{path} has no content")
    try:
        data = base64.b64decode(content, validate=True) if encoding == "base64" else content.encode()
    except (binascii.Error, UnicodeEncodeError, ValueError) as error:
        raise bad_request(f"{path}: its content cannot be decoded") from error
    if len(data) > LARGE_FROM:
        raise RefusalError(
            413, f"{path}: a regular file may have {LARGE_FROM} bytes; send it as a large file"
        )
    if path == "README.md":
        errors, _ = cards.faults(data.decode("utf-8", "replace"))
        if errors:
            raise bad_request(f"Invalid metadata in README.md: {'; '.join(errors)}")
    return data


def _large(call: Call, repo: Repo, path: str, value: dict[str, Any]) -> Pointer:
    oid = checked_oid(value.get("oid"))
    if value.get("algo", "sha256") != "sha256":
        raise bad_request(f"{path}: only sha256 is known")
    large = call.state.large
    if not large.linked(repo.number, oid) and not xet.take_in(call, repo, oid):
        raise bad_request(f"{path}: the large file {oid} was not sent to this repo")
    size = large.path(oid).stat().st_size
    if value.get("size", size) != size:
        raise bad_request(f"{path}: the large file has {size} bytes, not {value.get('size')}")
    return Pointer(oid, size)


def _target(call: Call, repo: Repo) -> str:
    """The full name of the branch or pull request that a commit goes to."""
    revision = call.params["revision"]
    ref = revision if revision.startswith("refs/") else f"refs/heads/{revision}"
    if not ref.startswith(("refs/heads/", "refs/pr/")) or call.git(repo).head(ref) is None:
        raise revision_not_found(revision)
    return ref


def _check_may_commit(call: Call, repo: Repo, ref: str) -> None:
    user = call.writer()
    if ref.startswith("refs/pr/"):
        discussions.check_open_to(call, repo, ref, user)
    elif not repo.written_by(user):
        raise forbidden(f"You may not write to {repo.id}; open a pull request instead")


def _announced(file: Json) -> tuple[str, int, bytes]:
    if not isinstance(file, dict):
        raise bad_request("A file must have a path, a size and a sample")
    size, sample = file.get("size"), file.get("sample", "")
    if not isinstance(size, int) or size < 0 or not isinstance(sample, str):
        raise bad_request("A file must have a path, a size and a sample")
    try:
        return checked_path(file.get("path")), size, base64.b64decode(sample)
    except binascii.Error as error:
        raise bad_request("A sample must be base64") from error


def _text_at(git: GitRepo, commit: str, path: str) -> bytes:
    node = git.node(commit, path)
    return b"" if node is None else git.blob(node.sha)


def _ignore_rules(given: Json, git: GitRepo, commit: str) -> Any:
    from dulwich.ignore import IgnoreFilter

    text = given.encode("utf-8", "replace") if isinstance(given, str) else _text_at(git, commit, ".gitignore")
    rules = IgnoreFilter(line for line in text.splitlines() if line and not line.startswith(b"#"))
    return lambda path: bool(rules.is_ignored(path))
