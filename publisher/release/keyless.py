"""What a keyless run may not do: told in one error before anything is made, with what a person does once instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.records.artifacts import RepoRef
from publisher.records.plans import Plan


def lacking(
    hub: Hub, name: str, private: Mapping[RepoRef, bool | None], collection: str | None
) -> HubpubError | None:
    """Ask the Hub, repo by repo, what a keyless release would need and may not do; None where it may do all.

    `private` says how each repo shall be seen, in promotion order; None: as it is.
    """
    work: list[str] = []
    trusted = []
    for ref, wanted in private.items():
        try:
            state = hub.state(ref)
        except HubpubError as fault:
            if fault.code != "HP-H03":
                raise
            work.append(fault.what)
            continue
        trusted.append(ref)
        if state is None:
            work.append(f"there is no {ref.repo_id}, and a keyless run makes no repo")
        elif hub.refusal(ref, write=True) is not None:
            work.append(f"the trusted publisher of {ref.repo_id} may only read")
        elif wanted is not None and state.private != wanted:
            work.append(_visibility(ref, "private" if wanted else "public"))
    if collection and len(trusted) == len(private):
        owner = trusted[-1].repo_id.split("/")[0]
        outside = [ref.repo_id for ref in trusted if hub.collection_of(ref, owner, collection) is None]
        work += [f"a keyless run puts nothing into a collection: {', '.join(outside)}"] if outside else []
    return _error(hub, name, work) if work else None


def refuse_beyond_keyless(hub: Hub, plan: Plan) -> None:
    """Refuse a plan that a keyless run could only begin.

    Raises:
        HubpubError: HP-H03 where the plan makes or renames a repo, or changes who sees one.
    """
    if not hub.is_keyless:
        return
    work: list[str] = []
    for repo in plan.repos:
        steps = {step.op: step for step in repo.changes}
        if not repo.exists:
            work.append(f"there is no {repo.ref.repo_id}, and a keyless run makes no repo")
        elif "rename" in steps:
            work.append(f"a keyless run does not rename {steps['rename'].path}")
        elif "visibility" in steps:
            work.append(_visibility(repo.ref, str(steps["visibility"].path)))
    if work:
        raise _error(hub, plan.name, work)


def _visibility(ref: RepoRef, wanted: str) -> str:
    return f"a keyless run does not make {ref.repo_id} {wanted}"


def _error(hub: Hub, name: str, work: Sequence[str]) -> HubpubError:
    return HubpubError(
        "HP-H03",
        "; ".join(work),
        where=hub.endpoint,
        hint=f"by hand, with a token: hubpub release {name} --reserve for what is not there, then one release for the rest",
        work=list(work),
    )
