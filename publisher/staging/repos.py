"""The repos of this Hub: names, owners, visibility, and which folder holds the git repository of each."""

from __future__ import annotations

import re
import shutil
import sqlite3
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path

from publisher.staging.attributes import DEFAULT_ATTRIBUTES
from publisher.staging.auth import User
from publisher.staging.durable import flush_folder, make_folders
from publisher.staging.gitstore import MAIN, GitRepo
from publisher.staging.responses import bad_request, conflict, timestamp
from publisher.staging.store import Store

KINDS = ("model", "dataset")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}")


@dataclass(frozen=True)
class Repo:
    """One repo, as the settings store knows it. `gated` is `auto`, `manual` or empty."""

    number: int
    kind: str
    owner: str
    name: str
    folder: str
    private: bool
    gated: str
    created_at: str

    @property
    def id(self) -> str:
        """Owner and name, as users write it."""
        return f"{self.owner}/{self.name}"

    @property
    def web_path(self) -> str:
        """Path of its page: datasets have a prefix, models none."""
        return f"/datasets/{self.id}" if self.kind == "dataset" else f"/{self.id}"

    def seen_by(self, user: User | None) -> bool:
        """Whether a user may know that it exists."""
        return not self.private or self._within(user)

    def opened_by(self, user: User | None) -> bool:
        """Whether a user may read its files: of a gated repo, only its own people."""
        return self.seen_by(user) and (not self.gated or self._within(user))

    def written_by(self, user: User) -> bool:
        """Whether a user may change its files, branches and tags."""
        return user.writes(self.owner, self.web_path)

    def _within(self, user: User | None) -> bool:
        """Whether a user belongs to its owner, or has a token for this very repo."""
        return user is not None and user.reads(self.owner, self.web_path)


class Repos:
    """All repos of one data folder."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._open: dict[str, GitRepo] = {}
        self._lock = threading.RLock()

    def find(self, kind: str, owner: str, name: str) -> Repo | None:
        """The repo of that name; names differ by more than their case."""
        query = "SELECT * FROM repos WHERE type = ? AND owner = ? AND name = ?"
        return _repo(self._store.row(query, kind, owner, name))

    def moved_to(self, kind: str, owner: str, name: str) -> Repo | None:
        """The repo that had that name once."""
        query = (
            "SELECT repos.* FROM moves JOIN repos ON repos.id = moves.repo"
            " WHERE moves.type = ? AND moves.owner = ? AND moves.name = ?"
        )
        return _repo(self._store.row(query, kind, owner, name))

    def by_number(self, number: int) -> Repo | None:
        """The repo with that number."""
        return _repo(self._store.row("SELECT * FROM repos WHERE id = ?", number))

    def everything(self, kind: str | None = None) -> list[Repo]:
        """All repos, or all of one kind, oldest first."""
        rows = self._store.rows("SELECT * FROM repos WHERE type = ? OR ? IS NULL ORDER BY id", kind, kind)
        return [repo for row in rows if (repo := _repo(row)) is not None]

    def git(self, repo: Repo) -> GitRepo:
        """The git repository of a repo."""
        with self._lock:
            return self._open.setdefault(repo.folder, GitRepo(self._folder / repo.folder))

    def create(self, kind: str, owner: str, name: str, *, private: bool, author: str) -> Repo:
        """Make a repo with its first commit, `.gitattributes`, as the real Hub does.

        Raises:
            RefusalError: 409 when it exists.
        """
        check_name(owner, name)
        exists = conflict(f"You already created this {kind} repo: {owner}/{name}")
        if self.find(kind, owner, name):
            raise exists
        folder = f"{kind}s--{owner}--{name}--{uuid.uuid4().hex[:8]}.git"
        try:
            GitRepo.create(self._folder / folder)
            git = GitRepo(self._folder / folder)
            blob = git.add_blob(DEFAULT_ATTRIBUTES[kind])
            first = git.add_commit(
                {".gitattributes": blob}, parent=None, author=author, title="initial commit"
            )
            git.point(MAIN, first, expected=None)
            with self._store.writing() as db:
                db.execute("DELETE FROM moves WHERE type = ? AND owner = ? AND name = ?", (kind, owner, name))
                db.execute(
                    "INSERT INTO repos (type, owner, name, folder, private, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                    (kind, owner, name, folder, private, timestamp()),
                )
        except (OSError, sqlite3.Error) as error:
            shutil.rmtree(self._folder / folder, ignore_errors=True)
            if isinstance(error, sqlite3.IntegrityError):
                raise exists from error
            raise
        made = self.find(kind, owner, name)
        assert made is not None
        return made

    def delete(self, repo: Repo) -> None:
        """Forget a repo, then remove its git repository."""
        with self._store.writing() as db:
            db.execute("DELETE FROM repos WHERE id = ?", (repo.number,))
        with self._lock:
            git = self._open.pop(repo.folder, None)
        if git is not None:
            git.close()
        shutil.rmtree(self._folder / repo.folder, ignore_errors=True)

    def move(self, repo: Repo, owner: str, name: str) -> None:
        """Give a repo another name; the old one leads to it from now on.

        Raises:
            RefusalError: 409 when the name is taken.
        """
        check_name(owner, name)
        try:
            with self._store.writing() as db:
                db.execute(
                    "DELETE FROM moves WHERE type = ? AND owner = ? AND name = ?", (repo.kind, owner, name)
                )
                db.execute("UPDATE repos SET owner = ?, name = ? WHERE id = ?", (owner, name, repo.number))
                if (repo.owner.lower(), repo.name.lower()) != (owner.lower(), name.lower()):
                    db.execute(
                        "INSERT OR REPLACE INTO moves (type, owner, name, repo) VALUES (?, ?, ?, ?)",
                        (repo.kind, repo.owner, repo.name, repo.number),
                    )
        except sqlite3.IntegrityError as error:
            raise conflict(f"A {repo.kind} repository called {owner}/{name} already exists") from error

    def set(self, repo: Repo, *, private: bool | None = None, gated: str | None = None) -> None:
        """Change visibility or gating; None leaves it as it is."""
        with self._store.writing() as db:
            db.execute(
                "UPDATE repos SET private = coalesce(?, private), gated = coalesce(?, gated) WHERE id = ?",
                (private, gated, repo.number),
            )

    def close(self) -> None:
        """Let go of all git repositories."""
        with self._lock:
            for git in self._open.values():
                git.close()
            self._open.clear()

    def clean(self) -> None:
        """At start: remove git repositories that no repo names, and locks that a killed server left in the others."""
        make_folders(self._folder)
        known = {repo.folder for repo in self.everything()}
        for folder in list(self._folder.iterdir()):
            if folder.name not in known:
                shutil.rmtree(folder)
                continue
            for left in (
                *folder.glob("*.lock"),
                *folder.glob("refs/**/*.lock"),
                *folder.glob("objects/*/tmp_obj_*"),
            ):
                left.unlink()
        flush_folder(self._folder)


def check_name(owner: str, name: str) -> None:
    """Refuse what cannot be a repo's name.

    Raises:
        RefusalError: 400.
    """
    for part in (owner, name):
        if not NAME.fullmatch(part) or "--" in part or ".." in part or part.endswith((".git", ".", "-")):
            raise bad_request(f"Invalid repo name: {owner}/{name}")


def _repo(row: sqlite3.Row | None) -> Repo | None:
    if row is None:
        return None
    return Repo(
        number=row["id"],
        kind=row["type"],
        owner=row["owner"],
        name=row["name"],
        folder=row["folder"],
        private=bool(row["private"]),
        gated=row["gated"],
        created_at=row["created_at"],
    )
