"""A release as people and scripts read it once it is on `main`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from publisher.hub.port import Hub
    from publisher.pipeline.opened import Release
    from publisher.records.receipts import Receipt


def released_text(done: str, release: Release, hub: Hub, receipt: Receipt, proven: str) -> str:
    """The repos, how they were proven, and what is left to commit. `done` is Released or Promoted."""
    from publisher.records.artifacts import RepoRef

    root = release.project.root
    file = release.paths.hub(hub.host) / "receipts" / f"{receipt.version}.json"
    lines = [f"{done} {receipt.name} {receipt.version} on {hub.endpoint}"]
    for repo in receipt.repos:
        place = RepoRef(repo.repo_id, repo.repo_type).path
        lines.append(f"  {hub.endpoint}/{place}  {repo.tag}  {repo.visibility}  {repo.commit[:8]}")
    lines.append(f"  proven:  {proven}")
    lines.append(f"  receipt: {file.relative_to(root)}")
    if release.paths.stand_in:
        lines.append(f"  cards:   {release.paths.card('merged').parent.relative_to(root)}/, a rehearsal's")
    else:
        lines.append(f"  commit:  git add {release.paths.folder.relative_to(root)}")
    return "\n".join(lines)


def released_document(state: str, receipt: Receipt) -> dict[str, Any]:
    """The receipt in short, without its schema."""
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
    }
