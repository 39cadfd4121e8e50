"""A target as observations: what can be known about a repo from its files, each made once, when first needed.

An observation that cannot be made is `Absent` with a reason; rules that need it are skipped with that reason.
A new kind of knowledge is a new class: with a class method `observe(view)` where it has a file of its own, else with
one line in `OBSERVERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from publisher.checks.observe import readme as readme_module
from publisher.checks.observe.files import Files, RepoKind, recognise
from publisher.checks.observe.frontmatter import UnboundedError, Value, YamlFault, read_yaml
from publisher.checks.observe.jsons import (
    MAX_BYTES,
    AdapterConfig,
    FactsFile,
    GenerationConfig,
    JsonFile,
    ModelConfig,
    NotJsonError,
    TensorsFile,
    TokenizerConfig,
    parse_json,
)
from publisher.checks.observe.readme import README, Metadata, Readme
from publisher.checks.observe.tensors import ADAPTER_WEIGHTS, AdapterTensors, Header, Headers, read_header
from publisher.checks.observe.texts import Texts
from publisher.checks.source import Source

T = TypeVar("T")


@dataclass(frozen=True)
class Absent:
    """An observation that could not be made.

    Attributes:
        reason: for the reader of the report.
        missing: the thing does not exist; False: it exists and cannot be read, so nobody knows what it says.
    """

    reason: str
    missing: bool = False


def unreadable(error: OSError) -> Absent:
    """What stands for knowledge from a file that cannot be read, or went away during the check."""
    return Absent(f"{error.filename or 'a file'} cannot be read: {error.strerror}")


@dataclass(frozen=True)
class Given:
    """The files where a whole repo was given, None for a card alone: for rules that can speak of a card too."""

    files: Files | None


class Heads:
    """The first bytes of files: what a file is, whatever it is called."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def of(self, path: str, count: int) -> bytes:
        """The first `count` bytes of a file; none where it cannot be read."""
        try:
            return self._source.read(path, limit=count)
        except OSError:
            return b""


@dataclass(frozen=True)
class FrontMatter:
    """The front-matter block as it was read, faults and all."""

    top: Value | None
    faults: tuple[YamlFault, ...]


@dataclass(frozen=True)
class JsonFault:
    """A JSON file that tools will look for and cannot read."""

    path: str
    message: str
    line: int | None


@dataclass(frozen=True)
class JsonFaults:
    """All of them."""

    faults: tuple[JsonFault, ...]


class RepoView:
    """What is known about one target. Nothing in it changes; what was observed stays observed.

    `known` are observations that its files cannot give.
    """

    def __init__(self, source: Source, *known: object) -> None:
        self.source = source
        self._seen: dict[type[Any], Any] = {type(each): each for each in known}

    def told(self, *known: object) -> RepoView:
        """The same target and what was observed of it, with more that its files cannot give."""
        view = RepoView(self.source)
        view._seen = self._seen | {type(each): each for each in known}
        return view

    def observe(self, wanted: type[T]) -> T | Absent:
        """The observation of a class, made now or earlier.

        Raises:
            AttributeError: nobody knows how to observe that.
        """
        if wanted not in self._seen:
            observer = OBSERVERS.get(wanted) or cast("Any", wanted).observe
            try:
                self._seen[wanted] = observer(self)
            except OSError as error:
                self._seen[wanted] = unreadable(error)
        return cast("T | Absent", self._seen[wanted])


def _files(view: RepoView) -> Files | Absent:
    if not view.source.whole:
        return Absent("only a card was given, not its repo's files")
    return Files(view.source.entries())


def _readme(view: RepoView) -> Readme | Absent:
    entry = Files(view.source.entries()).get(README)
    if entry is None:
        return Absent(f"no {README}", missing=True)
    if entry.size > readme_module.MAX_BYTES:
        return Absent(f"{README} is larger than {readme_module.MAX_BYTES // 2**20} MB")
    try:
        return Readme.parse(view.source.read(README))
    except OSError as error:
        return Absent(f"{README} cannot be read: {error.strerror}")


def _front_matter(view: RepoView) -> FrontMatter | Absent:
    readme = view.observe(Readme)
    if isinstance(readme, Absent):
        return readme
    if readme.block is None:
        return Absent(f"{README} has no front matter", missing=True)
    if readme.block.last is None:
        return Absent(f"{README}: the front matter is never closed")
    try:
        return FrontMatter(*read_yaml(readme.block))
    except UnboundedError as error:
        return Absent(f"{README}: {error}")


