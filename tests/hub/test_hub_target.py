"""Which Hub a name means, and which token goes there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from publisher.errors import HubpubError
from publisher.hub.target import open_hub


def embedded() -> tuple[str, str]:
    return "http://127.0.0.1:4321", "hf_ofTheEmbedded0"


@pytest.fixture
def logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A token that `hf auth login` left on this machine."""
    from huggingface_hub import constants

    (tmp_path / "token").write_text("hf_storedByLogin0\n")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return "hf_storedByLogin0"


def test_local_is_the_embedded_hub_with_its_own_token() -> None:
    """Journals of a rehearsal are kept under `local`, whatever port it got."""
    hub = open_hub("local", embedded)

    assert (*embedded(), "local") == (hub.endpoint, hub.token, hub.host)


@pytest.mark.parametrize("target", ["hf", "https://huggingface.co", "https://huggingface.co/"])
def test_the_real_hub_gets_the_token_that_was_stored_for_it(logged_in: str, target: str) -> None:
    """By name and by address it is the same Hub with the same journal."""
    hub = open_hub(target, embedded)

    assert ("https://huggingface.co", logged_in, "huggingface.co") == (hub.endpoint, hub.token, hub.host)


@pytest.mark.parametrize(
    "target", ["https://hub.example", "http://huggingface.co", "https://huggingface.co.example"]
)
def test_another_address_never_gets_the_token_of_the_login(logged_in: str, target: str) -> None:
    """Whoever runs that address could publish in our name."""
    assert open_hub(target, embedded).token is None


def test_another_address_gets_the_token_that_was_named_for_this_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever names both an address and a token means both; a line break from a secrets file is no part of it."""
    monkeypatch.setenv("HF_TOKEN", "hf_forThatHub000\n")
    hub = open_hub("https://hub.example:8443/", embedded)

    assert ("https://hub.example:8443", "hf_forThatHub000", "hub.example_8443") == (
        hub.endpoint,
        hub.token,
        hub.host,
    )


def test_the_embedded_hub_s_own_address_is_the_embedded_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """`hub serve` prints its address; using it must not start a second journal."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    hub = open_hub("http://127.0.0.1:4321", embedded, embedded_address="http://127.0.0.1:4321")

    assert ("hf_ofTheEmbedded0", "local") == (hub.token, hub.host)


@pytest.mark.parametrize(
    "target",
    ["huggingface", "ftp://hub.example", "https://", "http://hub.example:99999", "https://hub.example?x=1"],
)
def test_what_is_neither_a_name_nor_an_address_is_a_usage_error(target: str) -> None:
    """Nothing is ever published to another place than the one that was named."""
    with pytest.raises(HubpubError) as caught:
        open_hub(target, embedded)

    assert ("HP-M09", 2) == (caught.value.code, caught.value.exit_code)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    """Addresses are printed in plans, receipts and errors."""
    with pytest.raises(HubpubError) as caught:
        open_hub("https://me:hunter2@hub.example", embedded)

    assert "HP-M09" == caught.value.code
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_no_test_has_a_token_of_this_machine() -> None:
    """The other tests of this file would prove nothing if one were set."""
    assert "HF_TOKEN" not in os.environ
