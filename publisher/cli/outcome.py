"""How a release ended: in words for people, and as the document that scripts read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from publisher.cli.ending import ending_of
from publisher.cli.released_text import released_document, released_text

if TYPE_CHECKING:
    from publisher.hub.port import Hub
    from publisher.pipeline.opened import Release
    from publisher.pipeline.run import Results
    from publisher.records.plans import Plan
    from publisher.records.receipts import Proposed, Proven, Receipt


@dataclass(frozen=True)
class Outcome:
    """The end of one release; without `text` there is nothing to add to the stages' lines."""

    text: str
    document: dict[str, Any]


def outcome(release: Release, hub: Hub, results: Results, option: str) -> Outcome:
    """Tell how a run ended. `option` repeats the options that the next command needs as well."""
    from publisher.pipeline.steps.check import Checked
    from publisher.records.plans import Plan
    from publisher.records.receipts import Promoted, Proposed, Proven, Receipt, Staged

    plan: Plan | None = results.made.get(Plan)
    receipt: Receipt | None = results.made.get(Receipt)
    if plan is None:
        return Outcome("", {"name": release.paths.name, "state": "stopped early"})
    if (proposed := results.made.get(Proposed)) is not None:
        return _proposed(plan, proposed, results.made[Proven], option)
    proven: Proven | None = results.made.get(Proven)
    if proven is not None and not results.made[Staged].proposals and results.made.get(Promoted) is None:
        return _waiting(plan, proven, option)
    edits = list(_edits(plan, option))
    if receipt is None or proven is None:
        state = "stopped early" if plan.changes_anything else "nothing to do"
        lines = [f"{plan.name} {plan.version} on {plan.hub}: {state}", *edits]
        return Outcome("\n".join(lines), {"name": plan.name, "version": plan.label, "state": state})
    ending = ending_of(
        release,
        _proven(proven),
        results.facts,
        version=plan.label,
        before=release.version_before(hub.host),
        option=option,
        checked=results.made.get(Checked),
        plan=plan,
    )
    text = released_text("Released", release, hub, receipt, ending, [line.strip() for line in edits])
    return Outcome(text, released_document("released", release, hub, receipt, ending))


def _edits(plan: Plan, option: str) -> Iterator[str]:
    """That others have edited READMEs, and the command that brings their words home."""
    for repo in plan.repos:
        for step in repo.operations:
            if step.edits:
                yield f"  {repo.ref.repo_id}: {step.note}"
    if any(edit.path for repo in plan.repos for step in repo.operations for edit in step.edits):
        yield f"  next: hubpub pull {plan.name}{option}"


def _waiting(plan: Plan, proven: Proven, option: str) -> Outcome:
    """What is staged and proven, and the command that puts it on `main`."""
    from publisher.records.receipts import least

    waiting = {proof.kind: proof for proof in proven.proofs}
    commits = {
        repo.ref.repo_id: waiting[repo.artifact].commit for repo in plan.repos if repo.artifact in waiting
    }
    lines = [f"Staged and proven: {plan.name} {plan.label} on {plan.hub}; main is as it was"]
    lines += [f"  {repo_id}  {commit[:8]}" for repo_id, commit in commits.items()]
    lines += [f"  proven:  {_proven(proven)}", f"  next:    hubpub promote {plan.name}{option}"]
    document = {
        "name": plan.name,
        "version": plan.label,
        "state": "staged and proven",
        "proof": least(proof.level for proof in proven.proofs),
        "repos": [{"repo_id": repo_id, "staged": commit} for repo_id, commit in commits.items()],
    }
    return Outcome("\n".join(lines), document)


def _proposed(plan: Plan, proposed: Proposed, proven: Proven, option: str) -> Outcome:
    """Where what was proven waits, and the command for when it was merged."""
    from publisher.records.receipts import least

    lines = [f"Proposed {plan.name} {plan.label} on {plan.hub}"]
    lines += [f"  {request.url}  {request.commit[:8]}" for request in proposed.pull_requests]
    lines.append(f"  proven:  {_proven(proven)}")
    lines.append(f"  merged?  hubpub release {plan.name}{option}, which tags and writes the receipt")
    document = {
        "name": plan.name,
        "version": plan.label,
        "state": "proposed",
        "proof": least(proof.level for proof in proven.proofs),
        "pull_requests": [asdict(request) for request in proposed.pull_requests],
    }
    return Outcome("\n".join(lines), document)


def _proven(proven: Proven) -> str:
    new = [proof for proof in proven.proofs if not proof.recalled and proof.level != "static"]
    run = [proof for proof in new if proof.level == "run"]
    snippets = sum(len(proof.details.get("snippets", ())) for proof in run)
    repos = "1 repo" if len(proven.proofs) == 1 else f"{len(proven.proofs)} repos"
    said = [f"{repos} fetched back and compared"]
    isolation = sorted({str(proof.details.get("isolation", "")) for proof in new} - {""})
    where = f" ({'; '.join(isolation)})" if isolation else ""
    if run:
        said.append(f"{len(run)} loaded and run{where}, {snippets} code blocks executed")
    if len(run) < len(new):
        said.append(f"{len(new) - len(run)} loaded{where} and not run, as --proof load or the manifest asks")
    static = sum(proof.level == "static" for proof in proven.proofs)
    if static:
        said.append(f"{static} neither loaded nor run, as --proof static or the manifest asks")
    if known := sum(proof.recalled and proof.level != "static" for proof in proven.proofs):
        said.append(f"{known} with model and code as they were proven before")
    return "; ".join(said)
