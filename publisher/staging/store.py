"""What is no git: settings, links to large files, discussions and collections, in one SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from publisher.staging.gitstore import MAIN

SCHEMA = """
CREATE TABLE IF NOT EXISTS repos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    owner TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    folder TEXT NOT NULL,
    private INTEGER NOT NULL,
    gated TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    UNIQUE (type, owner, name)
);
CREATE TABLE IF NOT EXISTS moves (
    type TEXT NOT NULL,
    owner TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    repo INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    PRIMARY KEY (type, owner, name)
);
CREATE TABLE IF NOT EXISTS large_files (
    repo INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    oid TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (repo, oid)
);
CREATE INDEX IF NOT EXISTS large_files_by_oid ON large_files (oid);
CREATE TABLE IF NOT EXISTS access_requests (
    id TEXT PRIMARY KEY,
    repo INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    user TEXT NOT NULL,
    status TEXT NOT NULL,
    fields TEXT NOT NULL DEFAULT '{}',
    asked_at TEXT NOT NULL,
    UNIQUE (repo, user)
);
CREATE TABLE IF NOT EXISTS discussions (
    repo INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    num INTEGER NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    author TEXT NOT NULL,
    pull_request INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    merge_commit TEXT,
    PRIMARY KEY (repo, num)
);
CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    repo INTEGER NOT NULL,
    num INTEGER NOT NULL,
    type TEXT NOT NULL,
    author TEXT NOT NULL,
    created_at TEXT NOT NULL,
    data TEXT NOT NULL,
    FOREIGN KEY (repo, num) REFERENCES discussions (repo, num) ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS collections (
    slug TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    private INTEGER NOT NULL,
    theme TEXT NOT NULL,
    position INTEGER NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS collection_items (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL REFERENCES collections (slug) ON DELETE CASCADE ON UPDATE CASCADE,
    type TEXT NOT NULL,
    repo INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    note TEXT,
    position INTEGER NOT NULL,
    UNIQUE (slug, repo)
);
"""

# What data folders of earlier versions lack; each is done once, in this order.
MIGRATIONS = (
    f"ALTER TABLE discussions ADD COLUMN base TEXT NOT NULL DEFAULT '{MAIN}'",
    """
CREATE TABLE entries (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL REFERENCES collections (slug) ON DELETE CASCADE ON UPDATE CASCADE,
    type TEXT NOT NULL,
    repo INTEGER REFERENCES repos (id) ON DELETE CASCADE,
    collection TEXT REFERENCES collections (slug) ON DELETE CASCADE ON UPDATE CASCADE,
    note TEXT,
    position INTEGER NOT NULL,
    UNIQUE (slug, repo),
    UNIQUE (slug, collection)
)""",
    """
INSERT INTO entries (id, slug, type, repo, note, position)
    SELECT id, slug, type, repo, note, position FROM collection_items""",
    "DROP TABLE collection_items",
    "ALTER TABLE entries RENAME TO collection_items",
)


class Store:
    """The SQLite file. One connection, used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        # FULL flushes the log at every commit: what was acknowledged is on disk.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._migrate()

    def _migrate(self) -> None:
        (done,) = self._connection.execute("PRAGMA user_version").fetchone()
        if not done:
            self._connection.executescript(SCHEMA)
        with self.writing() as db:
            for step in MIGRATIONS[done:]:
                db.execute(step)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, if there is one."""
        rows = self.rows(query, *values)
        return rows[0] if rows else None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything in the block, durably, or nothing."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have ended it already
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
