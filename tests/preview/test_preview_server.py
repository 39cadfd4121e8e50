"""The preview as a process: who it answers, what it says where there is no browser, and published repos."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from huggingface_hub import HfApi
from preview_runs import HUBPUB, NAME, Preview, environment

from publisher.staging.server import EmbeddedHub


def ask(preview: Preview, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(urlsplit(preview.url).netloc, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
    finally:
        connection.close()


def hubpub(root: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HUBPUB, "card", *arguments],
        cwd=root,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_another_name_is_refused(preview: Preview) -> None:
    """A page of a stranger that has its own name lead to 127.0.0.1 could read unpublished cards."""
    assert 400 == ask(preview, "/", Host="evil.example")[0]
    assert 400 == ask(preview, "/events", Host="evil.example")[0]
    assert 200 == ask(preview, "/", Host=f"localhost:{urlsplit(preview.url).port}")[0]


def test_it_listens_on_loopback_only(preview: Preview) -> None:
    """What is not published yet is nobody's business in the network."""
    assert "127.0.0.1" == urlsplit(preview.url).hostname


def test_the_page_allows_its_own_script_and_nothing_else(preview: Preview) -> None:
    """Should sanitising ever miss something, the browser still does not run it."""
    first, again = (ask(preview, "/merged")[1]["content-security-policy"] for _ in range(2))

    assert first.startswith("default-src 'none'; img-src 'self' data:; style-src 'nonce-")
    assert "unsafe" not in first
    assert first != again


def test_only_the_repos_files_are_served(preview: Preview) -> None:
    """The files beside a card, by their repo paths; nothing above them."""
    assert 200 == ask(preview, "/files/merged/README.md")[0]
    for path in (
        "/files/merged/../release.yaml",
        "/files/merged/%2e%2e/release.yaml",
        "/files/none/a",
        "/files/merged//etc/passwd",
    ):
        assert 404 == ask(preview, path)[0], path


def test_without_a_browser_it_says_how_to_forward_the_port_and_writes_one_file(
    make_project: Callable[[], Path],
) -> None:
    """Over ssh the page is one command away."""
    root = make_project()
    command = [HUBPUB, "card", NAME, "--preview", "--format", "json"]
    with subprocess.Popen(
        command, cwd=root, env=environment(SSH_CONNECTION="1 2 3 4", DISPLAY=":0"), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        process.send_signal(2)
        err = process.communicate(timeout=20)[1]
    port = urlsplit(document["url"]).port
    text = (root / ".hubpub" / NAME / "preview.html").read_text()

    assert "hubpub/preview/1" == document["schema"]
    assert str(root / ".hubpub" / NAME / "preview.html") == document["file"]
    assert f"ssh -N -L {port}:127.0.0.1:{port} " in err
    assert "default-src &#39;none&#39;" in text
    assert 'src="http' not in text
    assert 0 == process.returncode


def test_in_the_terminal_the_card_is_printed_and_nothing_listens(make_project: Callable[[], Path]) -> None:
    """For whoever has no browser at all."""
    ran = hubpub(make_project(), NAME, "--preview", "--no-open", "--artifact", "dataset")

    assert 0 == ran.returncode, ran.stderr
    assert "hubpub-demo/aerial-scenes-synthetic" in ran.stdout
    assert "license: apache-2.0" in ran.stdout
    assert "127.0.0.1" not in ran.stdout + ran.stderr


def test_a_taken_port_is_told(make_project: Callable[[], Path]) -> None:
    """Not a traceback, and not another port than the one that was asked for."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = hubpub(make_project(), NAME, "--preview", "--port", str(taken.getsockname()[1]))

    assert (4, True) == (ran.returncode, "HP-X04" in ran.stderr)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("nobody",), "HP-M02"), ((NAME, "--artifact", "gguf"), "HP-M09"), (("hf://nobody",), "HP-M09")],
)
def test_what_cannot_be_shown_is_refused_before_a_server_starts(
    make_project: Callable[[], Path], arguments: tuple[str, ...], code: str
) -> None:
    """A page that waits for what will never be there helps nobody."""
    ran = hubpub(make_project(), *arguments, "--preview")

    assert (2, True) == (ran.returncode, code in ran.stderr), ran.stderr


def test_a_published_card_is_shown_from_anywhere(tmp_path: Path) -> None:
    """Before answering a pull request, one looks at the card as it would be."""
    with EmbeddedHub(tmp_path / "hub") as hub:
        api = HfApi(hub.url, hub.token)
        repo = f"{api.whoami()['name']}/strange"
        api.create_repo(repo)
        api.upload_file(
            path_or_fileobj=b"---\nlicense: mit\n---\n# Strange\n\nIt has 7,372,800 parameters.\n",
            path_in_repo="README.md",
            repo_id=repo,
        )
        ran = hubpub(tmp_path, f"hf://{repo}", "--preview", "--no-open", "--hub", hub.url, HF_TOKEN=hub.token)
        missing = hubpub(
            tmp_path, "hf://nobody/nothing", "--preview", "--no-open", "--hub", hub.url, HF_TOKEN=hub.token
        )

    assert 0 == ran.returncode, ran.stderr
    assert "Strange" in ran.stdout
    assert (3, True) == (missing.returncode, "HP-H04" in missing.stderr), missing.stderr
