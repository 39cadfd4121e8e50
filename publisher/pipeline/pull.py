"""pull: what others changed of the author's words on the Hub comes home into the prose files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from publisher.card.body import ProseEdit
from publisher.card.diff3 import hunks
from publisher.hub.port import Hub
from publisher.manifest.lock import write_whole
from publisher.pipeline.locked_cards import rendered_from_lock
from publisher.pipeline.opened import Release
from publisher.pipeline.packages import pack_unmade
from publisher.records.plans import Edit
from publisher.release.readme import merged, on_hub
from publisher.release.rename import where_it_stands


@dataclass(frozen=True)
class Written:
    """A prose file that has others' edits now. `path` is the manifest's."""

    path: str
    repos: tuple[str, ...]


@dataclass(frozen=True)
class Unwritten:
    """An edit of prose that only its author can take over, with both sides."""

    path: str
    repo_id: str
    why: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class Left:
    """An edit that is none of prose: it stays on the Hub, or ours stands."""

    repo_id: str
    edit: Edit


@dataclass(frozen=True)
class Pulled:
    """What became of all edits."""

    written: tuple[Written, ...] = ()
    unwritten: tuple[Unwritten, ...] = ()
    left: tuple[Left, ...] = ()


def pull(release: Release, hub: Hub) -> Pulled:
    """Write edits on `main` of the repos into the prose files that they belong into, each file in one step.

    Raises:
        HubpubError: HP-C01 where no facts were measured yet, so that there is no card to compare with.
    """
    rendered = rendered_from_lock(release)
    former = release.repos_before(hub.host)
    left: list[Left] = []
    by_file: dict[str, list[tuple[str, ProseEdit]]] = {}
    for package in pack_unmade(release.identity):
        ref = where_it_stands(hub, package, former.get(package.kind)).ref
        found = on_hub(hub, ref, release.paths.name)
        if found is None:
            continue
        outcome = merged(found, rendered[package.kind])
        left += [Left(ref.repo_id, edit) for edit in outcome.edits if not edit.path]
        for edit in outcome.prose:
            by_file.setdefault(edit.region.path, []).append((ref.repo_id, edit))
    written: list[Written] = []
    unwritten: list[Unwritten] = []
    for path, edits in by_file.items():
        refused = _take_over(release.paths.folder / path, edits)
        if refused:
            unwritten += [
                Unwritten(path, repo_id, refused, edit.before, edit.after) for repo_id, edit in edits
            ]
        else:
            written.append(Written(path, tuple(repo_id for repo_id, _ in edits)))
    return Pulled(tuple(written), tuple(unwritten), tuple(left))


def _take_over(file: Path, edits: Sequence[tuple[str, ProseEdit]]) -> str:
    """Write the edits into a prose file; or say why not."""
    raw = file.read_bytes().decode("utf-8-sig")
    text = raw.replace("\r\n", "\n")
    outcomes = {_with_edit(text, edit) for _, edit in edits}
    if None in outcomes:
        return "the line prints a fact, or is written otherwise here"
    if len(outcomes) > 1:
        return "it was edited differently in two repos"
    (outcome,) = outcomes
    write_whole(file, str(outcome).replace("\n", "\r\n") if "\r\n" in raw else str(outcome))
    return ""


def _with_edit(text: str, edit: ProseEdit) -> str | None:
    """A prose file with what others changed of it; None where the changed lines are not in it as they were printed."""
    written = text.rstrip("\n")
    ours, theirs = written.split("\n"), edit.after.split("\n")
    lines: list[str] = []
    at = 0
    for hunk in hunks(edit.before.split("\n"), ours, theirs):
        if hunk.changed == "both":
            return None
        lines += ours[at : hunk.ours[0]]
        lines += theirs[slice(*hunk.theirs)] if hunk.changed == "theirs" else ours[slice(*hunk.ours)]
        at = hunk.ours[1]
    return "\n".join([*lines, *ours[at:]]) + text[len(written) :]
