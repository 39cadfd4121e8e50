"""Which Hub a command talks to: `local`, `hf`, or an address."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import urlsplit

from publisher.errors import HubpubError
from publisher.hub.remote import HF, RemoteHub

Embedded = Callable[[], tuple[str, str]]  # starts or finds the embedded Hub: its address and token


def open_hub(target: str, embedded: Embedded, *, embedded_address: str | None = None) -> RemoteHub:
    """Open a Hub by the name that was given on the command line or in the manifest.

    A token of the real Hub goes to the real Hub only; another address gets HF_TOKEN from the environment,
    since whoever names both means both.

    Raises:
        HubpubError: HP-M09 where `target` is neither a known name nor an address.
    """
    if target == "local":
        address, token = embedded()
        return RemoteHub(address, token, "local")
    if target == "hf":
        return RemoteHub(HF, _stored_token(), "huggingface.co")
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HubpubError(
            "HP-M09",
            f"{target!r} is not a Hub",
            hint="--hub local, --hub hf, or an address such as --hub https://hub.example",
        )
    address = target.rstrip("/")
    if address == HF:
        return RemoteHub(HF, _stored_token(), "huggingface.co")
    if address == embedded_address:
        return RemoteHub(address, os.environ.get("HF_TOKEN") or embedded()[1], "local")
    host = parts.hostname if parts.port is None else f"{parts.hostname}_{parts.port}"
    return RemoteHub(address, os.environ.get("HF_TOKEN"), host)


def _stored_token() -> str | None:
    from huggingface_hub import get_token

    return get_token()
