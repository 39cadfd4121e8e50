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
NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")
ROLES = ("read", "write")


@dataclass(frozen=True)
class User:
    """The holder of one token.

    `may_everything` is the owner of the data folder: may write in every namespace and sees every repo.
    """

    name: str
    organisations: tuple[str, ...]
    role: str
    may_everything: bool = False

    def belongs_to(self, namespace: str) -> bool:
        """Whether the private repos of a namespace are theirs to see."""
        return self.may_everything or namespace == self.name or namespace in self.organisations

    def may_write_in(self, namespace: str) -> bool:
        """Whether they may change repos of a namespace."""
        return self.role == "write" and self.belongs_to(namespace)


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
        return {name for user in self._by_digest.values() for name in (user.name, *user.organisations)}


def owner_token(data: Path) -> str:
    """The owner's token of a data folder: made at random the first time, then kept in `token`, mode 0600."""
    path = data / "token"
    if not path.is_file():
        write_file(path, f"hf_{secrets.token_hex(20)}\n".encode(), mode=0o600)
    return path.read_text().strip()


def load_users(path: Path) -> list[tuple[str, User]]:
    """Read a users file: `- {name: alice, organisations: [acme], tokens: [{token: hf_x, role: write}]}`.

    Raises:
        HubpubError: HP-M09 when the file cannot be read or is not of that shape.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        entries = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise _not_users(path, f"it cannot be read as YAML: {error}") from error
    if not isinstance(entries, list):
        raise _not_users(path, "it holds no list")
    return [pair for number, entry in enumerate(entries, 1) for pair in _user(path, number, entry)]


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
        raise _not_users(path, f"the tokens of {name} are no list of token and role (read or write)")
    return [(each["token"], User(name, tuple(organisations), each.get("role", "write"))) for each in tokens]


def _is_namespace(value: Any) -> bool:
    return isinstance(value, str) and NAMESPACE.fullmatch(value) is not None


def _is_token(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    token = value.get("token")
    return isinstance(token, str) and bool(token) and value.get("role", "write") in ROLES


def _not_users(path: Path, why: str) -> HubpubError:
    return HubpubError(
        "HP-M09",
        f"{path.name} is no users file: {why}",
        where=str(path),
        hint="write it as: - {name: alice, organisations: [acme], tokens: [{token: hf_x, role: write}]}",
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
