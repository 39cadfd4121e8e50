"""A repo's README, merged with what others made of it on the Hub: what was rendered last, what is rendered now, theirs.

What was rendered last is the README of our newest commit on `main`, or `evidence/card.md` beside it where edits had
been merged into that README before: those are no words of ours, so the next merge must see them as edits again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from publisher.card.banner import EARLIER, with_banner
from publisher.card.threeway import Merge, merge
from publisher.card.trace import Rendered
from publisher.hub.port import Hub, RemoteFile
from publisher.hub.retry import retried
from publisher.records.artifacts import README, RENDERING, FileRecord, Kind, RepoRef
from publisher.records.plans import Edit, Package, Readme
from publisher.release import trailer
from publisher.release.rename import where_it_stands


@dataclass(frozen=True)
class OnHub:
    """A README as others left it.

    Attributes:
        base: the card as we rendered it when we published last.
        text: what `main` holds; None where it was deleted or is no text.
        blob: its id.
        untouched: it is what we published.
    """

    base: str
    text: str | None
    blob: str | None
    untouched: bool


def settle(
    hub: Hub,
    name: str,
    packages: Sequence[Package],
    cards: Mapping[Kind, str],
    traced: Callable[[Kind], Rendered],
    former: Mapping[Kind, RepoRef] | None = None,
) -> tuple[Package, ...]:
    """The packages with the READMEs that `main` of their repos shall hold. Reads only.

    Args:
        hub: where they go.
        name: of the release.
        packages: with their cards as rendered.
        cards: the cards' texts.
        traced: the same with their traces; asked for only where there are edits.
        former: the repos that the artifacts were released to last.
    """
    settled = []
    for package in packages:
        if README not in {file.path for file in package.card}:
            settled.append(package)
            continue
        ref = where_it_stands(hub, package, (former or {}).get(package.kind)).ref
        found, text = on_hub(hub, ref, name), cards[package.kind]
        edited = found is not None and found.text not in (found.base, text)
        outcome = merged(found, traced(package.kind)) if found and edited else Merge(text)
        settled.append(
            _with_readme(package, Readme(outcome.text, text, outcome.edits, found.blob if found else None))
        )
    return tuple(settled)


def on_hub(hub: Hub, ref: RepoRef, name: str) -> OnHub | None:
    """A repo's README; None where we never published there, so that nothing in it is an edit of ours."""
    state = hub.state(ref)
    marked = trailer.labels(hub.commits(ref, state.head), name) if state and state.head else []
    if state is None or state.head is None or not marked:
        return None
    published = marked[0][1].id
    theirs = _tree(hub, ref, state.head)
    last = theirs if published == state.head else _tree(hub, ref, published)
    ours = _text(hub, ref, published, last.get(README)) or ""
    blob = theirs[README].blob_id if README in theirs else None
    untouched = README in last and blob == last[README].blob_id
    text = ours if untouched else _text(hub, ref, state.head, theirs.get(README))
    rendered = _text(hub, ref, published, last.get(RENDERING))
    return OnHub(ours if rendered is None else _under_banner(rendered, ours), text, blob, untouched)


def merged(found: OnHub, ours: Rendered) -> Merge:
    """What becomes of a README on the Hub."""
    if found.text is None:
        return Merge(ours.text, (Edit("the whole README", False, "deleted, or no text", "", ""),))
    outcome = merge(found.base, ours, found.text)
    if found.untouched and found.base == ours.text:  # nothing new on either side: what we published stays
        return replace(outcome, text=found.text)
    return outcome


def not_as_rendered(ours: Iterable[FileRecord], there: Iterable[FileRecord]) -> tuple[FileRecord, ...]:
    """Of what `main` holds, the README and the rendering beside it, where the README is not the one we rendered."""
    own = tuple(file for file in there if file.path in (README, RENDERING))
    rendered = {file for file in ours if file.path == README}
    return () if {file for file in own if file.path == README} <= rendered else own


def _with_readme(package: Package, readme: Readme) -> Package:
    others = (file for file in package.card if file.path not in (README, RENDERING))
    written = (_record(path, text) for path, text in readme.texts.items())
    return replace(package, card=tuple(sorted((*others, *written))), readme=readme)


def _record(path: str, text: str) -> FileRecord:
    content = text.encode()
    return FileRecord(path, len(content), hashlib.sha256(content).hexdigest())


def _tree(hub: Hub, ref: RepoRef, revision: str) -> dict[str, RemoteFile]:
    return {file.path: file for file in hub.tree(ref, revision)}


def _text(hub: Hub, ref: RepoRef, revision: str, file: RemoteFile | None) -> str | None:
    if file is None:
        return None
    content = retried(lambda: b"".join(hub.read(ref, revision, file.path)))
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _under_banner(rendered: str, published: str) -> str:
    """What was rendered, with the banner that a rollback put into the README: that is no edit of others either."""
    banner = EARLIER.search(published)
    return with_banner(rendered, banner.group()) if banner and not EARLIER.search(rendered) else rendered