def _metadata(view: RepoView) -> Metadata | Absent:
    front_matter = view.observe(FrontMatter)
    if isinstance(front_matter, Absent):
        readme = view.observe(Readme)
        if front_matter.missing and not isinstance(readme, Absent):
            return Metadata(
                Value({}, 1, 1, {}), 1
            )  # no front matter: every key is missing, and that is known
        return front_matter
    readme = view.observe(Readme)
    if front_matter.top is None or isinstance(readme, Absent) or readme.block is None:
        return Absent(f"{README}: the front matter cannot be read")
    return Metadata(front_matter.top, readme.block.first)


def _kind(view: RepoView) -> RepoKind | Absent:
    files, metadata = view.observe(Files), view.observe(Metadata)
    keys = frozenset() if isinstance(metadata, Absent) else frozenset(metadata.members)
    return recognise(None if isinstance(files, Absent) else files, keys)


def _json(file: type[Any]) -> Callable[[RepoView], JsonFile | Absent]:
    def observe(view: RepoView) -> JsonFile | Absent:
        files = view.observe(Files)
        if isinstance(files, Absent):
            return files
        entry = files.get(file.file)
        if entry is None:
            return Absent(f"no {file.file}", missing=True)
        try:
            return cast("JsonFile", file(file.file, *_parsed(view.source, file.file, entry.size)))
        except NotJsonError as error:
            return Absent(f"{file.file}: {error}")

    return observe


def _parsed(source: Source, path: str, size: int) -> tuple[str, dict[str, Any]]:
    if size > MAX_BYTES:
        raise NotJsonError(f"larger than {MAX_BYTES // 2**20} MB")
    try:
        return parse_json(source.read(path))
    except OSError as error:
        raise NotJsonError(f"cannot be read: {error.strerror}") from None


@dataclass(frozen=True)
class ShardIndexes:
    """Every `*.safetensors.index.json` that is a JSON mapping."""

    files: tuple[JsonFile, ...]


def _indexes(view: RepoView) -> ShardIndexes | Absent:
    files = view.observe(Files)
    if isinstance(files, Absent):
        return files
    entries = files.ending(".safetensors.index.json")
    if not entries:
        return Absent("no shard index", missing=True)
    found = []
    for entry in entries:
        try:
            found.append(JsonFile(entry.path, *_parsed(view.source, entry.path, entry.size)))
        except NotJsonError as error:
            return Absent(f"{entry.path}: {error}")
    return ShardIndexes(tuple(found))


def _json_faults(view: RepoView) -> JsonFaults | Absent:
    files = view.observe(Files)
    if isinstance(files, Absent):
        return files
    known = {kind.file for kind in (ModelConfig, AdapterConfig, TokenizerConfig, GenerationConfig)}
    faults = []
    for entry in files:
        if entry.path in known or entry.path.endswith(".safetensors.index.json"):
            try:
                _parsed(view.source, entry.path, entry.size)
            except NotJsonError as error:
                faults.append(JsonFault(entry.path, str(error), error.line))
    return JsonFaults(tuple(faults))


def _headers(view: RepoView) -> Headers | Absent:
    files = view.observe(Files)
    if isinstance(files, Absent):
        return files
    entries = files.ending(".safetensors")
    if not entries:
        return Absent("no safetensors file", missing=True)
    headers = []
    for entry in entries:
        try:
            headers.append(read_header(view.source, entry))
        except OSError as error:
            headers.append(Header(entry.path, {}, {}, (f"the file cannot be read: {error.strerror}",)))
    return Headers(tuple(headers))


def _adapter_tensors(view: RepoView) -> AdapterTensors | Absent:
    headers = view.observe(Headers)
    if isinstance(headers, Absent):
        return headers
    header = next((header for header in headers.files if header.path == ADAPTER_WEIGHTS), None)
    if header is None:
        return Absent(f"no {ADAPTER_WEIGHTS}", missing=True)
    if header.pointer:
        return Absent(f"{ADAPTER_WEIGHTS} is a Git LFS pointer")
    if header.faults:
        return Absent(f"{ADAPTER_WEIGHTS} is damaged")
    return AdapterTensors(header)


OBSERVERS: Mapping[type[Any], Callable[[RepoView], Any]] = {
    Files: _files,
    Given: lambda view: Given(Files(view.source.entries()) if view.source.whole else None),
    RepoKind: _kind,
    Heads: lambda view: Heads(view.source),
    Readme: _readme,
    FrontMatter: _front_matter,
    Metadata: _metadata,
    ModelConfig: _json(ModelConfig),
    AdapterConfig: _json(AdapterConfig),
    TokenizerConfig: _json(TokenizerConfig),
    GenerationConfig: _json(GenerationConfig),
    FactsFile: _json(FactsFile),
    TensorsFile: _json(TensorsFile),
    JsonFaults: _json_faults,
    ShardIndexes: _indexes,
    Headers: _headers,
    AdapterTensors: _adapter_tensors,
    Texts: lambda view: Texts(view.source),
}
