"""Publishing, second half: what was proven appears on `main`, in one guarded commit a repo.

What to do with a repo is told by the proven commit and the Hub alone, so a release that goes on from its own proof
and `hubpub promote`, days later and on another machine, take the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from publisher.errors import HubpubError
from publisher.hub.port import Copy, Delete, Hub, Operation
from publisher.records.artifacts import Kind, RepoRef
from publisher.records.plans import Package, Plan
from publisher.records.receipts import Promoted, ProofLevel, Proven, Staged, Version
from publisher.release.commit import commit_once
from publisher.release.conflict import look_again, pushed_meanwhile
from publisher.release.journal import Journal
from publisher.release.label import staging_branches
from publisher.release.proof_tag import tags_of_proofs
from publisher.release.trailer import trailer_of


@dataclass(frozen=True)
class Candidate:
    """A repo whose new state is proven: `commit` holds what `main` shall hold, and may be `main`'s own head."""

    kind: Kind
    ref: RepoRef
    commit: str
    level: ProofLevel
    private: bool  # as the manifest asks for it


@dataclass(frozen=True)
class Standing:
    """How far a candidate has come: `head` is its commit on `main`, None while it is still to be made on `parent`."""

    head: str | None
    parent: str
    mark: str


def promote(
    hub: Hub,
    plan: Plan,
    packages: Sequence[Package],
    staged: Staged,
    proven: Proven,
    journal: Journal,
    *,
    collection: str | None = None,
    message: str = "",
    notes: Mapping[Kind, str] | None = None,
) -> Promoted:
    """Promote what this run has proven.

    Raises:
        HubpubError: HP-R02 where a proof is missing; HP-H05 where something changed on the Hub since the plan; else as
            `promote_proven` says.
    """
    proofs = {proof.kind: proof for proof in proven.proofs}
    candidates: list[Candidate] = []
    unchanged: dict[RepoRef, str] = {}
    for package in packages:
        proof = proofs.get(package.kind)
        if proof is not None:
            candidates.append(
                Candidate(package.kind, package.ref, proof.commit, proof.level, package.private)
            )
        elif not plan.repo(package.kind).changes:
            unchanged[package.ref] = staged.commits[package.ref.repo_id]
        else:
            raise HubpubError(
                "HP-R02",
                f"{package.ref.repo_id} has no proof, and nothing is promoted without one",
                where=hub.endpoint,
                hint=f"hubpub release {plan.name}",
            )
    look_again(hub, plan, staged)
    return promote_proven(
        hub, plan.name, plan.label, candidates, journal,
        unchanged=unchanged, collection=collection, message=message, notes=notes,
    )  # fmt: skip


def promote_proven(
    hub: Hub,
    name: str,
    label: str,
    candidates: Sequence[Candidate],
    journal: Journal,
    *,
    unchanged: Mapping[RepoRef, str] | None = None,
    collection: str | None = None,
    message: str = "",
    notes: Mapping[Kind, str] | None = None,
) -> Promoted:
    """Promote repos in dependency order: commit, compare, tag, visibility. `clear` is what remains to be done.

    Every step is done only where it is not done yet, so that a promotion that died goes on from where it was.
    `unchanged` are the release's other repos and their commits; `notes` is what the tag of an artifact says.

    Raises:
        HubpubError: HP-R01 where `main` is not what was proven; HP-H05 where someone pushed to `main`; nothing of
            theirs is overwritten, and all repos are looked at before the first one changes.
    """
    version = Version(label.split("+")[0])
    standings = [standing(hub, candidate) for candidate in candidates]
    commits = {ref.repo_id: commit for ref, commit in (unchanged or {}).items()}
    for candidate, found in zip(candidates, standings, strict=True):
        head = found.head or _commit(
            hub, candidate, found, journal, title=f"{name} {label}: {candidate.kind}"
        )
        _compare(hub, candidate, head)
        words = [message, f"{name} {version.number}", (notes or {}).get(candidate.kind, "")]
        _tag_and_show(hub, candidate, version, head, journal, text="\n\n".join(filter(None, words)))
        commits[candidate.ref.repo_id] = head
    refs = [*(unchanged or {}), *(candidate.ref for candidate in candidates)]
    return Promoted(commits, _collect(hub, refs, journal, collection) if collection else None)


