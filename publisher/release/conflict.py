"""Someone else's work between plan and promotion: shown with both sides, never overwritten.

What the plan saw of every repo is held against the Hub twice: before anything is sent, and before the first repo is
promoted. The commit itself is guarded as well, by its parent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile

from publisher.errors import HubpubError
from publisher.hub.port import Commit, Hub, RepoState
from publisher.records.artifacts import Kind, RepoRef
from publisher.records.plans import Plan, RepoPlan, Seen, Step
from publisher.records.receipts import Staged
from publisher.release import trailer

SHOWN = 3  # paths, and commits


@dataclass(frozen=True)
class Difference:
    """One thing that is not as the plan saw it, with both sides."""

    repo_id: str
    what: str
    planned: str
    found: str
    text: str


def look_again(hub: Hub, plan: Plan, staged: Staged | None = None) -> Mapping[Kind, str]:
    """Hold all repos against what the plan saw, or against what publishing made of it once something is staged.

    Returns the commit that `main` of each repo is at.

    Raises:
        HubpubError: HP-H05 with everything that differs.
    """
    heads: dict[Kind, str] = {}
    differences: list[Difference] = []
    for repo in plan.repos:
        expected = repo.seen if staged is None else _published(repo)
        where = repo.ref if expected is None else RepoRef(expected.repo_id, repo.ref.repo_type)
        state = hub.state(where)
        head = repo.head if staged is None else _staged_upon(hub, repo, staged)
        differences += _differences(hub, plan, repo, expected, head, state)
        if staged is not None and state is not None:
            differences += _on_our_branch(hub, plan, repo, state, staged)
        if head is not None:
            heads[repo.artifact] = head
    if differences:
        raise _conflict(hub, plan, differences)
    return heads


def look_before_sending(hub: Hub, plan: Plan, repo: RepoPlan) -> tuple[str, Mapping[str, str]]:
    """See once more, just before its files are sent, that a repo is as publishing left it.

    Returns the commit that `main` is at, and all branches.

    Raises:
        HubpubError: HP-H05 where it is not.
    """
    state = hub.state(repo.ref)
    differences = _differences(hub, plan, repo, _published(repo), repo.head, state)
    if state is not None and state.head is None and not differences:
        text = f"{repo.ref.repo_id} has no branch main"
        differences = [Difference(repo.ref.repo_id, "push", "main", "no main", text)]
    if differences or state is None or state.head is None:
        raise _conflict(hub, plan, differences)
    return state.head, state.branches


def refuse_foreign_branch(hub: Hub, ref: RepoRef, name: str, branch: str, main: Sequence[Commit]) -> None:
    """See whether a staging branch is one that we may replace: it ends in a commit of ours, or of `main`.

    Raises:
        HubpubError: HP-H05 where it holds someone else's work.
    """
    newest = hub.commits(ref, branch)[0]
    if newest.id in {commit.id for commit in main} or trailer.labels([newest], name):
        return
    raise HubpubError(
        "HP-H05",
        f"the branch {branch} of {ref.repo_id} is where this version is staged, and holds someone else's commit: "
        f"{_said(newest)}",
        where=f"{hub.endpoint}/{ref.repo_id}",
        hint=f"nothing was overwritten; rename or delete that branch, then: hubpub release {name}",
        found=newest.id,
        branch=branch,
    )


def pushed_meanwhile(hub: Hub, ref: RepoRef, planned: str, repo: RepoPlan | None = None) -> HubpubError:
    """The error that says what was pushed to `main`, and what the plan would have changed."""
    newest = hub.commits(ref, "main")[0]
    return HubpubError(
        "HP-H05",
        _pushed(hub, ref, planned, newest.id, repo),
        where=f"{hub.endpoint}/{ref.repo_id}",
        hint=f"nothing was overwritten; hubpub plan shows both sides, hubpub release goes on: {ref.repo_id}",
        planned=planned,
        found=newest.id,
    )


def _published(repo: RepoPlan) -> Seen:
    """What a repo must look like once publishing has begun with it: created, renamed or hidden as planned."""
    hidden = repo.seen is None or Step("visibility", "private") in repo.changes
    return Seen(
        repo.ref.repo_id,
        private=hidden or (repo.seen is not None and repo.seen.private),
        gated=repo.seen is not None and repo.seen.gated,
    )


def _staged_upon(hub: Hub, repo: RepoPlan, staged: Staged) -> str | None:
    """The commit of `main` that what was staged continues."""
    if repo.head is not None:
        return repo.head
    # A repo that the plan created has had one commit since, the Hub's own: what was staged stands on that.
    commit = staged.commits.get(repo.ref.repo_id)
    return hub.commits(repo.ref, commit)[1].id if commit else None


def _differences(
    hub: Hub, plan: Plan, repo: RepoPlan, expected: Seen | None, head: str | None, state: RepoState | None
) -> list[Difference]:
    repo_id = repo.ref.repo_id if expected is None else expected.repo_id
    if state is None:
        if expected is None:
            return []
        planned = head or "created by this release"
        text = (
            f"{repo_id} was there when this was planned ({planned[:8] if head else planned}) and is gone now"
        )
        return [Difference(repo_id, "deleted", planned, "gone", text)]
    if expected is None:
        found = f"main at {(state.head or '')[:8]}" + (f": {_newest(hub, state)}" if state.head else "")
        text = f"{repo_id} was not there when this was planned, and is there now, {found}"
        return [Difference(repo_id, "created", "not there", state.head or "", text)]
    if not same_repo(state.ref, RepoRef(repo_id, repo.ref.repo_type)):
        text = f"{repo_id} was renamed on the Hub since this was planned: it is {state.ref.repo_id} now"
        return [Difference(repo_id, "renamed", repo_id, state.ref.repo_id, text)]
    found_differences = []
    if state.private != expected.private:
        before, now = _visibility(private=expected.private), _visibility(private=state.private)
        text = f"{repo_id} was {before} when this was planned and is {now} now"
        found_differences.append(Difference(repo_id, "visibility", before, now, text))
    if state.gated != expected.gated:
        before, now = _gate(gated=expected.gated), _gate(gated=state.gated)
        text = f"{repo_id} was {before} when this was planned and is {now} now"
        found_differences.append(Difference(repo_id, "gating", before, now, text))
    if head is not None and state.head != head:
        text = _pushed(hub, state.ref, head, state.head, repo)
        found_differences.append(Difference(repo_id, "push", head, state.head or "no main", text))
    if Step("tag", plan.tag) in repo.changes and (at := state.tags.get(plan.tag)):
        text = f"{repo_id} had no tag {plan.tag} when this was planned and has one now, at {at[:8]}"
        found_differences.append(Difference(repo_id, "tag", "no tag", at, text))
    return found_differences


def _on_our_branch(
    hub: Hub, plan: Plan, repo: RepoPlan, state: RepoState, staged: Staged
) -> list[Difference]:
    """What others did to the branch that this version waits on."""
    repo_id = repo.ref.repo_id
    if repo_id not in staged.changed or repo_id in staged.proposals:
        return []
    ours, now = staged.commits[repo_id], state.branches.get(plan.branch)
    if now == ours:
        return []
    holds = f"holds {_said(hub.commits(repo.ref, now)[0])}" if now else "is gone"
    text = f"the branch {plan.branch} of {repo_id} held what was proven, {ours[:8]}, and {holds} now"
    return [Difference(repo_id, "branch", ours, now or "gone", text)]


def same_repo(one: RepoRef, other: RepoRef) -> bool:
    """Whether two ids name one repo; a Hub answers to an id in any case of its letters."""
    return one.repo_id.lower() == other.repo_id.lower()


def _pushed(hub: Hub, ref: RepoRef, planned: str, found: str | None, repo: RepoPlan | None) -> str:
    was = f"main of {ref.repo_id} was {planned[:8]} when this was planned and is"
    if found is None:
        return f"{was} gone now"
    history = hub.commits(ref, found)
    new = list(takewhile(lambda commit: commit.id != planned, history))
    said = "; ".join(_said(commit) for commit in new[:SHOWN])
    more = f" and {len(new) - SHOWN} more commits" if len(new) > SHOWN else ""
    if len(new) == len(history):  # what the plan saw is no part of it any more
        return f"{was} {found[:8]} now, its history rewritten: {_said(new[0])}"
    theirs = _changed(hub, ref, planned, found)
    text = f"{was} {found[:8]} now: {said}{more} ({_listed(theirs)})"
    ours = [str(step.path) for step in repo.file_changes if step.path in theirs] if repo else []
    return text + (f"; the plan changes {_listed(ours)} as well" if ours else "")


def _changed(hub: Hub, ref: RepoRef, before: str, after: str) -> list[str]:
    old, new = ({(f.path, f.blob_id) for f in hub.tree(ref, commit)} for commit in (before, after))
    return sorted({path for path, _ in old ^ new})


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return (", ".join(paths[:SHOWN]) + more) or "no file changed"


def _said(commit: Commit) -> str:
    return f"“{commit.title}”" + (f" by {commit.author}" if commit.author else "")


def _newest(hub: Hub, state: RepoState) -> str:
    return _said(hub.commits(state.ref, str(state.head))[0])


def _visibility(*, private: bool) -> str:
    return "private" if private else "public"


def _gate(*, gated: bool) -> str:
    return "gated" if gated else "open to everyone who sees it"


def _conflict(hub: Hub, plan: Plan, differences: Sequence[Difference]) -> HubpubError:
    first = differences[0]
    return HubpubError(
        "HP-H05",
        "; ".join(difference.text for difference in differences),
        where=f"{hub.endpoint}/{first.repo_id}",
        hint=f"nothing was overwritten; hubpub plan {plan.name} shows both sides, hubpub release {plan.name} goes on",
        planned=first.planned,
        found=first.found,
        changes=[asdict(difference) for difference in differences],
    )
