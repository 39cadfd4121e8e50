"""One request, as the handlers see it: who asks, for which repo, with what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from publisher.staging.auth import FINE_GRAINED, User
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

    def writer(self, *, elsewhere: bool = False) -> User:
        """The user, whose token may write: to the repo that the path names, unless to some other.

        Raises:
            RefusalError: 401 for nobody, 403 for a token that only reads, or that is for another repo.
        """
        user = self.signed_in()
        if user.role == "read":
            raise forbidden("This token may only read; use one with the role write")
        if elsewhere:
            return user
        if user.only is not None and user.only != self._page:
            raise forbidden("This token is for one repo only, and this is not about that one")
        if user.role == FINE_GRAINED and self.kind and not user.writes(self.params["owner"], self._page):
            raise forbidden(
                f"This token has no write scope for {self._page[1:]}; give it one, or use a token with the role write"
            )
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
        if not repo.opened_by(self.user):
            self._check_let_in(repo)
        return repo

    def own_repo(self) -> Repo:
        """The repo, if the user may write to it.

        Raises:
            RefusalError: RepoNotFound, 401 or 403.
        """
        repo = self.repo()
        if not repo.written_by(self.writer()):
            raise forbidden(f"You may not write to {repo.id}")
        return repo

    def managed_repo(self) -> Repo:
        """The repo, if the user may say who sees it: not with a token that is for its files only.

        Raises:
            RefusalError: RepoNotFound, 401 or 403.
        """
        repo = self.own_repo()
        if self.writer().only is not None:
            raise forbidden(f"This token is for the files of {repo.id}, not for its settings")
        return repo

    def git(self, repo: Repo) -> GitRepo:
        """The repo's git repository."""
        return self.state.repos.git(repo)

    def page_of(self, repo: Repo) -> str:
        """The address of a repo's page."""
        return self.base + repo.web_path

    @property
    def _page(self) -> str:
        """The path of the page of the repo that is asked about; of none where the path names none."""
        prefix = "/datasets" if self.kind == "dataset" else ""
        return f"{prefix}/{self.params.get('owner')}/{self.params.get('name')}"

    def _check_let_in(self, repo: Repo) -> None:
        """Refuse the files of a gated repo to whom its owner did not give access."""
        what = f"Access to {repo.kind} {repo.id} is restricted"
        if self.user is None:
            must = "You must have access to it and be authenticated to access it. Please log in."
            raise RefusalError(401, f"{what}. {must}", code="GatedRepo")
        query = "SELECT status FROM access_requests WHERE repo = ? AND user = ?"
        row = self.state.store.row(query, repo.number, self.user.name)
        status = None if row is None else row["status"]
        if status != "accepted":
            why = {
                None: f"and you are not in the authorized list. Visit {self.page_of(repo)} to ask for access.",
                "pending": f"and your request to access {repo.id} is awaiting a review from the repo authors.",
                "rejected": "and your request to access it has been rejected by the repo's authors.",
            }
            raise RefusalError(403, f"{what} {why[status]}", code="GatedRepo")
        if not self.user.reads_gated:
            enable = "Please enable access to public gated repositories in your fine-grained token settings"
            raise RefusalError(403, f"{enable} to view this repository.", code="GatedRepo")

    def _moved(self, owner: str, name: str, found: Repo) -> RefusalError:
        path = self.path.replace(f"/{quote(owner)}/{quote(name)}", f"/{found.id}", 1)
        location = f"{path}?{self.query_string}" if self.query_string else path
        return RefusalError(307, f"This repo is now {found.id}", headers={"Location": location})


def _texts(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
