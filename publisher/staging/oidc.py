"""Trusted publishers: which CI jobs may have a token for which repo, and the tokens that they get.

A token is a signed statement of its own: no list of them is kept, and a restart of the server forgets none.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt

from publisher.errors import HubpubError
from publisher.staging.auth import NAMESPACE, ROLES, User, read_users_file

VALID_FOR_S = 3600.0
SHORTEST_KEY = 32  # bytes; what HS256 needs to be worth anything (RFC 7518, 3.2)
REPO_PREFIX, USER_PREFIX = "hf_jwt_", "hf_oauth_"
SYSTEM_USER = "[OIDC]"  # whom the real Hub names as the author of such pushes
_ALGORITHM = "HS256"


@dataclass(frozen=True)
class Publisher:
    """The jobs of one issuer that one repo, or one user, trusts.

    Attributes:
        resource: `owner/name`, `datasets/owner/name`, or the name of a user, whose jobs may read gated repos.
        issuer: who signs the ID tokens, as they say it in `iss`.
        key: the secret that the issuer signs with.
        claims: what an ID token must say, word for word.
        role: `write`, or `read` for a publisher that may look only.
        valid_for_s: how long a token is good for.
    """

    resource: str
    issuer: str
    key: str = field(repr=False)
    claims: Mapping[str, str]
    role: str = "write"
    valid_for_s: float = VALID_FOR_S

    def trusts(self, id_token: str, audience: str) -> bool:
        """Whether an ID token is one of these jobs', and meant for this Hub."""
        try:
            said = jwt.decode(
                id_token,
                self.key,
                algorithms=[_ALGORITHM],
                audience=audience,
                issuer=self.issuer,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError:
            return False
        return all(said.get(name) == value for name, value in self.claims.items())


@dataclass(frozen=True)
class Grant:
    """A token for one resource."""

    access_token: str = field(repr=False)
    valid_for_s: float


def grant(publisher: Publisher, signing_key: bytes) -> Grant:
    """Make a token for what the publisher is configured on."""
    for_repo = "/" in publisher.resource
    statement = {
        "only": f"/{publisher.resource}" if for_repo else "",
        "name": SYSTEM_USER if for_repo else publisher.resource,
        "role": publisher.role if for_repo else "read",
        "exp": math.ceil(time.time() + publisher.valid_for_s),
    }
    prefix = REPO_PREFIX if for_repo else USER_PREFIX
    return Grant(prefix + jwt.encode(statement, signing_key, _ALGORITHM), publisher.valid_for_s)


def holder_of(token: str, signing_key: bytes) -> User | None:
    """Whom a token of ours lets in; None for another's, and for one that has expired."""
    prefix = next((each for each in (REPO_PREFIX, USER_PREFIX) if token.startswith(each)), None)
    if prefix is None:
        return None
    try:
        said = jwt.decode(token.removeprefix(prefix), signing_key, algorithms=[_ALGORITHM])
        return User(said["name"], (), said["role"], only=said["only"])
    except (jwt.PyJWTError, KeyError):
        return None


def load_publishers(path: Path) -> tuple[Publisher, ...]:
    """Read `trusted_publishers:` of a users file.

    Raises:
        HubpubError: HP-M09 where an entry is not of that shape.
    """
    entries = read_users_file(path).get("trusted_publishers") or []
    if not isinstance(entries, list):
        raise _not_publishers(path, "it is no list")
    return tuple(_publisher(path, number, entry) for number, entry in enumerate(entries, 1))


def _publisher(path: Path, number: int, entry: Any) -> Publisher:
    if not isinstance(entry, Mapping):
        raise _not_publishers(path, f"entry {number} has no keys")
    unknown = sorted(map(str, entry.keys() - Publisher.__dataclass_fields__.keys()))
    claims, key = entry.get("claims"), str(entry.get("key", ""))
    texts = isinstance(claims, Mapping) and all(isinstance(value, str) for value in claims.values())
    faults = {
        f"knows no {', '.join(unknown)}": unknown,
        "needs a resource: owner/name, datasets/owner/name, or a user": not _is_resource(entry.get("resource")),
        "needs an issuer": not isinstance(entry.get("issuer"), str),
        f"needs a key of at least {SHORTEST_KEY} bytes": len(key.encode()) < SHORTEST_KEY,
        "needs claims, each a text": not claims or not texts,
        "has a role that is neither read nor write": entry.get("role", "write") not in ROLES,
        "has a valid_for_s that is no time": not _is_time(entry.get("valid_for_s", VALID_FOR_S)),
    }  # fmt: skip
    found = [what for what, is_so in faults.items() if is_so]
    if found:
        raise _not_publishers(path, f"entry {number} {'; '.join(found)}")
    return Publisher(**entry)


def _is_resource(value: Any) -> bool:
    parts = value.removeprefix("datasets/").split("/") if isinstance(value, str) else []
    return 1 <= len(parts) <= 2 and all(NAMESPACE.fullmatch(part) for part in parts)


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _not_publishers(path: Path, why: str) -> HubpubError:
    return HubpubError(
        "HP-M09",
        f"trusted_publishers of {path.name}: {why}",
        where=str(path),
        hint="write it as: - {resource: acme/model, issuer: …, key: …, claims: {repository: acme/training}}",
    )
