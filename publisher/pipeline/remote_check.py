"""A published repo as a check sees it: small files whole, of weights and data nothing but headers and footers."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from publisher.checks.observe.earlier import Earlier
from publisher.checks.observe.itself import Itself
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.statements import Elsewhere
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.source import Entry
from publisher.errors import HubpubError
from publisher.hub.port import Commit, Hub, RepoState
from publisher.pipeline.foreign import Place
from publisher.pipeline.read_ahead import ReadAhead
from publisher.pipeline.side_by_side import side_by_side
from publisher.records.artifacts import RepoRef

SMALL_BYTES = 1024 * 1024  # a file up to this is fetched at once, and kept
MOST_BYTES = 64 * 1024 * 1024  # at one go: the longest JSON that a check reads
# Read in parts whatever their size: weights and data stay where they are.
_IN_PARTS = (
    ".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".h5", ".onnx",
    ".msgpack", ".npy", ".npz", ".parquet", ".arrow", ".jsonl", ".ndjson", ".csv", ".tsv", ".zip", ".tar", ".gz",
)  # fmt: skip
_MOST_BASES = 10


class HubSource:
    """The files of a repo at one commit. What was read once is not fetched again.

    Every fault of the Hub is a HubpubError: an answer that did not come says nothing about the file.
    """

    whole = True
    near = False

    def __init__(self, hub: Hub, ref: RepoRef, commit: str) -> None:
        self._hub, self._ref, self._commit = hub, ref, commit
        self._entries = tuple(sorted(Entry(file.path, file.size) for file in hub.tree(ref, commit)))
        self._sizes = {entry.path: entry.size for entry in self._entries}
        self._parts: dict[tuple[str, int, int], bytes] = {}

    def entries(self) -> tuple[Entry, ...]:
        """Every file, sorted by path."""
        return self._entries

    def read(self, path: str, *, start: int = 0, limit: int | None = None) -> bytes:
        """A file's bytes from `start`, at most `limit` of them.

        Raises:
            OSError: there is no such file, or that would be more than a check fetches.
            HubpubError: as the port says.
        """
        size = self._sizes.get(path)
        if size is None:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", path)
        stop = size if limit is None else min(size, start + limit)
        if stop <= start:
            return b""
        if stop - start > MOST_BYTES:
            raise OSError(errno.EFBIG, f"a check fetches no more than {MOST_BYTES // 2**20} MB at once", path)
        if size <= SMALL_BYTES and not path.endswith(_IN_PARTS):
            return self._part(path, 0, size)[start:stop]
        return self._part(path, start, stop)

    def _part(self, path: str, start: int, stop: int) -> bytes:
        key = (path, start, stop)
        if key not in self._parts:
            self._parts[key] = self._hub.read_range(self._ref, self._commit, path, start, stop)
        return self._parts[key]


def look_at(place: Place, hub: Hub) -> RepoView:
    """Open a repo for a check, and ask its Hub for the models that its card is based on.

    Raises:
        HubpubError: HP-H04 no such repo or revision, and as the port says.
    """
    try:
        commits = hub.commits(place.ref, place.revision)
    except HubpubError as fault:
        if fault.code != "HP-H04":
            raise
        kind = "model" if place.ref.repo_type == "model" else "dataset"
        raise HubpubError(
            "HP-H04",
            f"there is no {kind} {place.ref.repo_id} with a revision {place.revision}, or none for this token to see",
            where=hub.endpoint,
            hint="check the name and the revision; a dataset is hf://datasets/OWNER/REPO",
        ) from fault
    source = ReadAhead(HubSource(hub, place.ref, commits[0].id))
    bases = _bases(RepoView(source))
    named = tuple(base for base in bases if base.count("/") <= 1)  # `gpt2` leads to a repo on the real Hub
    ours, *theirs = side_by_side(hub.state, (place.ref, *map(RepoRef, named)))
    there = {base for base, state in zip(named, theirs, strict=True) if state is not None}
    # A Hub on this machine cannot say what the real one lacks.
    otherwise = None if hub.on_this_machine else False
    elsewhere = Elsewhere(hub.endpoint, {base: base in there or otherwise for base in bases})
    earlier = _earlier(place.ref, commits, ours, hub)
    return RepoView(source, elsewhere, Itself(place.ref.repo_id), *((earlier,) if earlier else ()))


def _bases(view: RepoView) -> tuple[str, ...]:
    """The models that the card says it is based on, as they are written."""
    card = view.observe(Metadata)
    values = () if isinstance(card, Absent) else card.texts("base_model")[:_MOST_BASES]
    return tuple(value.data for value in values)


def _earlier(ref: RepoRef, commits: Sequence[Commit], state: RepoState | None, hub: Hub) -> Earlier | None:
    """The newest tagged state before the one that is looked at, newest commit first; None where there is none."""
    tags = {} if state is None else {commit: tag for tag, commit in state.tags.items()}
    tagged = next((commit.id for commit in commits[1:] if commit.id in tags), None)
    if tagged is None:
        return None
    card = RepoView(HubSource(hub, ref, tagged)).observe(Metadata)
    licences = () if isinstance(card, Absent) else tuple(value.data for value in card.texts("license"))
    return Earlier(tags[tagged], licences)
