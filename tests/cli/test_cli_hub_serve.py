"""`hubpub hub serve`: ready when it says so, gone when it is told to go."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from cli_runs import HUBPUB, Project, environment_of

from publisher.staging.server import running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_serves_and_stops_when_told(
    project: Project, tmp_path: Path, number: int
) -> None:
    """Scripts start it, wait for one line, and stop it with a signal."""
    data, ready = tmp_path / "data", tmp_path / "ready.json"
    server = subprocess.Popen(
        [HUBPUB, "hub", "serve", "--data", data, "--ready-file", ready],
        cwd=project.root,
        env=environment_of({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert server.stdout
        line = server.stdout.readline()
        url = json.loads(line)["url"]
        began = time.monotonic()
        while not ready.is_file() and time.monotonic() - began < 5:
            time.sleep(0.01)

        assert json.loads(line) == json.loads(ready.read_text())
        assert url == running(data)
        with urllib.request.urlopen(f"{url}/api/models") as answer:
            assert [] == json.loads(answer.read())
        server.send_signal(number)
        out, err = server.communicate(timeout=15)
    finally:
        server.kill()
        server.wait()
    assert (0, "") == (server.returncode, out), err
    assert (data / "token").read_text().strip() not in line + err
    assert running(data) is None


def test_a_second_server_on_the_same_data_is_refused(project: Project, tmp_path: Path) -> None:
    """Two writers would lose what one acknowledged."""
    from publisher.staging.server import EmbeddedHub

    with EmbeddedHub(tmp_path / "data"):
        ran = project("hub", "serve", "--data", str(tmp_path / "data"))

    assert (4, ["HP-X03"]) == (ran.code, ran.codes)


def test_a_command_talks_to_the_server_that_has_the_data(project: Project) -> None:
    """--hub local beside a running server is that server."""
    from publisher.staging.server import EmbeddedHub

    with EmbeddedHub(project.root / ".hubpub" / "_hub") as hub:
        ran = project("plan", "tiny", "--hub", "local")

        assert f"A release on {hub.url} would" in ran.out
