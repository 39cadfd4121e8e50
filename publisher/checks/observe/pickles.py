"""What a pickle would import if it were loaded, read from its opcodes: nothing is unpickled.

torch writes either a zip archive whose data.pkl is the pickle, or several pickles one after another. Source of what is
dangerous: the opcodes GLOBAL, INST and STACK_GLOBAL import any name (https://docs.python.org/3/library/pickle.html).
"""

from __future__ import annotations

import io
import lzma
import pickletools
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from publisher.checks.observe.files import Files
from publisher.checks.observe.target import Heads, RepoView
from publisher.checks.source import Entry, Source

MAX_BYTES = 16 * 1024 * 1024  # of one pickle; weights themselves lie outside of it
_FAR_BYTES = 1024 * 1024  # of it, where all comes over a network: imports stand in front
# What zipfile raises on an archive that is damaged, encrypted or packed in a way that it does not know.
_NO_ARCHIVE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError, NotImplementedError, RuntimeError, EOFError, struct.error,
)  # fmt: skip
_ENDINGS = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill")
# Names that torch.save wrote whenever they were seen; any other .bin is judged by its first bytes.
_NAMES = re.compile(
    r"(?:.{0,300}/)?(?:(?:pytorch|adapter|diffusion_pytorch)_model[\w.-]{0,80}|training_args|optimizer|scheduler)\.bin"
)
_ZIP = b"PK\x03\x04"
_HEAD_BYTES = 128  # a torch archive's first member is <folder>/data.pkl
_MAX_OPCODES = 2_000_000
_MOST_PICKLES = 8  # one after another in one file: torch's old form has five
_MOST_MEMBERS = 2_000

# Modules that reach the machine. Names from torch, numpy, transformers and so on are what such files are made of.
_DANGEROUS = frozenset((
    "os", "posix", "nt", "subprocess", "sys", "socket", "shutil", "runpy", "importlib", "pty", "ctypes", "pickle",
    "_pickle", "requests", "urllib", "http", "httpx", "webbrowser", "code", "codeop", "pdb", "bdb", "timeit",
    "cProfile", "profile", "pip", "commands", "popen2", "asyncio", "multiprocessing", "threading", "tempfile",
    "pathlib", "io", "ftplib", "smtplib", "telnetlib", "pydoc", "doctest", "trace", "venv", "ensurepip",
))  # fmt: skip
_BUILTINS = frozenset(("builtins", "__builtin__"))
_DANGEROUS_BUILTINS = frozenset(
    (
        "eval",
        "exec",
        "compile",
        "open",
        "__import__",
        "input",
        "breakpoint",
        "globals",
        "vars",
        "delattr",
        "execfile",
    )
)
_HARMLESS = frozenset(
    (("pathlib", "PosixPath"), ("pathlib", "Path"), ("pathlib", "WindowsPath"), ("io", "BytesIO"))
)


@dataclass(frozen=True)
class Scan:
    """What loading would import, and the texts that it would make. `whole`: all of it was read."""

    imports: frozenset[tuple[str, str]] = frozenset()
    whole: bool = False
    texts: frozenset[str] = frozenset()

    @property
    def dangerous(self) -> tuple[str, ...]:
        """The imports that reach the machine, as `module.name`."""
        return tuple(
            sorted(f"{module}.{name}" for module, name in self.imports if _is_dangerous(module, name))
        )


