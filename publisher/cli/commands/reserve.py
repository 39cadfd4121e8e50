"""hubpub release NAME --reserve: make the repos, private and empty, and say what is to be configured on each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from publisher.cli.output import Output
from publisher.cli.plan_text import plan_text
from publisher.cli.session import open_hub
from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.pipeline.opened import Release
    from publisher.records.plans import Plan

UNTOLD = {
    "repository": "OWNER/NAME of the repository that releases",
    "workflow": "the file of the workflow, such as release.yml",
    "environment": "leave empty, unless the job names one",
}


def reserve_repos(
    output: Output, release: Release, hub: str | None, *, yes: bool, confirm: Callable[[Plan], bool]
) -> None:
    """Plan, confirm, make, and tell what a person does next.

    Raises:
        HubpubError: HP-R04 not confirmed, HP-H03 no right, or a keyless run.
    """
    from publisher.hub.oidc import resource_of, settings_page
    from publisher.pipeline.workflow import workflow_of
    from publisher.release.journal import Journal
    from publisher.release.reserve import plan_reservation, reserve

    with open_hub(hub, release, release.project) as target:
        plan = plan_reservation(target, release.paths.name, release.identity.refs)
        output.talk(plan_text(plan))
        if plan.changes_anything and not yes and not confirm(plan):
            raise HubpubError(
                "HP-R04", "the plan was not confirmed", hint="confirm it, or say --yes", where=plan.hub
            )
        made = reserve(target, plan, Journal(release.paths.hub(target.host) / "journal.jsonl", time.time))
    form = workflow_of(release.project.root).claims
    pages = {repo.ref: settings_page(plan.hub, resource_of(repo.ref)) for repo in plan.repos}
    lines = [f"{plan.name}: {len(made)} repos made, {len(pages) - len(made)} were there"]
    lines.append("On each of these pages, under Trusted Publishers, add GitHub Actions:")
    lines += [f"  {page}" for page in pages.values()]
    lines.append("with:")
    lines += [f"  {claim:<12} {form.get(claim) or f'({untold})'}" for claim, untold in UNTOLD.items()]
    output.result("\n".join(lines))
    output.document(
        "reserve",
        {
            "name": plan.name,
            "hub": plan.hub,
            "repos": [
                {
                    "repo_id": ref.repo_id,
                    "repo_type": ref.repo_type,
                    "made": ref in made,
                    "settings": page,
                    "resource": resource_of(ref),
                }
                for ref, page in pages.items()
            ],
            "claims": form,
        },
    )
