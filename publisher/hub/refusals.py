"""What goes wrong on a Hub, in our words: the client's many exceptions have no common root to catch."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from publisher.errors import HubpubError


@contextmanager
def in_our_words(endpoint: str) -> Iterator[None]:
    """Translate the client's many exception roots into ours. The client has no common root to catch."""
    import httpx2
    from huggingface_hub import errors

    try:
        with _unwrapped():
            yield
    except errors.GatedRepoError as fault:
        raise _refusal(
            "HP-H03", "the repo is gated and this account has no access", endpoint, fault
        ) from fault
    except (
        errors.RepositoryNotFoundError,
        errors.RevisionNotFoundError,
        errors.RemoteEntryNotFoundError,
    ) as fault:
        raise _refusal("HP-H04", "not found, or not visible to this token", endpoint, fault) from fault
    except errors.HfHubHTTPError as fault:
        raise _by_status(endpoint, fault) from fault
    except json.JSONDecodeError as fault:
        raise HubpubError(
            "HP-H06",
            "the answer is not JSON, so this is no Hub, or something stands in between",
            where=endpoint,
            hint="check the address: --hub local, --hub hf, or --hub https://hub.example",
        ) from fault
    except errors.HFValidationError as fault:
        raise _refusal("HP-H04", "that is no name of a repo", endpoint, fault) from fault
    except ValueError as fault:
        if not isinstance(fault.__cause__, errors.BadRequestError):
            raise
        # What is wrong with a README's front matter, which the client asks about before it commits.
        raise _refusal("HP-H06", "the Hub refused", endpoint, fault) from fault
    except (httpx2.TransportError, ConnectionError) as fault:
        raise HubpubError(
            "HP-H01",
            f"the Hub cannot be reached: {_one_line(fault)}",
            where=endpoint,
            hint="check the network, or rehearse without it: --hub local",
            passing=not _name_unknown(fault),
        ) from fault


def _name_unknown(fault: BaseException | None) -> bool:
    """Whether the host's name could not be resolved: waiting some seconds does not teach it to anyone."""
    seen: set[int] = set()  # a cause that was raised again is its own context's cause
    while fault is not None and id(fault) not in seen:
        if isinstance(fault, socket.gaierror):
            return True
        seen.add(id(fault))
        fault = fault.__cause__ or fault.__context__
    return False


@contextmanager
def _unwrapped() -> Iterator[None]:
    """The client wraps whatever stops the upload of a large file; what it was says whether to try again."""
    try:
        yield
    except RuntimeError as fault:
        raise fault.__cause__ or fault from None


def _by_status(endpoint: str, fault: Any) -> HubpubError:
    status = fault.response.status_code if fault.response is not None else 0
    if status == 401:
        return no_token(endpoint)
    if status == 403:
        return _refusal("HP-H03", "the token lacks the right to do this", endpoint, fault)
    if status == 404:
        return _refusal("HP-H04", "not found, or not visible to this token", endpoint, fault)
    if status in (409, 412):
        return _refusal("HP-H05", "the repo changed meanwhile", endpoint, fault)
    refusal = _refusal("HP-H06", f"the Hub answered {status}", endpoint, fault)
    refusal.data["passing"] = status in (408, 429, 500, 502, 503, 504)
    refusal.data["retry_after_s"] = (
        _retry_after(fault.response.headers) if fault.response is not None else None
    )
    return refusal


def _retry_after(headers: Any) -> float | None:
    """Seconds that the Hub asks us to wait: Retry-After, or the `t` of a RateLimit header."""
    given = headers.get("Retry-After", "")
    if given.isdigit():
        return float(given)
    rate = re.search(r"\br=0\b.*\bt=(\d+)", headers.get("RateLimit", ""))
    return float(rate[1]) + 1 if rate else None


def _refusal(code: str, what: str, endpoint: str, fault: BaseException) -> HubpubError:
    hints = {
        "HP-H03": "ask the owner for write access, or use another token",
        "HP-H04": "check the name and the revision, and whether the token may see it",
        "HP-H05": "run hubpub plan again to see what changed",
        "HP-H06": "run the command again; what arrived is kept",
    }
    return HubpubError(code, f"{what}: {_one_line(fault)}", where=endpoint, hint=hints[code])


def no_token(endpoint: str) -> HubpubError:
    """There is none, or none that this Hub takes."""
    return HubpubError(
        "HP-H02",
        "no valid token for this Hub",
        where=endpoint,
        hint="hf auth login, or rehearse without an account: --hub local",
    )


def _one_line(fault: BaseException) -> str:
    """The client's message on one line, without its request id and links."""
    text = " ".join(str(fault).split())
    text = re.sub(
        r"\(Request ID: [^)]*\)\.?|For more information check: \S+|hf_[\w.-]{8,}|eyJ[\w.-]{20,}", "", text
    )
    return " ".join(text.split())[:200] or type(fault).__name__
