"""`--propose`: what is staged waits on a pull request a repo, and its maintainers promote it by merging.

For those who may not write, and where a review comes first. Nothing is put on `main`, tagged or shown: after the
merge, `hubpub release` finds `main` as it should be, tags it and writes the receipt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from publisher.errors import HubpubError
from publisher.hub.port import Commit, Copy, Heard, Hub, Operation, Proposal
from publisher.hub.retry import once
from publisher.records.artifacts import FileRecord, RepoRef
from publisher.records.plans import Package, Plan, RepoPlan, Step
from publisher.records.receipts import Proof, Proposed, Proven, PullRequest, Staged
from publisher.release import trailer
from publisher.release.authorship import written_by_us
from publisher.release.commit import commit_once
from publisher.release.compare import HUBS_OWN, same
from publisher.release.conflict import look_again, look_before_sending, pushed_meanwhile
from publisher.release.journal import Journal
from publisher.release.publish import operations_of


def proposable(plan: Plan) -> Plan:
    """The part of a plan that pull requests can carry: the files.

    Raises:
        HubpubError: HP-H04 for a repo that does not exist; HP-H03 for what its maintainers must do first.
    """
    missing = [repo.ref.repo_id for repo in plan.repos if not repo.exists]
    if missing:
        raise HubpubError(
            "HP-H04",
            f"a pull request needs a repo, and there is none yet: {', '.join(missing)}",
            where=plan.hub,
            hint=f"ask the owner to make it: hubpub release {plan.name} --reserve",
            missing=missing,
        )
    for repo in plan.repos:
        if repo.renamed_from is not None:
            raise _for_maintainers(
                plan, repo, f"be renamed {repo.ref.repo_id}", f"repo: {repo.renamed_from}", repo.renamed_from
            )
        if Step("visibility", "private") in repo.changes:
            raise _for_maintainers(plan, repo, "be private before anything is sent", "visibility: public")
    return replace(plan, repos=tuple(replace(repo, operations=_files(repo)) for repo in plan.repos))


def stage_proposals(
    hub: Hub,
    plan: Plan,
    packages: Sequence[Package],
    journal: Journal,
    on_bytes: Heard | None = None,
) -> Staged:
    """Put each repo's changes on a pull request of ours, still a draft unless it was opened before.

    An earlier one of the same release is found again by the trailer of its commits, and gets what is new; one that
    was closed is left closed.

    Raises:
        HubpubError: HP-H05 where a repo is not as the plan saw it, or where others changed our pull request.
    """
    look_again(hub, plan)
    author = hub.account().name
    commits: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for package in packages:
        repo, repo_id = plan.repo(package.kind), package.ref.repo_id
        if repo.touches_files:
            branch = _Branch(hub, plan, repo, package, author)
            numbers[repo_id], commits[repo_id] = branch.send(journal, on_bytes)
        elif repo.head is not None:
            commits[repo_id] = repo.head
    return Staged(commits, tuple(numbers), numbers)


def open_proposals(
    hub: Hub, plan: Plan, packages: Sequence[Package], staged: Staged, proven: Proven, journal: Journal
) -> Proposed:
    """Say in each pull request what was proven, and open it: all are proven before the first is opened.

    Raises:
        HubpubError: HP-R02 where a proof is missing; HP-H05 where something changed on the Hub since the plan.
    """
    proofs = {proof.kind: proof for proof in proven.proofs}
    waiting = [package for package in packages if package.ref.repo_id in staged.proposals]
    for package in waiting:
        if package.kind not in proofs:
            raise HubpubError(
                "HP-R02",
                f"{package.ref.repo_id} has no proof, and nothing is proposed without one",
                where=hub.endpoint,
                hint=f"hubpub release {plan.name} --propose",
            )
    look_again(hub, plan, staged)
    for package in waiting:
        _refuse_changed(hub, package.ref, staged)
    return Proposed(
        tuple(
            _open(
                hub, plan, package.ref, staged.proposals[package.ref.repo_id], proofs[package.kind], journal
            )
            for package in waiting
        )
    )


@dataclass(frozen=True)
class _Branch:
    """One repo's pull request: found or made, and brought to what the plan says."""

    hub: Hub
    plan: Plan
    repo: RepoPlan
    package: Package
    author: str

    @property
    def title(self) -> str:
        return f"{self.plan.name} {self.plan.label}: {self.package.kind}"

    def send(self, journal: Journal, on_bytes: Heard | None) -> tuple[int, str]:
        """Its number, and the commit that holds what the plan says."""
        hub, ref, repo_id = self.hub, self.package.ref, self.package.ref.repo_id
        look_before_sending(hub, self.plan, self.repo)
        found = self._found()
        if found is None:
            with journal.step("propose", repo=repo_id, title=self.title):
                text = f"Released with hubpub, which proves it here before this is opened.\n\n{trailer.trailer(self.plan)}"
                once(
                    lambda: hub.propose(ref, title=self.title, text=text),
                    done=lambda: self._found() is not None,
                )
            found = self._found()
        if found is None:
            raise HubpubError(
                "HP-H06",
                f"{repo_id} does not show the pull request that was made",
                where=f"{hub.endpoint}/{repo_id}",
                hint=f"run it again: hubpub release {self.plan.name} --propose",
            )
        if found.title != self.title:
            with journal.step("retitle", repo=repo_id, pull_request=found.number, title=self.title):
                hub.retitle_proposal(ref, found.number, self.title)
        return found.number, self._commit(found, journal, on_bytes)

    def _commit(self, proposal: Proposal, journal: Journal, on_bytes: Heard | None) -> str:
        hub, ref = self.hub, self.package.ref
        own, head = self._own(proposal)
        if not own and head != self.repo.head:  # the draft was made from a `main` that the plan has not seen
            raise pushed_meanwhile(hub, ref, str(self.repo.head), self.repo)
        operations = self._missing(head, begun=bool(own))
        if not operations:
            return head
        if own and not trailer.labels(own[:1], self.plan.name):
            raise _changed_by_others(hub, ref, proposal.number, own[0])
        with journal.step("stage", repo=ref.repo_id, branch=proposal.branch, operations=len(operations)):
            return commit_once(
                hub,
                ref,
                proposal.branch,
                operations,
                mark=trailer.trailer(self.plan),
                title=self.title,
                parent=head,
                on_bytes=on_bytes,
            )

    def _found(self) -> Proposal | None:
        """The pull request of ours that is not over: it has a commit of this release, or is a draft without any."""
        for proposal in self.hub.proposals(self.package.ref):
            if not proposal.live or proposal.author != self.author:
                continue
            own, _ = self._own(proposal)
            begun = not own and proposal.status == "draft" and self._titled(proposal)
            if begun or trailer.labels(own, self.plan.name):
                return proposal
        return None

    def _titled(self, proposal: Proposal) -> bool:
        return proposal.title.startswith(f"{self.plan.name} ") and proposal.title.endswith(
            f": {self.package.kind}"
        )

    def _own(self, proposal: Proposal) -> tuple[list[Commit], str]:
        """The commits that a pull request has before `main`, newest first, and its head."""
        main = {commit.id for commit in self.hub.commits(self.package.ref, "main")}
        history = self.hub.commits(self.package.ref, proposal.branch)
        return list(takewhile(lambda commit: commit.id not in main, history)), history[0].id

    def _missing(self, head: str, *, begun: bool) -> list[Operation]:
        """What is still to be done to a pull request's files: it may hold an earlier state of ours."""
        hub, package, ref = self.hub, self.package, self.package.ref
        there = {file.path: file for file in hub.tree(ref, head)}
        main = {file.path: file for file in hub.tree(ref, str(self.repo.head))}
        steps: list[Step] = []
        operations: list[Operation] = []
        for step in self.repo.operations:
            path = str(step.path)
            if step.op == "delete":
                steps += [step] if path in there else []
            elif step.left_to_others:  # as `main` has it
                if path in main and (path not in there or there[path].blob_id != main[path].blob_id):
                    operations.append(Copy(path, str(self.repo.head)))
                elif path in there and path not in main:
                    steps.append(replace(step, op="delete"))
            elif not same(hub, package, head, there.get(path), _record(step)):
                steps.append(replace(step, op="upload"))
        if begun:
            held = {str(step.path) for step in self.repo.operations} | main.keys() | HUBS_OWN
            gone = written_by_us(hub, ref, self.plan.name, head, there.keys() - held)
            steps += [Step("delete", path) for path in sorted(gone)]
        return [*operations, *operations_of(package, steps)]