class Pickles:
    """Scans files on demand."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._scans: dict[str, Scan] = {}

    @classmethod
    def observe(cls, view: RepoView) -> Pickles:
        """Nothing is read before a rule asks."""
        return cls(view.source)

    def find(self, files: Files, heads: Heads) -> Iterator[Entry]:
        """The pickled files: by name, and .bin files of other names by their first bytes."""
        for entry in files:
            named = entry.path.endswith(_ENDINGS) or _NAMES.fullmatch(entry.path)
            judged = entry.path.endswith(".bin") and entry.readable
            if named or (judged and _looks_pickled(heads.of(entry.path, _HEAD_BYTES))):
                yield entry

    def open(self, path: str, size: int) -> SourceFile:
        """One file, to be read in pieces."""
        return SourceFile(self._source, path, size)

    def scan(self, path: str, size: int) -> Scan:
        """Read one file's opcodes, once; what is no pickle has no imports."""
        if path not in self._scans:
            self._scans[path] = self._scan(path, size)
        return self._scans[path]

    def _scan(self, path: str, size: int) -> Scan:
        file = self.open(path, size)
        try:
            if file.read(4) == _ZIP:
                return self._scan_archive(file)
            file.seek(0)
            return scan_pickle(file.read(MAX_BYTES if self._source.near else _FAR_BYTES))
        except OSError:  # reported by the rule on unreadable files
            return Scan()

    def _scan_archive(self, file: SourceFile) -> Scan:
        scans = []
        try:
            with zipfile.ZipFile(file) as archive:
                for member in archive.infolist()[:_MOST_MEMBERS]:
                    if member.filename.endswith(".pkl"):
                        with archive.open(member) as content:  # read() in pieces: a bomb is cut off here
                            scans.append(scan_pickle(content.read(MAX_BYTES)))
        except _NO_ARCHIVE:
            return Scan()
        return Scan(
            frozenset().union(*(scan.imports for scan in scans)),
            all(scan.whole for scan in scans),
            frozenset().union(*(scan.texts for scan in scans)),
        )


class SourceFile(io.RawIOBase):
    """One file of a source as a file object that can seek."""

    def __init__(self, source: Source, path: str, size: int) -> None:
        self._source, self._path, self._size = source, path, size
        self._position = 0

    def seekable(self) -> bool:
        """Always."""
        return True

    def readable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position, in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, and return the new position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("before the beginning")
        self._position = start + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, at most `MAX_BYTES` in one go."""
        wanted = MAX_BYTES if size < 0 else min(size, MAX_BYTES)
        taken = self._source.read(self._path, start=self._position, limit=wanted)
        self._position += len(taken)
        return taken


def scan_pickle(raw: bytes) -> Scan:
    """The imports of one or several pickles; where the opcodes end in nonsense, those before it."""
    stream = io.BytesIO(raw)
    imports: set[tuple[str, str]] = set()
    said: set[str] = set()
    whole = False
    try:
        for _ in range(_MOST_PICKLES):
            imports.update(_imports(stream, said))
            if stream.tell() >= len(raw):
                whole = len(raw) < MAX_BYTES
                break
    except (ValueError, struct.error, OverflowError, IndexError, MemoryError):
        pass  # what stands before the nonsense was read
    return Scan(frozenset(imports), whole, frozenset(said))


def _imports(stream: io.BytesIO, said: set[str]) -> Iterator[tuple[str, str]]:
    """The names that one pickle imports; STACK_GLOBAL takes the last two texts, which the memo may repeat.

    Every text goes into `said`, too.
    """
    texts: list[str] = []
    memo: dict[int, str] = {}
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if count > _MAX_OPCODES:
            raise ValueError("too many opcodes")
        name = opcode.name
        if name in ("GLOBAL", "INST"):
            module, _, attribute = str(argument).partition(" ")
            yield module, attribute
        elif name == "STACK_GLOBAL":
            yield (texts[-2], texts[-1]) if len(texts) > 1 else ("?", "?")
        elif isinstance(argument, str):
            texts = [*texts[-3:], argument]
            said.add(argument)
        elif name in ("BINGET", "LONG_BINGET", "GET") and isinstance(argument, int):
            texts = [*texts[-3:], memo.get(argument, "?")]
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT") and texts:
            memo[len(memo) if name == "MEMOIZE" else int(argument or 0)] = texts[-1]


def _looks_pickled(head: bytes) -> bool:
    protocol = len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5
    return protocol or (head.startswith(_ZIP) and b"data.pkl" in head)


def _is_dangerous(module: str, name: str) -> bool:
    if (module, name) in _HARMLESS:
        return False
    if module in _BUILTINS:
        return name in _DANGEROUS_BUILTINS
    return module.partition(".")[0] in _DANGEROUS
