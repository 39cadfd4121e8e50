"""Faults on purpose: each one looks to the client as the real thing does, and leaves the Hub whole."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import get_session

from publisher.errors import HubpubError
from publisher.staging.app import endpoints
from publisher.staging.faults import Faults, Rule, load_faults
from publisher.staging.server import EmbeddedHub

ROOT = Path(__file__).parents[2]
Serving = Callable[..., Iterator[tuple[EmbeddedHub, HfApi]]]


@pytest.fixture
def faulty(tmp_path):
    """A Hub with the repo acme/model and these rules."""

    @contextmanager
    def serve(*rules: dict[str, object], seed: int = 0):
        data = tmp_path / "data"
        with EmbeddedHub(data) as hub:
            HfApi(endpoint=hub.url, token=hub.token).create_repo("acme/model", exist_ok=True)
        file = tmp_path / "faults.yaml"
        file.write_text(json.dumps({"seed": seed, "rules": rules}))
        with EmbeddedHub(data, faults=file) as hub:
            yield HfApi(endpoint=hub.url, token=hub.token)

    return serve


@pytest.fixture
def told(tmp_path):
    """What the Hub says that it did."""
    return lambda: [json.loads(line) for line in (tmp_path / "data/faults.jsonl").read_text().splitlines()]


def commit(api: HfApi, path: str = "a.txt", content: bytes = b"a") -> str:
    return api.create_commit("acme/model", [CommitOperationAdd(path, content)], commit_message=path).oid


def refused(api: HfApi, path: str, size: int) -> int:
    """The status that a commit ends with; the client wraps what an upload ends with."""
    with pytest.raises((HfHubHTTPError, RuntimeError)) as caught:
        commit(api, path, os.urandom(size).hex().encode()[:size])
    error = caught.value if isinstance(caught.value, HfHubHTTPError) else caught.value.__cause__
    return error.response.status_code


def titles(api: HfApi) -> list[str]:
    return [each.title for each in api.list_repo_commits("acme/model")]


@pytest.mark.parametrize("status", [401, 403, 412, 429, 500, 502, 503, 504])
def test_the_nth_call_of_an_endpoint_is_answered_with_a_status(faulty, told, status):
    """Nothing of it is done, and the calls around it are as ever."""
    with faulty({"endpoint": "commits.commit", "at": 2, "status": status, "retry_after": 7}) as api:
        commit(api, "one.txt")
        with pytest.raises(HfHubHTTPError) as caught:
            commit(api, "two.txt")
        commit(api, "three.txt")
        after = titles(api)

    answer = caught.value.response
    assert (status, "7") == (answer.status_code, answer.headers["Retry-After"])
    assert ["three.txt", "one.txt", "initial commit"] == after
    assert [{"rule": 1, "call": 2}] == [{key: each[key] for key in ("rule", "call")} for each in told()]


def test_a_status_after_the_work_is_a_gateway_that_gave_up_too_soon(faulty):
    """504 says nothing about what happened behind it."""
    with faulty({"endpoint": "commits.commit", "at": 1, "status": 504, "after_work": True}) as api:
        with pytest.raises(HfHubHTTPError) as caught:
            commit(api)

        assert 504 == caught.value.response.status_code
        assert ["a.txt", "initial commit"] == titles(api)


@pytest.mark.parametrize(("after_work", "expected"), [(False, 1), (True, 2)])
def test_a_dropped_connection_loses_the_request_or_only_the_answer(faulty, after_work, expected):
    """The client sees the same in both cases; only looking tells them apart."""
    with faulty({"endpoint": "commits.commit", "at": 1, "drop": True, "after_work": after_work}) as api:
        with pytest.raises(httpx2.TransportError):
            commit(api)

        assert expected == len(titles(api))


def test_a_dropped_upload_is_sent_again_by_the_client(faulty, told, monkeypatch, contents, tmp_path):
    """And what was half sent is gone."""
    monkeypatch.setattr(time, "sleep", lambda _: None)  # the client's pause between attempts
    weights = os.urandom(200_000)
    with faulty({"endpoint": "lfs.keep", "at": 1, "drop": True}) as api:
        commit(api, "w.bin", weights)
        back = Path(api.hf_hub_download("acme/model", "w.bin", cache_dir=tmp_path / "cache")).read_bytes()

    assert weights == back
    assert ["PUT"] == [each["method"] for each in told()]
    assert {} == contents(tmp_path / "data/aside")


def test_a_truncated_download_is_gone_on_with_by_the_client(faulty, told, monkeypatch, tmp_path):
    """The cut comes after the headers promised more: that is how a client can tell."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    weights = os.urandom(3_000_000)
    rule = {"endpoint": "resolve.resolve", "path": "*.bin", "truncate_after": 1_000_000, "at": [1]}
    with faulty(rule) as api:
        commit(api, "w.bin", weights)
        with pytest.raises(httpx2.RemoteProtocolError):
            get_session().get(f"{api.endpoint}/acme/model/resolve/main/w.bin")
    with faulty(rule) as api:
        path = api.hf_hub_download("acme/model", "w.bin", cache_dir=tmp_path / "cache")

    assert weights == Path(path).read_bytes()
    assert ["GET", "GET"] == [each["method"] for each in told()]


