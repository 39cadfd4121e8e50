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
from publisher.hub.port import Commit, Hub
from publisher.pipeline.foreign import Place
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
    source = HubSource(hub, place.ref, commits[0].id)
    earlier = _earlier(place.ref, commits, hub)
    known = (_elsewhere(RepoView(source), hub), Itself(place.ref.repo_id), *((earlier,) if earlier else ()))
    return RepoView(source, *known)


def _earlier(ref: RepoRef, commits: Sequence[Commit], hub: Hub) -> Earlier | None:
    """The newest tagged state before the one that is looked at, newest commit first; None where there is none."""
    state = hub.state(ref)
    tags = {} if state is None else {commit: tag for tag, commit in state.tags.items()}
    tagged = next((commit.id for commit in commits[1:] if commit.id in tags), None)
    if tagged is None:
        return None
    card = RepoView(HubSource(hub, ref, tagged)).observe(Metadata)
    licences = () if isinstance(card, Absent) else tuple(value.data for value in card.texts("license"))
    return Earlier(tags[tagged], licences)


def _elsewhere(view: RepoView, hub: Hub) -> Elsewhere:
    """Which of the card's base models its Hub has. A Hub on this machine cannot say what the real one lacks."""
    card = view.observe(Metadata)
    has: dict[str, bool | None] = {}
    for value in () if isinstance(card, Absent) else card.texts("base_model")[:_MOST_BASES]:
        there = value.data.count("/") == 1 and hub.state(RepoRef(value.data)) is not None
        has[value.data] = True if there else None if hub.on_this_machine else False
    return Elsewhere(hub.endpoint, has)
