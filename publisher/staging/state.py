"""What every request of one Hub works with."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from publisher.staging.auth import Accounts, load_users, owner_token
from publisher.staging.durable import make_folders, remove_old, write_file
from publisher.staging.large import LargeFiles
from publisher.staging.oidc import Publisher, load_publishers
from publisher.staging.repos import Repos
from publisher.staging.store import Store

ADDRESSES_VALID_FOR_S = 3600


@dataclass(frozen=True)
class State:
    """One Hub's data folder, opened."""

    data: Path
    store: Store
    accounts: Accounts
    publishers: tuple[Publisher, ...]
    repos: Repos
    large: LargeFiles
    aside: Path  # files on their way in
    parts: Path  # parts of large files, until all of a file are here
    parts_from: int  # bytes; a larger file comes in parts
    signing_key: bytes  # of upload addresses and of publishers' tokens; kept, so that they outlive a restart

    def forget_old_parts(self) -> None:
        """Remove the parts of uploads that cannot go on: the addresses that they came to have run out."""
        remove_old(self.parts, older_than_s=ADDRESSES_VALID_FOR_S)

    def close(self) -> None:
        """Let go of all files."""
        self.repos.close()
        self.store.close()


def open_state(data: Path, users: Path | None, *, parts_from: int) -> State:
    """Open a data folder, made if need be, and clear away what a killed server left half done.

    The caller holds the folder's lock.

    Raises:
        HubpubError: HP-M09 when the users file is none.
    """
    known_users = load_users(users) if users else []
    publishers = load_publishers(users) if users else ()
    make_folders(data)
    aside = data / "aside"
    if aside.is_dir():
        shutil.rmtree(aside)
    parts = data / "parts"
    for folder in (aside, parts):
        make_folders(folder)
    store = Store(data / "hub.sqlite")
    state = State(
        data=data,
        store=store,
        accounts=Accounts(owner_token(data), known_users),
        publishers=publishers,
        repos=Repos(store, data / "repos"),
        large=LargeFiles(store, data / "lfs"),
        aside=aside,
        parts=parts,
        parts_from=parts_from,
        signing_key=_signing_key(data),
    )
    state.repos.clean()
    state.large.clean()
    state.forget_old_parts()
    shutil.rmtree(data / "xet", ignore_errors=True)  # what of it was committed lies with the large files
    return state


def _signing_key(data: Path) -> bytes:
    path = data / "signing_key"
    if not path.is_file():
        write_file(path, secrets.token_hex(32).encode(), mode=0o600)
    return path.read_bytes()
