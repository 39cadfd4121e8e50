"""What a hostile or broken client sends: refused, with words, and nothing outside the data folder is touched."""

from __future__ import annotations

import contextlib
import http.client
import re
import subprocess
import sys
from email.message import Message
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.utils import get_session

ALICE = {"Authorization": "Bearer hf_alice"}


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Message
    body: bytes


def raw(hub, method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
    """A request whose path no client has tidied up."""
    place = urlsplit(hub.url)
    with contextlib.closing(http.client.HTTPConnection(place.hostname, place.port, timeout=10)) as connection:
        connection.putrequest(method, path)
        for name, value in {**ALICE, **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())


@pytest.mark.parametrize(
    "path",
    [
        "../../../token",
        "%2e%2e/%2e%2e/%2e%2e/token",
        "..%2f..%2f..%2ftoken",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        ".git/config",
        "%00",
        "a%0d%0aX-Evil:%201",
    ],
)
def test_a_path_that_leaves_the_repo_is_no_file(hub, repo, path):
    """The owner's token lies three folders above the files of a repo."""
    answer = raw(hub, "GET", f"/{repo}/resolve/main/{path}")

    assert (404, "EntryNotFound") == (answer.status, answer.headers["X-Error-Code"])
    assert b"hf_" not in answer.body
    assert answer.headers["X-Evil"] is None


@pytest.mark.parametrize(
    "revision", ["..%2F..%2F..%2Ftoken", "refs%2F..%2F..%2Ftoken", "%00", "refs%2Fheads%2F"]
)
def test_a_revision_that_leaves_the_repository_is_none(hub, repo, revision):
    """A ref is a file name, to git."""
    answer = raw(hub, "GET", f"/{repo}/resolve/{revision}/.gitattributes")

    assert (404, "RevisionNotFound") == (answer.status, answer.headers["X-Error-Code"])


@pytest.mark.parametrize("name", ["..%2Ftoken", "%2e%2e", "..", "a%2Fb", "%00"])
def test_a_repo_name_that_leaves_the_folder_is_none(hub, name):
    """Names become folder names."""
    answer = raw(hub, "GET", f"/api/models/alice/{name}")

    assert 404 == answer.status


@pytest.mark.parametrize("owner", ["..", "a/b", "", "-x", "x" * 100])
def test_no_repo_is_made_under_a_name_that_is_none(hub, data, owner):
    """Not even by the owner of the data folder, who may write everywhere."""
    before = sorted((data / "repos").iterdir())
    answer = get_session().post(
        f"{hub.url}/api/repos/create",
        json={"name": "../../evil", "organization": owner},
        headers={"Authorization": f"Bearer {hub.token}"},
    )

    assert 400 == answer.status_code
    assert before == sorted((data / "repos").iterdir())


@pytest.mark.parametrize("oid", ["../../token", "0" * 63, "0" * 65, "A" * 64, "g" * 64, 7, None])
def test_an_oid_that_is_no_sha256_is_refused_everywhere(hub, repo, oid):
    """Large files lie under their oid."""
    batch = {"operation": "upload", "objects": [{"oid": oid, "size": 3}]}
    verify = {"oid": oid, "size": 3}
    lines = f'{{"key": "header", "value": {{"summary": "x"}}}}\n{{"key": "lfsFile", "value": {{"path": "a", "oid": "{oid}"}}}}'

    statuses = [
        get_session().post(f"{hub.url}/{repo}.git/info/lfs/objects/batch", json=batch, headers=ALICE),
        get_session().post(f"{hub.url}/{repo}.git/info/lfs/verify", json=verify, headers=ALICE),
        get_session().post(f"{hub.url}/api/models/{repo}/commit/main", content=lines, headers=ALICE),
    ]

    assert [400, 400, 400] == [each.status_code for each in statuses]


@pytest.mark.parametrize(
    "path", ["/lfs/1/..%2F..%2Ftoken", "/lfs/x/y", "/lfs/1/z/parts/1", "/lfs/1/z/parts/..%2F1"]
)
def test_an_upload_address_that_was_made_up_is_refused_before_a_byte_is_read(hub, path):
    """Whatever it names."""
    answer = raw(hub, "PUT", f"{path}?size=1&expires=9999999999&signature=0", {"Content-Length": "0"})

    assert 403 == answer.status


def test_wrong_tokens_are_refused_in_every_form(hub, repo):
    """Also where no token would do."""
    for authorization in (
        "Bearer hf_wrong",
        "Bearer ",
        "Basic aGY6aGY=",
        "Basic !",
        "Nonsense",
        "Bearer \xe4",
    ):
        answer = raw(hub, "GET", f"/api/models/{repo}", {"Authorization": authorization})

        assert (401, "Invalid credentials in Authorization header") == (
            answer.status,
            answer.headers["X-Error-Message"],
        )


def test_only_the_one_loopback_address_is_listened_to(hub):
    """There is no word on the command line to change that: 127.0.0.2 would answer if all addresses did."""
    code = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)"
    port = str(urlsplit(hub.url).port)
    # A process of its own: here, sockets to anything but 127.0.0.1 are blocked.
    said = [
        subprocess.run([sys.executable, "-c", code, address, port], capture_output=True, text=True).stderr
        for address in ("127.0.0.1", "127.0.0.2")
    ]

    assert ["", True] == [said[0], "ConnectionRefusedError" in said[1]]


