"""One bare git repository on disk: objects and refs, written so that a crash loses nothing acknowledged.

Reading goes through dulwich, so packs that `git gc` made are understood. Objects are written loose, flushed,
renamed, and only then named by a ref; refs move by compare-and-swap. History is linear: every commit made here has
at most one parent.
"""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dulwich.file import FileLocked
from dulwich.object_store import DiskObjectStore
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tag, Tree
from dulwich.refs import DiskRefsContainer, Ref, check_ref_format

from publisher.staging.durable import flush_folder, make_folders, write_file
from publisher.staging.responses import bad_request, conflict, revision_not_found
from publisher.staging.trees import FILE, FOLDER, Files, Node, plant

MAIN = "refs/heads/main"
CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
HEX = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class CommitRecord:
    """One commit. `message` is what follows the title."""

    id: str
    title: str
    message: str
    author: str
    date: datetime
    parent: str | None
    tree: str


def valid_ref(ref: str) -> bool:
    """Whether git accepts this as the full name of a ref."""
    return check_ref_format(Ref(ref.encode("utf-8", "replace")))


class GitRepo:
    """A bare repository in a folder. All methods may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()  # held from reading a head to moving it
        self._writing = threading.Lock()
        self._objects = DiskObjectStore(str(folder / "objects"))
        self._refs = DiskRefsContainer(str(folder))
        self._blob_heads: dict[str, tuple[int, bytes]] = {}

    @staticmethod
    def create(folder: Path) -> None:
        """Make an empty bare repository, durably."""
        for part in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            make_folders(folder / part)
        write_file(folder / "config", CONFIG)
        write_file(folder / "HEAD", f"ref: {MAIN}\n".encode())

    def close(self) -> None:
        """Let go of the packs that were opened."""
        self._objects.close()

    # -- reading ---------------------------------------------------------------------------------------------------

    def head(self, ref: str) -> str | None:
        """The commit that a ref stands for (an annotated tag's commit), or None without that ref."""
        if not valid_ref(ref):
            return None
        found = self._refs.read_ref(Ref(ref.encode()))
        return None if found is None else self._peel(ObjectID(found))

    def refs(self) -> dict[str, str]:
        """All refs with the commits they stand for, sorted by name."""
        names = sorted(
            name.decode("utf-8", "replace") for name in self._refs.allkeys() if name.startswith(b"refs/")
        )
        heads = ((name, self.head(name)) for name in names)
        return {name: commit for name, commit in heads if commit is not None}

    def resolve(self, revision: str) -> str:
        """The commit that a branch, a tag, a full ref or a commit id (seven digits or more) means.

        Raises:
            RefusalError: RevisionNotFound.
        """
        candidates = (revision,) if revision.startswith("refs/") else ()
        for ref in (*candidates, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            if (commit := self.head(ref)) is not None:
                return commit
        if HEX.fullmatch(revision):
            matches = {self._peel(found) for found in self._objects.iter_prefix(revision.encode())} - {None}
            if len(matches) == 1 and (only := matches.pop()) is not None:
                return only
        raise revision_not_found(revision)

    def commit(self, commit: str) -> CommitRecord:
        """Read one commit."""
        raw = self._objects[ObjectID(commit.encode())]
        assert isinstance(raw, Commit)
        title, _, message = raw.message.decode("utf-8", "replace").partition("\n")
        return CommitRecord(
            id=commit,
            title=title,
            message=message.strip("\n"),
            author=raw.author.decode("utf-8", "replace").partition(" <")[0],
            date=datetime.fromtimestamp(raw.commit_time, UTC),
            parent=raw.parents[0].decode() if raw.parents else None,
            tree=raw.tree.decode(),
        )

    def history(self, commit: str) -> Iterator[CommitRecord]:
        """A commit and all before it, newest first."""
        following: str | None = commit
        while following is not None:
            record = self.commit(following)
            yield record
            following = record.parent

    def node(self, commit: str, path: str) -> Node | None:
        """What stands at a path of a commit; the empty path is the root folder."""
        found = Node(path, FOLDER, self.commit(commit).tree)
        for name in path.split("/") if path else ():
            if found.mode != FOLDER:
                return None
            children = {child.path: child for child in self._children(found.sha)}
            if name not in children:
                return None
            found = Node(path, children[name].mode, children[name].sha)
        return found

    def walk(self, folder: Node, *, recursive: bool = True) -> Iterator[Node]:
        """What a folder holds, folders before what is in them, in git's order."""
        for child in self._children(folder.sha):
            node = Node(f"{folder.path}/{child.path}" if folder.path else child.path, child.mode, child.sha)
            yield node
            if recursive and node.mode == FOLDER:
                yield from self.walk(node)

    def files(self, commit: str) -> Files:
        """All files of a commit: path to blob id."""
        root = Node("", FOLDER, self.commit(commit).tree)
        return {node.path: node.sha for node in self.walk(root) if node.mode == FILE}

    def blob(self, sha: str) -> bytes:
        """A file's bytes as git holds them: for a large file, its pointer."""
        return self._objects.get_raw(ObjectID(sha.encode()))[1]

    def blob_head(self, sha: str) -> tuple[int, bytes]:
        """A blob's size and its first bytes: enough to tell a pointer. Remembered: blobs never change."""
        if sha not in self._blob_heads:
            content = self.blob(sha)
            self._blob_heads[sha] = (len(content), content[:200])
        return self._blob_heads[sha]

    def tag_message(self, ref: str) -> str:
        """What an annotated tag says; empty for one that says nothing."""
        found = self._refs.read_ref(Ref(ref.encode()))
        tag = None if found is None else self._objects[ObjectID(found)]
        return tag.message.decode("utf-8", "replace").strip() if isinstance(tag, Tag) else ""

    def diff(self, old: str | None, new: str) -> str:
        """What one commit has that another has not, as `git diff` writes it."""
        from io import BytesIO

        from dulwich.patch import write_tree_diff

        before, after = (ObjectID(self.commit(each).tree.encode()) if each else None for each in (old, new))
        text = BytesIO()
        write_tree_diff(text, self._objects, before, after)
        return text.getvalue().decode("utf-8", "replace")

    def _children(self, tree: str) -> Iterator[Node]:
        raw = self._objects[ObjectID(tree.encode())]
        assert isinstance(raw, Tree)
        for item in raw.iteritems():
            yield Node(
                item.path.decode("utf-8", "replace"),
                FOLDER if item.mode == FOLDER else FILE,
                item.sha.decode(),
            )

    def _peel(self, sha: ObjectID) -> str | None:
        try:
            found = self._objects[sha]
            while isinstance(found, Tag):
                found = self._objects[found.object[1]]
        except (KeyError, ValueError):
            return None
        return found.id.decode() if isinstance(found, Commit) else None

    # -- writing ---------------------------------------------------------------------------------------------------

    def add_blob(self, content: bytes) -> str:
        """Write a file's bytes; they count for nothing until a commit names them."""
        blob = Blob.from_string(content)
        self._write([blob])
        return blob.id.decode()

    def add_commit(
        self,
        files: Files,
        *,
        parent: str | None,
        author: str,
        title: str,
        message: str = "",
        date: datetime | None = None,
    ) -> str:
        """Write a commit of exactly these files, durably; no ref names it yet. Without a date it is of now."""
        root, trees = plant(files)
        commit = Commit()
        commit.tree = root
        commit.parents = [ObjectID(parent.encode())] if parent else []
        commit.author = commit.committer = _signature(author)
        commit.author_time = commit.commit_time = int(date.timestamp() if date else time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.encoding = b"UTF-8"
        commit.message = _message(title, message)
        self._write([*trees, commit])
        return commit.id.decode()

    def take(self, other: GitRepo, commit: str) -> str:
        """Copy a commit of another repository here, with its history and all files; returns the commit."""
        records = list(other.history(commit))
        for record in reversed(records):
            root = Node("", FOLDER, record.tree)
            nodes = [*other.walk(root), root]
            for sha in (*(node.sha for node in nodes), record.id):
                if ObjectID(sha.encode()) not in self._objects:
                    self._write([other._objects[ObjectID(sha.encode())]])
        return commit

    def add_tag(self, name: str, commit: str, *, author: str, message: str) -> None:
        """Make a tag, annotated when there is a message.

        Raises:
            RefusalError: 409 when there is a tag of that name.
        """
        target = commit
        if message:
            tag = Tag()
            tag.object = (Commit, ObjectID(commit.encode()))
            tag.name = name.encode()
            tag.tagger = _signature(author)
            tag.tag_time = int(time.time())
            tag.tag_timezone = 0
            tag.message = _message(message, "")
            self._write([tag])
            target = tag.id.decode()
        self.point(f"refs/tags/{name}", target, expected=None)

    def point(self, ref: str, target: str, *, expected: str | None) -> None:
        """Move a ref from `expected` (None: it must not exist) to `target`, durably.

        Raises:
            RefusalError: 400 for a name that git does not accept, 409 when the ref is not as expected.
        """
        if not valid_ref(ref):
            raise bad_request(f"Invalid reference name: {ref}")
        name, new = Ref(ref.encode()), ObjectID(target.encode())
        with self.lock:
            try:
                if expected is None:
                    moved = self._refs.add_if_new(name, new)
                else:
                    moved = self._refs.set_if_equals(name, ObjectID(expected.encode()), new)
            except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
                raise conflict(f"Reference {ref} cannot exist beside the others") from error
            except FileLocked as error:
                raise conflict(f"Another program is changing {ref}; try again") from error
            if not moved:
                known = "already exists" if expected is None else "has moved"
                raise conflict(f"Reference {ref} {known}")
            self._flush_ref(ref)

    def drop(self, ref: str) -> bool:
        """Delete a ref; False when there is none."""
        with self.lock:
            if self.head(ref) is None:
                return False
            self._refs.remove_if_equals(Ref(ref.encode()), None)
            self._flush_ref(ref)
            return True

    def _flush_ref(self, ref: str) -> None:
        folder = (self.folder / ref).parent
        while folder != self.folder:
            if folder.is_dir():
                flush_folder(folder)
            folder = folder.parent
        flush_folder(self.folder)

    def _write(self, objects: Iterable[ShaFile]) -> None:
        """Write objects loose: every file flushed, then its folder. One thread at a time: what is there is flushed."""
        with self._writing:
            self._write_alone(objects)

    def _write_alone(self, objects: Iterable[ShaFile]) -> None:
        touched = set()
        for each in objects:
            sha = each.id.decode()
            folder = self.folder / "objects" / sha[:2]
            path = folder / sha[2:]
            if path.is_file():
                continue
            make_folders(folder)
            aside = (
                folder / f"tmp_obj_{uuid.uuid4().hex}"
            )  # a name that `git gc` clears away, should we die here
            _write_flushed(aside, each.as_legacy_object(compression_level=1))
            aside.replace(path)
            touched.add(folder)
        for folder in touched:
            flush_folder(folder)


def _write_flushed(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _signature(author: str) -> bytes:
    return f"{author} <{author}@localhost>".encode()


def _message(title: str, message: str) -> bytes:
    text = f"{title}\n\n{message}" if message else title
    return text.replace("\x00", "").strip().encode() + b"\n"
