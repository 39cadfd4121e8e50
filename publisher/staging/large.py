"""Large files: one folder of bytes named by their sha256, and the pointers that stand for them in git."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path

from publisher.staging.durable import AsideFile, make_folders
from publisher.staging.responses import bad_request
from publisher.staging.store import Store

OID = re.compile(r"[0-9a-f]{64}")
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]{1,15})\n"
)


@dataclass(frozen=True)
class Pointer:
    """What git holds in the place of a large file: its sha256 and its size in bytes."""

    oid: str
    size: int

    def to_bytes(self) -> bytes:
        """The pointer file."""
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.oid}\nsize {self.size}\n".encode()
        )

    @staticmethod
    def read(content: bytes) -> Pointer | None:
        """The pointer that a file is, if it is one."""
        match = _POINTER.fullmatch(content)
        return Pointer(match[1].decode(), int(match[2])) if match else None


def checked_oid(oid: object) -> str:
    """A sha256 in hex.

    Raises:
        RefusalError: 400.
    """
    if not isinstance(oid, str) or not OID.fullmatch(oid):
        raise bad_request("An oid must be a sha256 in lower-case hex")
    return oid


class LargeFiles:
    """The folder of large files of one Hub, and which repo may use which.

    Equal bytes lie on disk once. A repo may refer only to what was sent to it: knowing a digest opens nothing.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._lock = threading.Lock()  # a file must not go while another repo gets hold of it
        make_folders(folder)

    def path(self, oid: str) -> Path:
        """Where the bytes lie."""
        return self._folder / oid[:2] / oid[2:4] / oid

    def linked(self, repo: int, oid: str) -> bool:
        """Whether a repo may refer to these bytes."""
        query = "SELECT 1 FROM large_files WHERE repo = ? AND oid = ?"
        return self._store.row(query, repo, oid) is not None

    def used_by(self, repo: int) -> int:
        """Bytes of all large files that were sent to a repo."""
        row = self._store.row("SELECT coalesce(sum(size), 0) AS bytes FROM large_files WHERE repo = ?", repo)
        assert row is not None
        return int(row["bytes"])

    def keep(self, repo: int, aside: AsideFile) -> None:
        """Take in bytes that came for a repo; when this returns they are on disk for good."""
        oid, size = aside.sha256, aside.size
        with self._lock:
            if not self.path(oid).is_file():
                aside.keep_as(self.path(oid))
            self._link(repo, oid, size)

    def share(self, source: int, target: int, oid: str) -> bool:
        """Let another repo use bytes that `source` has; False when it has none such."""
        with self._lock:
            if not self.linked(source, oid):
                return False
            self._link(target, oid, self.path(oid).stat().st_size)
            return True

    def unlink(self, repo: int, oids: list[str]) -> None:
        """Take large files from a repo."""
        with self._store.writing() as db:
            db.executemany(
                "DELETE FROM large_files WHERE repo = ? AND oid = ?", [(repo, oid) for oid in oids]
            )

    def all_of(self, repo: int) -> list[str]:
        """The digests of all large files of a repo."""
        return [row["oid"] for row in self._store.rows("SELECT oid FROM large_files WHERE repo = ?", repo)]

    def clean(self) -> None:
        """Remove the bytes that no repo refers to any more."""
        with self._lock:
            used = {row["oid"] for row in self._store.rows("SELECT DISTINCT oid FROM large_files")}
            for file in self._folder.glob("??/??/*"):
                if file.name not in used:
                    file.unlink()

    def _link(self, repo: int, oid: str, size: int) -> None:
        with self._store.writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO large_files (repo, oid, size) VALUES (?, ?, ?)", (repo, oid, size)
            )