# -- what every answer carries -----------------------------------------------------------------------------------------


def test_every_answer_has_its_number_and_errors_name_it(hub, alice, repo):
    """It is what a user is asked for first."""
    paths = ["/api/whoami-v2", f"/api/models/{repo}", "/api/models/alice/absent", "/nowhere", "/api/models/x"]
    numbers = [get_session().get(f"{hub.url}{path}").headers["X-Request-Id"] for path in paths]
    evil = get_session().get(f"{hub.url}/api/whoami-v2", headers={"Host": "evil.example"})
    own = get_session().get(f"{hub.url}/nowhere", headers={"X-Request-Id": "my-own.1"})
    odd = raw(hub, "GET", "/nowhere", {"X-Request-Id": "a b\xe4"})
    with pytest.raises(HfHubHTTPError, match=r"\(Request ID: [0-9a-f-]{36}\)"):
        alice.model_info("alice/absent")

    assert len(paths) == len(set(numbers))
    assert evil.headers["X-Request-Id"]
    assert "my-own.1" == own.headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f-]{36}", odd.headers["X-Request-Id"])


@pytest.mark.parametrize(
    ("kind", "name"), [("model", "gpt2"), ("dataset", "squad"), ("space", "alice/app"), ("model", "alice/no")]
)
def test_whatever_repo_is_not_here_is_a_missing_repo_to_the_client(alice, kind, name):
    """Names without an owner and kinds that this Hub does not hold included: callers ask before they do."""
    assert not alice.repo_exists(name, repo_type=kind)
    with pytest.raises(RepositoryNotFoundError):
        alice.repo_info(name, repo_type=kind)
    with pytest.raises(RepositoryNotFoundError):
        alice.hf_hub_download(name, "a.txt", repo_type=kind)


def test_what_is_left_out_says_so(hub, alice):
    """And a method that an address does not know is no empty answer either."""
    with pytest.raises(HfHubHTTPError, match="models and datasets only, no spaces"):
        list(alice.list_spaces())
    with pytest.raises(HfHubHTTPError, match="models and datasets only, no spaces"):
        alice.create_repo("alice/app", repo_type="space", space_sdk="static")
    answer = get_session().delete(f"{hub.url}/api/whoami-v2", headers=ALICE)

    assert (404, "This Hub does not answer DELETE /api/whoami-v2") == (
        answer.status_code,
        answer.json()["error"],
    )


def test_a_stranger_gets_401_for_what_is_not_there_and_a_user_404(hub):
    """As for a name with an owner."""
    assert 401 == get_session().get(f"{hub.url}/api/models/gpt2").status_code
    with pytest.raises(RepositoryNotFoundError):
        HfApi(endpoint=hub.url, token=False).model_info("gpt2")
