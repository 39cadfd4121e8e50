"""Addresses that are proof by themselves: the client sends a large file's bytes without its token.

An address is signed with all that it says, and runs out.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import parse_qsl, urlencode

from publisher.staging.call import Call
from publisher.staging.responses import forbidden
from publisher.staging.state import ADDRESSES_VALID_FOR_S


def signed(call: Call, path: str, **said: int) -> str:
    """The address of a path of this Hub, with what it says in its query."""
    query = urlencode({**said, "expires": int(time.time()) + ADDRESSES_VALID_FOR_S})
    return f"{call.base}{path}?{query}&signature={_signature(call, path, query)}"


def check_signed(call: Call) -> dict[str, int]:
    """What the address of a request says.

    Raises:
        RefusalError: 403 when it was not made here, or is too old.
    """
    query, _, signature = call.query_string.rpartition("&signature=")
    if not hmac.compare_digest(_signature(call, call.path, query).encode(), signature.encode()):
        raise forbidden("This upload address was not made by this Hub")
    said = {name: int(value) for name, value in parse_qsl(query)}
    if said.pop("expires") < time.time():
        raise forbidden("This upload address has expired; ask for a new one")
    return said


def signed_path(call: Call, path: str) -> tuple[str, int]:
    """The same for all that lies below a path, where no query can be added; and when it runs out."""
    expires = int(time.time()) + ADDRESSES_VALID_FOR_S
    return f"{call.base}{path}/{expires}/{_signature(call, path, str(expires))}", expires


def check_signed_path(call: Call, path: str) -> None:
    """Refuse a request below a path that was not signed here, or too long ago.

    Raises:
        RefusalError: 403.
    """
    expires, signature = call.params["expires"], call.params["signature"]
    if not hmac.compare_digest(_signature(call, path, expires).encode(), signature.encode()):
        raise forbidden("This address was not made by this Hub")
    if int(expires) < time.time():
        raise forbidden("This address has expired; ask for a new one")


def _signature(call: Call, path: str, query: str) -> str:
    return hmac.new(call.state.signing_key, f"{path}?{query}".encode(), hashlib.sha256).hexdigest()
