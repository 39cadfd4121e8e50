"""The pages of `hubpub hub serve`: a repo as people see it on the Hub."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from publisher.cli.commands.hub_serve import _page
from publisher.staging.server import EmbeddedHub

CARD = """---
license: mit
tags: [aerial]
---
# Rivers

It sees **rivers**. <script>document.title = "stolen"</script>
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    """A Hub with pages, a public model, a private one, and a dataset without a card."""
    with EmbeddedHub(tmp_path_factory.mktemp("hub"), pages=_page) as hub:
        api = HfApi(endpoint=hub.url, token=hub.token)
        for name, kind in (("rivers", "model"), ("secret", "model"), ("bare", "dataset")):
            api.create_repo(f"acme/{name}", private=name == "secret", repo_type=kind)
        for name in ("rivers", "secret"):
            api.upload_file(path_or_fileobj=CARD.encode(), path_in_repo="README.md", repo_id=f"acme/{name}")
        yield hub


def ask(hub: EmbeddedHub, path: str, token: str | None = None) -> tuple[int, str, str]:
    """Status, policy, page."""
    request = urllib.request.Request(hub.url + path)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers["Content-Security-Policy"], answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, "", refusal.read().decode()


def test_a_public_repo_has_a_page_with_its_card_as_the_preview_shows_it(served: EmbeddedHub) -> None:
    """A rehearsal ends with an address; whoever opens it wants to see what readers will see."""
    status, policy, page = ask(served, "/acme/rivers")

    assert (200, "frame-ancestors 'none'") == (status, policy)
    assert "<strong>rivers</strong>" in page
    assert "acme/rivers" in page
    assert "aerial" in page
    assert "stolen" not in page


def test_a_private_repo_s_page_is_its_readers_only(served: EmbeddedHub) -> None:
    """A page is a read like any other."""
    assert ask(served, "/acme/secret")[0] in (401, 404)
    assert "<strong>rivers</strong>" in ask(served, "/acme/secret", served.token)[2]


def test_a_repo_without_a_card_and_one_that_is_not_there_say_so(served: EmbeddedHub) -> None:
    """Nothing that a reader can do ends in a bug of ours."""
    status, _, page = ask(served, "/datasets/acme/bare")

    assert 200 == status
    assert "acme/bare has no README.md" in page
    assert ask(served, "/acme/never")[0] in (401, 404)


def test_without_a_rendering_there_are_no_pages(tmp_path: Path) -> None:
    """The Hub that a command starts for itself answers programs."""
    with EmbeddedHub(tmp_path) as hub:
        HfApi(endpoint=hub.url, token=hub.token).create_repo("acme/rivers")

        assert 404 == ask(hub, "/acme/rivers")[0]