@pytest.mark.parametrize("after_work", [False, True])
def test_a_delay_changes_nothing_but_the_time(faulty, after_work):
    """A client's timeout is tried with it."""
    with faulty({"endpoint": "ownership.whoami", "delay_s": 0.3, "after_work": after_work}) as api:
        start = time.monotonic()
        name = api.whoami()["name"]

        assert "local" == name
        assert 0.3 <= time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("endpoint", "size"), [("lfs.keep", 300_000), ("commits.commit", 10_000), ("commits.preupload", 10)]
)
def test_a_disk_full_on_the_server_leaves_nothing_behind(faulty, contents, tmp_path, endpoint, size):
    """507, and the repo is what it was; when there is room again, the same call works."""
    rule = {"endpoint": endpoint, "at": 1, "disk_full_after": size // 2}
    with faulty(rule) as api:
        before = contents(tmp_path / "data/repos")

        assert 507 == refused(api, "w.bin" if endpoint == "lfs.keep" else "a.txt", size)
        assert before == contents(tmp_path / "data/repos")
        assert {} == contents(tmp_path / "data/aside") | contents(tmp_path / "data/lfs")
        assert commit(api, "w.bin", os.urandom(1000))


def test_a_disk_that_is_really_full_is_507_too(tmp_path, contents):
    """Not simulated: the system allows the server's files no more than a megabyte."""
    code = (
        "import sys; from pathlib import Path; from publisher.staging.server import EmbeddedHub\n"
        "hub = EmbeddedHub(Path(sys.argv[1])); hub.start(); print(hub.url, flush=True); sys.stdin.read(); hub.stop()"
    )
    data = tmp_path / "data"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(data)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )
    try:
        api = HfApi(endpoint=process.stdout.readline().strip(), token=(data / "token").read_text().strip())
        api.create_repo("acme/model")
        statuses = [refused(api, path, 3_000_000) for path in ("w.bin", "big.txt")]
        left = contents(data / "aside") | contents(data / "lfs")
        commit(api, "small.txt", b"fits")
        history = titles(api)
    finally:
        _, errors = process.communicate("")

    assert [507, 507] == statuses
    assert {} == left
    assert ["small.txt", "initial commit"] == history
    assert "" == errors


def test_the_command_takes_a_faults_file_and_refuses_a_bad_one(tmp_path):
    """`hubpub hub serve --faults FILE`, with the next command to type when the file is wrong."""
    faults, ready = tmp_path / "faults.yaml", tmp_path / "ready"
    command = [str(Path(sys.executable).parent / "hubpub"), "hub", "serve", "--data", str(tmp_path / "data")]
    command += ["--faults", str(faults), "--ready-file", str(ready)]
    faults.write_text("rules: [{endpoint: nowhere, status: 503}]")
    bad = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=tmp_path)
    faults.write_text("rules: [{endpoint: ownership.whoami, status: 503, at: 1}]")
    good = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        deadline = time.monotonic() + 20
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        api = HfApi(
            endpoint=json.loads(ready.read_text())["url"], token=(tmp_path / "data/token").read_text().strip()
        )
        with pytest.raises(HfHubHTTPError) as caught:
            api.whoami()
        name = api.whoami()["name"]
    finally:
        good.terminate()
        good.wait(timeout=10)

    assert (2, True) == (bad.returncode, "no endpoint is named nowhere" in bad.stderr)
    assert "docs/embedded-hub.md" in bad.stderr
    assert (503, "local") == (caught.value.response.status_code, name)


def test_with_a_seed_the_same_calls_fail_each_time(tmp_path):
    """A chaos run that found something must be one that can be run again."""

    def struck(seed: int) -> list[int]:
        rules = [Rule(endpoint="lfs.*", chance=0.3, status=500), Rule(chance=0.3, drop=True)]
        faults = Faults(rules, seed=seed, told_in=tmp_path / "told")
        return [n for n in range(200) if faults.next_for("lfs.batch" if n % 2 else "browse.info", "GET", "/")]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 50 < len(struck(1)) < 110


def test_every_rule_counts_all_its_calls_and_the_first_that_strikes_is_taken(tmp_path):
    """So that adding a rule does not move another's nth call."""
    rules = [Rule(at=2, status=500), Rule(method="post", at=(1, 2), status=503)]
    faults = Faults(rules, seed=0, told_in=tmp_path / "told")
    taken = [faults.next_for("commits.commit", method, "/") for method in ("POST", "POST", "GET", "POST")]

    assert [503, 500, None, None] == [rule and rule.status for rule in taken]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rules: [{status: 200}]", "greater than or equal to 400"),
        ("rules: [{endpoint: commits.comit, status: 500}]", "no endpoint is named commits.comit"),
        ("rules: [{status: 500, drop: true}]", "exclude one another"),
        ("rules: [{endpoint: lfs.keep}]", "say what happens"),
        ("rules: [{status: 500, at: 1, chance: 0.5}]", "at and chance"),
        ("rules: [{status: 500, at: 0}]", "greater than or equal to 1"),
        ("rules: [{drop: true, retry_after: 1}]", "go with status"),
        ("rules: [{truncate_after: 5, after_work: true}]", "after_work goes with"),
        ("rules: [{stauts: 500}]", "stauts"),
        ("- {status: 500}", "the file"),
        ("rules: [", "cannot be read"),
    ],
)
def test_a_faults_file_with_a_mistake_is_refused_with_its_place(tmp_path, text, complaint):
    """A rule that never strikes would make a proof of nothing."""
    path = tmp_path / "faults.yaml"
    path.write_text(text)

    with pytest.raises(HubpubError) as caught:
        load_faults(path, endpoints(), told_in=tmp_path / "told")

    assert "HP-M09" == caught.value.code
    assert complaint in str(caught.value)


def test_the_page_names_every_endpoint_and_every_word_of_a_rule():
    """The list in docs/embedded-hub.md is what a user copies from."""
    page = (ROOT / "docs/embedded-hub.md").read_text()
    missing = [word for word in (*sorted(endpoints()), *Rule.model_fields) if f"`{word}`" not in page]

    assert [] == missing
