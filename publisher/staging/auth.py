"""Who is asking, and what they may do."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError
from publisher.staging.durable import write_file

OWNER = "local"
NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}")
PLACE = re.compile(r"[\w.-]+|(datasets/)?[\w.-]+/[\w.-]+", re.ASCII)  # of a scope: a namespace or a repo
FINE_GRAINED = "fineGrained"
ROLES = ("read", "write", FINE_GRAINED)


@dataclass(frozen=True)
class Scope:
    """What a fine-grained token is for: a namespace, `acme`, or the page of a repo, `/acme/model`."""

    place: str
    writes: bool

    def is_for(self, page: str) -> bool:
        """Whether it is for the repo of a page; names differ by more than their case."""
        return self.place.lower() == page.lower()


@dataclass(frozen=True)
class User:
    """The holder of one token.

    `may_everything` is the owner of the data folder: may write in every namespace and sees every repo. `only` is
    the page of the one repo that the token is for, `/acme/model`, whose files it may change and nothing else; of no
    repo where it is empty; None for a token without such a bound. `scopes` are those of a fine-grained token, and
    `reads_gated` is whether it opens the gated repos of others that its holder was let in to.
    """

    name: str
    organisations: tuple[str, ...]
    role: str
    may_everything: bool = False
    only: str | None = None
    scopes: tuple[Scope, ...] = ()
    reads_gated: bool = True

    def belongs_to(self, namespace: str) -> bool:
        """Whether the private repos of a namespace are theirs to see."""
        if self.only is not None:
            return False
        if self.role == FINE_GRAINED:
            return any(scope.place == namespace for scope in self.scopes)
        return self.may_everything or namespace == self.name or namespace in self.organisations

    def may_write_in(self, namespace: str) -> bool:
        """Whether they may change repos of a namespace."""
        if self.role == FINE_GRAINED:
            return any(scope.place == namespace and scope.writes for scope in self.scopes)
        return self.role == "write" and self.belongs_to(namespace)

    def reads(self, owner: str, page: str) -> bool:
        """Whether a repo is theirs to see when it is private, and its files when it is gated."""
        return self.belongs_to(owner) or self.only == page or any(scope.is_for(page) for scope in self.scopes)

    def writes(self, owner: str, page: str) -> bool:
        """Whether they may change the files, branches and tags of a repo."""
        return (
            self.may_write_in(owner)
            or (self.only == page and self.role == "write")
            or any(scope.is_for(page) and scope.writes for scope in self.scopes)
        )


class Accounts:
    """All tokens, by their digest, so that looking one up takes as long for a near miss as for nonsense."""

    def __init__(self, owner_token: str, tokens: Iterable[tuple[str, User]]) -> None:
        owner = User(OWNER, (), "write", may_everything=True)
        self._by_digest = {_digest(token): user for token, user in (*tokens, (owner_token, owner))}

    def holder_of(self, token: str) -> User | None:
        """The user that a token belongs to."""
        return self._by_digest.get(_digest(token))

    def namespaces(self) -> set[str]:
        """Every user and organisation that there is."""
        return self.users() | self.organisations()

    def users(self) -> set[str]:
        """Every user that there is."""
        return {user.name for user in self._by_digest.values()}

    def organisations(self) -> set[str]:
        """Every organisation that there is."""
        return {name for user in self._by_digest.values() for name in user.organisations}

    def organisations_of(self, name: str) -> list[str]:
        """The organisations that a user belongs to."""
        return sorted(
            {each for user in self._by_digest.values() if user.name == name for each in user.organisations}
        )

    def members_of(self, organisation: str) -> list[str]:
        """The users that belong to an organisation."""
        return sorted({user.name for user in self._by_digest.values() if organisation in user.organisations})


def owner_token(data: Path) -> str:
    """The owner's token of a data folder: made at random the first time, then kept in `token`, mode 0600."""
    path = data / "token"
    if not path.is_file():
        write_file(path, f"hf_{secrets.token_hex(20)}\n".encode(), mode=0o600)
    return path.read_text().strip()


def load_users(path: Path) -> list[tuple[str, User]]:
    """Read a users file: `- {name: alice, organisations: [acme], tokens: [{token: hf_x, role: write}]}`.

    Where it has trusted publishers as well, that list stands under `users:`.

    Raises:
        HubpubError: HP-M09 when the file cannot be read or is not of that shape.
    """
    entries = read_users_file(path).get("users") or []
    if not isinstance(entries, list):
        raise _not_users(path, "it holds no list")
    return [pair for number, entry in enumerate(entries, 1) for pair in _user(path, number, entry)]


def read_users_file(path: Path) -> Mapping[str, Any]:
    """The keys of a users file; a file that is a list has `users` only.

    Raises:
        HubpubError: HP-M09 when it cannot be read, or is neither a list nor made of these keys.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        entries = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise _not_users(path, f"it cannot be read as YAML: {error}") from error
    if isinstance(entries, list):
        return {"users": entries}
    if not isinstance(entries, Mapping) or not entries.keys() <= {"users", "trusted_publishers"}:
        raise _not_users(path, "it holds no list")
    return entries


def _user(path: Path, number: int, entry: Any) -> list[tuple[str, User]]:
    if not isinstance(entry, Mapping) or not _is_namespace(entry.get("name")):
        raise _not_users(path, f"entry {number} has no proper name")
    name = entry["name"]
    organisations = entry.get("organisations") or []
    tokens = entry.get("tokens") or []
    if name == OWNER:
        raise _not_users(path, f"the name {OWNER} is taken: it belongs to the owner of the data folder")
    if not isinstance(organisations, list) or not all(_is_namespace(each) for each in organisations):
        raise _not_users(path, f"the organisations of {name} are no list of names")
    if not isinstance(tokens, list) or not all(_is_token(each) for each in tokens):
        raise _not_users(
            path,
            f"the tokens of {name} are no list of token and role (read, write, or fineGrained with scopes)",
        )
    return [(each["token"], _holder(name, tuple(organisations), each)) for each in tokens]


def _holder(name: str, organisations: tuple[str, ...], token: Mapping[str, Any]) -> User:
    scopes = tuple(
        Scope(f"/{place}" if "/" in place else place, writes=may == "write")
        for place, may in token.get("scopes", {}).items()
    )
    role = token.get("role", "write")
    reads_gated = bool(token.get("gated", role != FINE_GRAINED))
    return User(name, organisations, role, scopes=scopes, reads_gated=reads_gated)


def _is_namespace(value: Any) -> bool:
    return isinstance(value, str) and NAMESPACE.fullmatch(value) is not None


def _is_token(value: Any) -> bool:
    if not isinstance(value, Mapping) or not value.keys() <= {"token", "role", "scopes", "gated"}:
        return False
    token, role, scopes = value.get("token"), value.get("role", "write"), value.get("scopes")
    if not isinstance(token, str) or not token or role not in ROLES:
        return False
    if role != FINE_GRAINED:
        return not value.keys() & {"scopes", "gated"}
    return isinstance(scopes, Mapping) and all(
        isinstance(place, str) and PLACE.fullmatch(place) and may in ("read", "write")
        for place, may in scopes.items()
    )


def _not_users(path: Path, why: str) -> HubpubError:
    return HubpubError(
        "HP-M09",
        f"{path.name} is no users file: {why}",
        where=str(path),
        hint="write it as: - {name: alice, organisations: [acme], tokens: [{token: hf_x, role: write}]}",
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
