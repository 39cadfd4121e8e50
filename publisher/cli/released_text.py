"""A release as people and scripts read it once it is on `main`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publisher.cli.ending import Ending, ending_document

if TYPE_CHECKING:
    from publisher.hub.port import Hub
    from publisher.pipeline.opened import Release
    from publisher.records.receipts import Receipt


def released_text(
    done: str, release: Release, hub: Hub, receipt: Receipt, ending: Ending, kept: Iterable[str] = ()
) -> str:
    """The repos, what was proven and what was not, and what is left to do.

    `done` is Released or Promoted; `kept` says what of others' edits stays on the Hub.
    """
    from publisher.records.artifacts import RepoRef

    lines = [f"{done} {receipt.name} {receipt.version} on {hub.endpoint}"]
    for repo in receipt.repos:
        place = RepoRef(repo.repo_id, repo.repo_type).path
        lines.append(f"  {hub.endpoint}/{place}  {repo.tag}  {repo.visibility}  {repo.commit[:8]}")
    lines += _labelled("proven:", [ending.proven])
    lines += _labelled("unproven:", ending.unproven)
    lines += _labelled("open:", ending.left_open)
    lines += _labelled("kept:", kept)
    lines += _labelled("receipt:", [str(_receipt_file(release, hub, receipt))])
    if release.paths.stand_in:
        cards = release.paths.card("merged").parent.relative_to(release.project.root)
        lines += _labelled("cards:", [f"{cards}/, a rehearsal's"])
    else:
        lines += _labelled("commit:", [f"git add {release.paths.folder.relative_to(release.project.root)}"])
    lines += _labelled("undo:", [ending.undo])
    return "\n".join(lines)


def released_document(
    state: str, release: Release, hub: Hub, receipt: Receipt, ending: Ending
) -> dict[str, Any]:
    """The receipt in short, without its schema, and what is left to do."""
    repos = [
        {"repo_id": r.repo_id, "commit": r.commit, "tag": r.tag, "visibility": r.visibility}
        for r in receipt.repos
    ]
    return {
        "name": receipt.name,
        "version": receipt.version,
        "state": state,
        "proof": receipt.proof,
        "repos": repos,
        "receipt": str(_receipt_file(release, hub, receipt)),
        **ending_document(ending),
    }


def _receipt_file(release: Release, hub: Hub, receipt: Receipt) -> Path:
    """Relative to the project."""
    file = release.paths.hub(hub.host) / "receipts" / f"{receipt.version}.json"
    return file.relative_to(release.project.root)


def _labelled(label: str, texts: Iterable[str]) -> list[str]:
    """Lines whose first one bears the label."""
    return [f"  {label if place == 0 else '':<9} {text}" for place, text in enumerate(texts)]