def _open(hub: Hub, plan: Plan, ref: RepoRef, number: int, proof: Proof, journal: Journal) -> PullRequest:
    text = f"{plan.name} {plan.label}: fetched back from this pull request and compared.\n\nproof: {proof.level}\nproven: {proof.commit}"
    with journal.step("comment", repo=ref.repo_id, pull_request=number, proof=proof.level):
        once(lambda: hub.comment(ref, number, text), done=lambda: text in hub.comments(ref, number))
    with journal.step("open", repo=ref.repo_id, pull_request=number):
        once(lambda: hub.open_proposal(ref, number), done=lambda: _is_open(hub, ref, number))
    url = f"{hub.endpoint}/{ref.path}/discussions/{number}"
    return PullRequest(ref.repo_id, number, url, proof.commit)


def _is_open(hub: Hub, ref: RepoRef, number: int) -> bool:
    return any(p.number == number and p.status == "open" for p in hub.proposals(ref))


def _refuse_changed(hub: Hub, ref: RepoRef, staged: Staged) -> None:
    number = staged.proposals[ref.repo_id]
    proposal = next(each for each in hub.proposals(ref) if each.number == number)
    if not proposal.live:
        raise HubpubError(
            "HP-H05",
            f"pull request {number} of {ref.repo_id} was {proposal.status} while it was being proven",
            where=f"{hub.endpoint}/{ref.repo_id}",
            hint="run it again: what is still to be proposed goes to a new one",
            found=proposal.status,
        )
    newest = hub.commits(ref, proposal.branch)[0]
    if newest.id != staged.commits[ref.repo_id]:
        raise _changed_by_others(hub, ref, number, newest)


def _changed_by_others(hub: Hub, ref: RepoRef, number: int, newest: Commit) -> HubpubError:
    by = f" by {newest.author}" if newest.author else ""
    return HubpubError(
        "HP-H05",
        f"our pull request {number} of {ref.repo_id} has someone else's commit: “{newest.title}”{by}",
        where=f"{hub.endpoint}/{ref.repo_id}",
        hint="nothing was overwritten; take it over here, or close that pull request and propose again",
        found=newest.id,
        number=number,
    )


def _for_maintainers(
    plan: Plan, repo: RepoPlan, must: str, instead: str, repo_id: str | None = None
) -> HubpubError:
    named = repo_id or repo.ref.repo_id
    return HubpubError(
        "HP-H03",
        f"{named} must {must}, and a pull request cannot do that",
        where=f"{plan.hub}/{named}",
        hint=f"ask its owner, or write into the manifest: {instead}",
    )


def _files(repo: RepoPlan) -> tuple[Step, ...]:
    return tuple(step for step in repo.operations if step.op == "unchanged" or step in repo.file_changes)


def _record(step: Step) -> FileRecord:
    return FileRecord(str(step.path), step.size or 0, step.sha256 or "")
