"""What an archive would unpack, read from its directory or its headers: nothing is unpacked.

Bounded: a hostile archive may claim to hold anything.
"""

from __future__ import annotations

import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from publisher.checks.observe.pickles import SourceFile
from publisher.checks.observe.target import RepoView
from publisher.checks.source import Entry, Source

ZIPS = (".zip", ".npz", ".whl")
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_LONGEST_LINK = 4096  # characters
_MOST_MEMBERS = 200_000
_MOST_UNPACKED_BYTES = 64 * 1024 * 1024  # of a packed tar, whose headers lie between its contents
_UPWARDS = re.compile(r"^(?:[/\\]|[A-Za-z]:[/\\])|(?:^|[/\\])\.\.(?:[/\\]|$)")
# What the readers raise on what is damaged, encrypted or packed in a way that they do not know.
_NO_ARCHIVE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, OSError, ValueError, NotImplementedError,
    RuntimeError, EOFError, struct.error, OverflowError, MemoryError, IndexError, KeyError, TypeError,
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One file of an archive: its name, what it links to if it is a link, its bytes unpacked."""

    name: str
    link: str = ""
    size: int = 0

    @property
    def leads_out(self) -> bool:
        """Whether unpacking it may write outside of the folder that it is unpacked in."""
        return _UPWARDS.search(self.name) is not None or self._links_out

    @property
    def _links_out(self) -> bool:
        """A link may lead upwards as long as it stays inside, as `a/b -> ../c` does."""
        depth = self.name.strip("/").count("/")
        for part in re.split(r"[/\\]", self.link):
            depth += -1 if part == ".." else 0 if part in ("", ".") else 1
            if depth < 0:
                return True
        return self.link.startswith(("/", "\\"))


class Archives:
    """Lists archives on demand."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @classmethod
    def observe(cls, view: RepoView) -> Archives:
        """Nothing is read before a rule asks."""
        return cls(view.source)

    def members(self, entry: Entry) -> Iterator[Member]:
        """An archive's members, as many as can be read; none of what is no archive, or would have to be fetched whole."""
        file = SourceFile(self._source, entry.path, entry.size)
        try:
            if entry.path.endswith(ZIPS):
                yield from _of_zip(file)
            elif entry.path.endswith(TARS) and self._source.near:
                yield from _of_tar(file, entry.path)
        except _NO_ARCHIVE:
            return


def _of_zip(file: SourceFile) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist()[:_MOST_MEMBERS]:
            link = ""
            if stat.S_ISLNK(member.external_attr >> 16) and member.file_size <= _LONGEST_LINK:
                link = archive.read(member).decode("utf-8", "replace")
            yield Member(member.filename, link, member.file_size)


def _of_tar(file: SourceFile, path: str) -> Iterator[Member]:
    plain = path.endswith(".tar")
    with tarfile.open(fileobj=file) as archive:
        for member in islice(archive, _MOST_MEMBERS):
            yield Member(member.name, member.linkname if member.issym() else "", member.size)
            if member.islnk():  # its target is named from the archive's top
                yield Member(member.linkname)
            if not plain and member.offset_data + member.size > _MOST_UNPACKED_BYTES:
                return  # the next header lies behind what would have to be unpacked
