"""`hubpub train --on jobs`: the request is shown without being sent, and what is sent is what the client sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from cli_runs import TOKEN, Project
from loopback import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from publisher.errors import HubpubError
from publisher.hub.port import JobRequest
from publisher.hub.remote import RemoteHub

TRAINED = """
manifest: 1
owner: acme
base: {model: acme/base, folder: inputs/base}
dataset: {folder: inputs/data}
train: {method: lora, steps: 1}
artifacts: [adapter]
card: {limitations: limitations.md}
"""


@dataclass
class Jobs:
    """The Hub's address for jobs, and what came there."""

    url: str = ""
    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def start(self, request: Request) -> JSONResponse:
        """Take a job in, as the Hub does."""
        self.received.append((request.headers["authorization"], await request.json()))
        owner = request.path_params["namespace"]
        return JSONResponse(
            {
                "id": "42",
                "status": {"stage": "SCHEDULING"},
                "owner": {"id": "1", "name": owner, "type": "org"},
            }
        )


@contextmanager
def jobs_endpoint() -> Iterator[Jobs]:
    jobs = Jobs()
    app = Starlette(routes=[Route("/api/jobs/{namespace}", jobs.start, methods=["POST"])])
    with served(app) as jobs.url:
        yield jobs


@pytest.fixture
def trained(project: Project) -> Project:
    folder = project.root / "model_cards" / "tiny"
    (folder / "release.yaml").write_text(TRAINED)
    (folder / "inputs" / "data" / "rows.jsonl").write_text("{}\n")
    (folder / ".env").write_text(f"TOKEN={TOKEN}\n")
    return project


def test_a_dry_run_shows_the_request_and_no_secret(trained: Project) -> None:
    """Whoever pays for a machine wants to see first what it is to do; nothing is asked of any Hub."""
    ran = trained(
        "train", "tiny", "--on", "jobs", "--dry-run", "--processes", "2", "--flavor", "a100x4", HF_TOKEN=TOKEN
    )

    assert 0 == ran.code, ran.err
    assert "secrets  HF_TOKEN" in ran.out
    assert "\n    hubpub train tiny --processes 2\n" in ran.out
    assert "machine  a100x4, for 12 h at most" in ran.out
    assert "volume   bucket acme/hubpub-tiny at /bucket, private" in ran.out
    assert TOKEN not in ran.out + ran.err


def test_the_request_has_what_the_manifest_names_and_no_hidden_file(trained: Project) -> None:
    """A `.env` beside a manifest is nobody else's."""
    ran = trained("train", "tiny", "--on", "jobs", "--dry-run", "--format", "json", "--owner", "me")
    folder = "model_cards/tiny"

    assert 0 == ran.code, ran.err
    assert ("hubpub/job/1", "me", ["HF_TOKEN"]) == tuple(
        ran.document[k] for k in ("schema", "namespace", "secrets")
    )
    assert [
        f"{folder}/inputs/base/config.json",
        f"{folder}/inputs/data/rows.jsonl",
        f"{folder}/limitations.md",
        f"{folder}/release.yaml",
    ] == ran.document["files"]
    assert ran.document["command"][-1].endswith("hubpub train tiny --owner me")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--processes", "2"), "HP-M09"),  # the default machine has one GPU
        (("--flavor", "a100x4", "--processes", "8"), "HP-M09"),
    ],
)
def test_more_processes_than_gpus_are_refused_before_anything_is_paid_for(
    trained: Project, options: tuple[str, ...], code: str
) -> None:
    ran = trained("train", "tiny", "--on", "jobs", "--dry-run", *options)

    assert (2, [code]) == (ran.code, ran.codes)


def test_an_input_outside_the_project_is_refused(trained: Project) -> None:
    """It would not be there on the other machine, which would tell so an hour later."""
    manifest = trained.root / "model_cards" / "tiny" / "release.yaml"
    outside = trained.root.parent / f"{trained.root.name}-rows"
    outside.mkdir()
    (outside / "rows.jsonl").write_text("{}\n")
    manifest.write_text(manifest.read_text().replace("inputs/data", f"../../../{outside.name}"))
    ran = trained("train", "tiny", "--on", "jobs", "--dry-run")

    assert (2, ["HP-M10"]) == (ran.code, ran.codes)


def test_the_unmodified_client_sends_the_request_with_its_secrets_as_such(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The values travel in the request's own field for them, and in no other."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abc")
    request = JobRequest(
        "hubpub-tiny", "acme", "an/image", ("bash", "-c", "hubpub train tiny"), "a100-large", 3600,
        ("HF_TOKEN", "OPENAI_API_KEY"), "acme/hubpub-tiny", "/bucket",
    )  # fmt: skip
    with jobs_endpoint() as jobs:
        url = RemoteHub(jobs.url, TOKEN, "hub.test").run_job(request)
    ((authorization, body),) = jobs.received

    assert f"{jobs.url}/jobs/acme/42" == url
    assert f"Bearer {TOKEN}" == authorization
    assert {"HF_TOKEN": TOKEN, "OPENAI_API_KEY": "sk-abc"} == body.pop("secrets")
    assert [{"type": "bucket", "source": "acme/hubpub-tiny", "mountPath": "/bucket"}] == body.pop("volumes")
    assert {
        "command": ["bash", "-c", "hubpub train tiny"],
        "flavor": "a100-large",
        "timeoutSeconds": 3600,
    } == {key: body[key] for key in ("command", "flavor", "timeoutSeconds")}
    assert "an/image" == body["dockerImage"]
    assert TOKEN not in json.dumps(body)


def test_a_secret_that_is_not_set_is_missed_before_anything_is_sent() -> None:
    request = JobRequest("n", "acme", "i", ("true",), "a100-large", 1, ("NO_SUCH_KEY",), "acme/b", "/bucket")
    with jobs_endpoint() as jobs, pytest.raises(HubpubError) as caught:
        RemoteHub(jobs.url, TOKEN, "hub.test").run_job(request)

    assert ("HP-M09", "NO_SUCH_KEY", []) == (caught.value.code, caught.value.data["name"], jobs.received)


def test_the_calls_fit_the_client_that_is_installed() -> None:
    """Buckets and jobs are young: a client that names their arguments otherwise shows here, not after a bill."""
    import inspect

    from huggingface_hub import HfApi

    calls = {
        "create_bucket": {"bucket_id", "private", "exist_ok"},
        "batch_bucket_files": {"bucket_id", "add"},
        "run_job": {"image", "command", "flavor", "timeout", "name", "secrets", "volumes", "namespace"},
    }
    assert {} == {
        name: missing
        for name, used in calls.items()
        if (missing := used - set(inspect.signature(getattr(HfApi, name)).parameters))
    }
