"""Which Hub a command talks to: `local`, `hf`, or an address."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from publisher.errors import HubpubError
from publisher.hub import oidc
from publisher.hub.remote import HF, RemoteHub, settle_client

Embedded = Callable[[], tuple[str, str]]  # starts or finds the embedded Hub: its address and token


def open_hub(target: str, embedded: Embedded, *, embedded_address: str | None = None) -> RemoteHub:
    """Open a Hub by the name that was given on the command line or in the manifest.

    A token of the real Hub goes to the real Hub only; another address gets HF_TOKEN from the environment,
    since whoever names both means both. Without a token, or where HF_OIDC_RESOURCE asks for it, a CI job that has
    an ID token is keyless.

    Raises:
        HubpubError: HP-M09 where `target` is neither a known name nor an address.
    """
    if target == "local":
        # Before anything imports the client, the search for a token included.
        settle_client(on_this_machine=True)
        address, token = embedded()
        return RemoteHub(address, token, "local")
    if target == "hf":
        return _remote(HF, "huggingface.co", _stored_token)
    parts = urlsplit(target)
    if not _is_address(parts):
        raise HubpubError(
            "HP-M09",
            "an address with a name or a password in it is not a Hub"
            if "@" in target
            else f"{target!r} is not a Hub",
            hint="--hub local, --hub hf, or an address such as --hub https://hub.example",
        )
    address = target.rstrip("/")
    if address == HF:
        return _remote(HF, "huggingface.co", _stored_token)
    if address == embedded_address:
        return RemoteHub(address, _named_token() or embedded()[1], "local")
    host = str(parts.hostname) if parts.port is None else f"{parts.hostname}_{parts.port}"
    return _remote(address, host, _named_token)


def _remote(address: str, host: str, find_token: Callable[[], str | None]) -> RemoteHub:
    """A Hub elsewhere, by token or keyless. A job that asks to be keyless has no token searched for."""
    token = None if oidc.asked_for() else find_token()
    keyless = token is None and (oidc.asked_for() or oidc.available())
    return RemoteHub(address, token, host, oidc.ci_job(address) if keyless else None)


def _is_address(parts: SplitResult) -> bool:
    """Whether this is an address to put a Hub's paths behind; with a password in it, it would show in messages."""
    try:
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return False
    bare = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port_is_fine and bare


def _named_token() -> str | None:
    return os.environ.get("HF_TOKEN", "").strip() or None


def _stored_token() -> str | None:
    settle_client(on_this_machine=False)
    from huggingface_hub import get_token

    return get_token()
