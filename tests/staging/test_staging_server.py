"""The server's life: one per data folder, found again, and nothing acknowledged lost when it is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.utils import get_session

from publisher.errors import HubpubError
from publisher.staging.server import EmbeddedHub, running

ROOT = Path(__file__).parents[2]


def client(data: Path) -> HfApi:
    return HfApi(endpoint=running(data), token=(data / "token").read_text().strip())


def test_what_was_acknowledged_outlives_a_kill(serve, tmp_path, folder, contents):
    """kill -9 right after the answer: files, tag, pull request and settings are there at the next start."""
    data = tmp_path / "data"
    process = serve(data)
    api = client(data)
    api.create_repo("acme/model", private=True)
    commit = api.upload_folder(repo_id="acme/model", folder_path=folder).oid
    api.create_tag("acme/model", tag="v1", tag_message="first")
    api.create_pull_request("acme/model", title="a proposal")
    process.kill()
    process.wait()
    (data / "aside" / "half-an-upload").write_bytes(b"x")
    (lock,) = [path / "refs/heads/main.lock" for path in (data / "repos").iterdir()]
    lock.touch()
    gone = running(data)

    with EmbeddedHub(data) as hub:
        api = HfApi(endpoint=hub.url, token=hub.token)
        back = contents(api.snapshot_download("acme/model", revision="v1", cache_dir=tmp_path / "cache"))
        info = api.model_info("acme/model")
        proposals = [each.title for each in api.get_repo_discussions("acme/model")]
        later = api.upload_file(repo_id="acme/model", path_in_repo="later.txt", path_or_fileobj=b"later").oid
        left = list((data / "aside").iterdir())

    assert gone is None
    assert contents(folder) == {path: content for path, content in back.items() if path != ".gitattributes"}
    assert (commit, True, ["a proposal"]) == (info.sha, info.private, proposals)
    assert later != commit
    assert [] == left


def test_a_kill_in_the_midst_of_commits_loses_none_that_was_acknowledged(serve, tmp_path):
    """The answer is the promise: whoever got it finds the commit, whatever became of the one under way."""
    data = tmp_path / "data"
    process = serve(data)
    api = client(data)
    api.create_repo("acme/model")
    threading.Timer(0.7, process.kill).start()
    acknowledged = []
    # Not through the client: it would try again for half a minute.
    with contextlib.suppress(httpx2.HTTPError):
        for number in range(10_000):
            lines = [
                {"key": "header", "value": {"summary": str(number)}},
                {"key": "file", "value": {"path": f"{number}.txt", "content": str(number)}},
            ]
            answer = get_session().post(
                f"{api.endpoint}/api/models/acme/model/commit/main",
                content="\n".join(json.dumps(line) for line in lines),
                headers={"Authorization": f"Bearer {api.token}"},
            )
            acknowledged.append(answer.json()["commitOid"])
    process.wait()

    with EmbeddedHub(data) as hub:
        api = HfApi(endpoint=hub.url, token=hub.token)
        history = [commit.commit_id for commit in api.list_repo_commits("acme/model")]
        last = api.hf_hub_download(
            "acme/model",
            f"{len(acknowledged) - 1}.txt",
            revision=acknowledged[-1],
            cache_dir=tmp_path / "cache",
        )
        api.upload_file(repo_id="acme/model", path_in_repo="after.txt", path_or_fileobj=b"after")

    check = [
        "git",
        "-C",
        str(next((data / "repos").iterdir())),
        "fsck",
        "--full",
        "--no-dangling",
        "--no-progress",
    ]
    fsck = subprocess.run(check, capture_output=True, text=True)

    assert len(acknowledged) > 2
    assert set(acknowledged) <= set(history)
    assert str(len(acknowledged) - 1) == Path(last).read_text()
    assert "" == fsck.stdout + fsck.stderr


def test_a_stopped_server_ends_well_and_leaves_the_folder_to_the_next(serve, tmp_path):
    """`hubpub hub serve` under a supervisor: SIGTERM is no failure."""
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        process = serve(tmp_path / "data")
        token = (tmp_path / "data/token").read_text()
        process.send_signal(signal_number)

        assert 0 == process.wait(timeout=10)
        assert running(tmp_path / "data") is None
    assert token == (tmp_path / "data/token").read_text()


def test_a_second_server_on_a_folder_is_refused_and_the_first_is_found(tmp_path):
    """`--hub local` joins the server that runs instead of starting another."""
    with EmbeddedHub(tmp_path) as first:
        with pytest.raises(HubpubError) as caught:
            EmbeddedHub(tmp_path).start()

        assert ("HP-X03", first.url) == (caught.value.code, running(tmp_path))
    assert running(tmp_path) is None
    with EmbeddedHub(tmp_path):
        pass


def test_a_port_that_is_taken_is_an_error_that_says_so(tmp_path):
    """And the folder is free again."""
    with EmbeddedHub(tmp_path / "one") as first:
        port = int(first.url.rsplit(":", 1)[1])
        with pytest.raises(HubpubError) as caught:
            EmbeddedHub(tmp_path / "two", port=port).start()
    with EmbeddedHub(tmp_path / "two", port=port) as second:
        pass

    assert "HP-X04" == caught.value.code
    assert second.url.endswith(f":{port}")


def test_another_program_on_the_port_is_not_taken_for_the_server(tmp_path):
    """After a crash the port may be anybody's, even another embedded Hub's."""
    with EmbeddedHub(tmp_path / "one") as other:
        (tmp_path / "two").mkdir()
        stale = {"url": other.url, "pid": os.getpid(), "instance": "0123456789abcdef"}
        (tmp_path / "two/server.json").write_text(json.dumps(stale))

        assert running(tmp_path / "two") is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"url": 3, "instance": null}', '{"url": "x", "instance": "y"}']
)
def test_a_damaged_server_json_means_that_nobody_runs(tmp_path, content):
    """It is a note, not a promise."""
    (tmp_path / "server.json").write_text(content)

    assert running(tmp_path) is None


def test_the_owners_token_is_made_once_and_is_nobody_elses_to_read(tmp_path):
    """It opens everything in the folder."""
    token = EmbeddedHub(tmp_path / "data").token

    assert token == EmbeddedHub(tmp_path / "data").token
    assert 0o600 == stat.S_IMODE((tmp_path / "data/token").stat().st_mode)
    assert token != EmbeddedHub(tmp_path / "other").token


def test_importing_the_server_imports_neither_the_client_nor_the_frameworks():
    """Every start of the command line pays for it."""
    code = "import sys, publisher.staging.server; print([m for m in sys.modules if m in set(sys.argv[1:])])"
    heavy = ["starlette", "uvicorn", "dulwich", "huggingface_hub", "ruamel", "asyncio"]
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "[]" == done.stdout.strip()