def clear(hub: Hub, refs: Iterable[RepoRef], label: str, journal: Journal) -> None:
    """Take away what a promotion leaves: the staging branches, and last the proofs.

    After the receipt is kept: what is still there tells the next run that something is left to do.
    """
    version = Version(label.split("+")[0])
    for ref in refs:
        state = hub.state(ref)
        branches, tags = (state.branches, state.tags) if state else ({}, {})
        for branch in staging_branches(branches, version):
            with journal.step("unbranch", repo=ref.repo_id, branch=branch):
                hub.delete_branch(ref, branch)
        for tag in tags_of_proofs(tags, version):
            with journal.step("unproof", repo=ref.repo_id, tag=tag):
                hub.delete_tag(ref, tag)


def standing(hub: Hub, candidate: Candidate) -> Standing:
    """See how far a candidate has come.

    Raises:
        HubpubError: HP-H05 where `main` is neither what was proven, nor what that continues, nor its promotion.
    """
    ref = candidate.ref
    main = hub.commits(ref, "main")
    if main[0].id == candidate.commit:
        return Standing(candidate.commit, candidate.commit, "")
    staged, *before = hub.commits(ref, candidate.commit)
    parent, mark = before[0].id if before else "", trailer_of(staged) or ""
    if main[0].id == parent:
        return Standing(None, parent, mark)
    if mark and trailer_of(main[0]) == mark and main[1:2] == tuple(before[:1]):
        return Standing(main[0].id, parent, mark)
    raise pushed_meanwhile(hub, ref, parent)


def changes(hub: Hub, candidate: Candidate, parent: str) -> list[Operation]:
    """What takes `main` from the parent to the proven commit: copies on the Hub, and deletions. No bytes are sent."""
    old = {file.path: file.blob_id for file in hub.tree(candidate.ref, parent)}
    new = {file.path: file.blob_id for file in hub.tree(candidate.ref, candidate.commit)}
    copied = [Copy(path, candidate.commit) for path, blob in new.items() if old.get(path) != blob]
    return [*copied, *(Delete(path) for path in old if path not in new)]


def _commit(hub: Hub, candidate: Candidate, found: Standing, journal: Journal, *, title: str) -> str:
    ref, parent = candidate.ref, found.parent
    operations = changes(hub, candidate, parent)
    with journal.step("promote", repo=ref.repo_id, parent=parent, staged=candidate.commit):
        try:
            return commit_once(hub, ref, "main", operations, mark=found.mark, title=title, parent=parent)
        except HubpubError as fault:
            if fault.code != "HP-H05":
                raise
            raise pushed_meanwhile(hub, ref, parent) from fault


def _compare(hub: Hub, candidate: Candidate, head: str) -> None:
    if head == candidate.commit:
        return
    proven = {(f.path, f.blob_id) for f in hub.tree(candidate.ref, candidate.commit)}
    promoted = {(f.path, f.blob_id) for f in hub.tree(candidate.ref, head)}
    if proven != promoted:
        differing = sorted({path for path, _ in proven ^ promoted})
        raise HubpubError(
            "HP-R01",
            f"main of {candidate.ref.repo_id} is not what was proven: {', '.join(differing[:3])}",
            where=f"{hub.endpoint}/{candidate.ref.repo_id}",
            hint="the repo keeps its visibility and gets no tag; run hubpub plan to see the difference",
        )


def _tag_and_show(
    hub: Hub, candidate: Candidate, version: Version, head: str, journal: Journal, *, text: str
) -> None:
    ref = candidate.ref
    state = hub.state(ref)
    if state is None:
        raise AssertionError(f"{ref.repo_id} was promoted and is gone")
    if version.tag not in state.tags:  # a card revision leaves its version's tag where it is
        proof = f"proof: {candidate.level}\nstaged: {candidate.commit}"
        with journal.step("tag", repo=ref.repo_id, tag=version.tag, at=head):
            hub.create_tag(ref, version.tag, at=head, message=f"{text}\n\n{proof}")
    if state.private != candidate.private:
        with journal.step("visibility", repo=ref.repo_id, to="private" if candidate.private else "public"):
            hub.set_visibility(ref, private=candidate.private)


def _collect(hub: Hub, refs: Sequence[RepoRef], journal: Journal, title: str) -> str:
    owner = refs[-1].repo_id.split("/", 1)[0]
    with journal.step("collection", title=title):
        return hub.add_to_collection(owner, title, refs)
