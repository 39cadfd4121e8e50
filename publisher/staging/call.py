"""One request, as the handlers see it: who asks, for which repo, with what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from publisher.staging.auth import User
from publisher.staging.gitstore import GitRepo
from publisher.staging.repos import Repo
from publisher.staging.responses import RefusalError, bad_request, forbidden, repo_not_found, unauthorized
from publisher.staging.state import State

Json = Any


@dataclass(frozen=True)
class Call:
    """One request. Path parameters are decoded; `path` is as it was sent."""

    state: State
    user: User | None
    method: str
    path: str
    query_string: str
    base: str  # scheme and host that the client used
    kind: str  # `model` or `dataset`; empty where the path names none
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    # -- what was sent ---------------------------------------------------------------------------------------------

    def json(self) -> dict[str, Json]:
        """The body, a JSON object; an empty body is an empty object.

        Raises:
            RefusalError: 400.
        """
        try:
            value = json.loads(self.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise bad_request("The body is no JSON") from error
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise bad_request("The body must be a JSON object")
        return value

    def form(self) -> dict[str, list[str]]:
        """The body, a form; or a JSON object of lists and texts."""
        if "json" in self.headers.get("content-type", ""):
            return {key: _texts(value) for key, value in self.json().items()}
        return parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    def query(self, name: str, default: str = "") -> str:
        """The first query parameter of that name."""
        return self.queries(name, [default])[0]

    def queries(self, name: str, default: list[str] | None = None) -> list[str]:
        """All query parameters of that name."""
        return parse_qs(self.query_string, keep_blank_values=True).get(name, default or [])

    def flag(self, name: str) -> bool:
        """Whether a query parameter says yes."""
        return self.query(name).lower() in ("1", "true")

    def number(self, name: str, default: int) -> int:
        """A query parameter that counts from 0.

        Raises:
            RefusalError: 400.
        """
        text = self.query(name, str(default))
        if not text.isdecimal() or len(text) > 9:
            raise bad_request(f"{name} must be a number")
        return int(text)

    def expanded(self) -> list[str]:
        """The properties that were asked for, if only some were."""
        return self.queries("expand") or self.queries("expand[]")

    def next_page(self, **changed: object) -> str:
        """A `Link` header that leads to the same request with some of its query changed."""
        query = parse_qs(self.query_string, keep_blank_values=True)
        query |= {key: [str(value)] for key, value in changed.items()}
        return f'<{self.base}{self.path}?{urlencode(query, doseq=True)}>; rel="next"'

    # -- who may do what -------------------------------------------------------------------------------------------

    def signed_in(self) -> User:
        """The user.

        Raises:
            RefusalError: 401 for nobody.
        """
        if self.user is None:
            raise unauthorized()
        return self.user

    def writer(self) -> User:
        """The user, whose token may write.

        Raises:
            RefusalError: 401 for nobody, 403 for a token that only reads.
        """
        user = self.signed_in()
        if user.role != "write":
            raise forbidden("This token may only read; use one with the role write")
        return user

    def repo(self) -> Repo:
        """The repo that the path names, if the user may see it.

        Raises:
            RefusalError: RepoNotFound; 307 to its new name when it was moved.
        """
        repos, owner, name = self.state.repos, self.params["owner"], self.params["name"]
        found = repos.find(self.kind, owner, name)
        if found is None:
            found = repos.moved_to(self.kind, owner, name)
            if found is not None and found.seen_by(self.user):
                raise self._moved(owner, name, found)
        if found is None or not found.seen_by(self.user):
            raise repo_not_found(signed_in=self.user is not None)
        return found

    def open_repo(self) -> Repo:
        """The repo, if the user may read its files.

        Raises:
            RefusalError: RepoNotFound, or GatedRepo.
        """
        repo = self.repo()
        if not repo.opened_by(self.user) and not self._let_in(repo):
            ask = f"Access to {repo.kind} {repo.id} is restricted: ask its owner for it"
            raise RefusalError(401 if self.user is None else 403, ask, code="GatedRepo")
        return repo

    def own_repo(self) -> Repo:
        """The repo, if the user may write to it.

        Raises:
            RefusalError: RepoNotFound, 401 or 403.
        """
        repo = self.repo()
        if not self.writer().may_write_in(repo.owner):
            raise forbidden(f"You may not write to {repo.id}")
        return repo

    def git(self, repo: Repo) -> GitRepo:
        """The repo's git repository."""
        return self.state.repos.git(repo)

    def page_of(self, repo: Repo) -> str:
        """The address of a repo's page."""
        return self.base + repo.web_path

    def _let_in(self, repo: Repo) -> bool:
        """Whether the owner of a gated repo gave this user access to its files."""
        query = "SELECT 1 FROM access_requests WHERE repo = ? AND user = ? AND status = 'accepted'"
        user = self.user
        return (
            user is not None
            and repo.seen_by(user)
            and self.state.store.row(query, repo.number, user.name) is not None
        )

    def _moved(self, owner: str, name: str, found: Repo) -> RefusalError:
        path = self.path.replace(f"/{quote(owner)}/{quote(name)}", f"/{found.id}", 1)
        location = f"{path}?{self.query_string}" if self.query_string else path
        return RefusalError(307, f"This repo is now {found.id}", headers={"Location": location})


def _texts(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
