"""The wire, against a server that is not ours: `transformers serve` with a small random Gemma 3 that sees pictures."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from publisher.errors import HubpubError
from publisher.manifest.enhance import EnhanceSettings

pytestmark = pytest.mark.models

pytest.importorskip("fastapi")
pytest.importorskip("torch")

STARTS_IN_S = 120


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from publisher.engine.jobs import MakeStandIn
    from publisher.engine.stand_in import run

    folder = tmp_path_factory.mktemp("served") / "gemma"
    run(MakeStandIn(str(folder), "gemma3"), lambda _: None)
    return folder


@pytest.fixture(scope="module")
def url(model):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(sys.executable).parent / "transformers"
    server = subprocess.Popen(
        [program, "serve", str(model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait(10)


def _wait_for(address, server):
    for _ in range(STARTS_IN_S * 5):
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the server did not start")


def test_a_real_server_takes_two_pictures_and_words_and_counts_its_tokens(url, model, targets, ask):
    """A random model says nothing of use: cut off at its limit, and counted so."""
    settings = EnhanceSettings(
        model=str(model), base_url=url, api_key_env=None, max_output_tokens=4, attempts=1, max_failures=1
    )
    (one,) = ask(targets(1), settings)
    (answer,) = one.answers

    assert ("cut_off", "length", 4) == (one.outcome, answer.finish_reason, answer.output_tokens)
    assert f"{model}@main" == answer.model
    assert answer.input_tokens > 300


def test_what_a_real_server_refuses_is_told_in_its_own_words(url, targets, ask):
    """This one serves one model, and says so."""
    settings = EnhanceSettings(model="gpt-5", base_url=url, api_key_env=None, max_failures=0)
    with pytest.raises(HubpubError) as caught:
        ask(targets(1), settings)

    assert ("HP-L02", 400) == (caught.value.code, caught.value.data["status"])
    assert "gpt-5" in caught.value.what
