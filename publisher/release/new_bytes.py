"""Which bytes of an upload are new to a Hub that takes large files chunk by chunk (Xet): the rest does not travel.

A merged model keeps its base's shards, byte for byte but for the tensors that the adapter changed. So where the base is
on the same Hub, or goes there first in the same run, only these are new; what they come to, the merge has measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.records.artifacts import RepoRef
from publisher.records.facts import Facts
from publisher.records.plans import Plan, RepoPlan, Step

CHANGED_BYTES = "merged.changed_bytes"  # fact: bytes of the tensors that are other than the base's


def with_known_bytes(hub: Hub, plan: Plan, facts: Facts) -> Plan:
    """The plan, with how much of the merged model's weights the Hub has; as it is where that cannot be told.

    Raises:
        HubpubError: as the port says; a base that is not on the Hub, or not for us to see, is none.
    """
    changed, base = facts.value(CHANGED_BYTES), facts.value("base.repo")
    weights = {
        str(step.path): step
        for repo in plan.repos
        if repo.artifact == "merged"
        for step in repo.operations
        if step.op == "upload" and str(step.path).endswith(".safetensors")
    }
    if not weights or not isinstance(changed, int) or not isinstance(base, str) or not hub.sends_chunks:
        return plan
    theirs = _base_files(hub, plan, RepoRef(base), str(facts.value("base.revision") or "main"))
    if any(path not in theirs or theirs[path][0] != step.size for path, step in weights.items()):
        return plan  # another layout
    touched = sum(step.size or 0 for path, step in weights.items() if theirs[path][1] != step.sha256)
    known = sum(step.size or 0 for step in weights.values()) - min(changed, touched)
    repos = (replace(repo, known_bytes=known) if repo.artifact == "merged" else repo for repo in plan.repos)
    return replace(plan, repos=tuple(repos))


def _base_files(hub: Hub, plan: Plan, base: RepoRef, revision: str) -> Mapping[str, tuple[int, str | None]]:
    """Path → size and sha256 of what the base's repo holds, or will hold before the merged model is sent."""
    for repo in plan.repos:
        if repo.ref == base:
            return {str(step.path): (step.size or 0, step.sha256) for step in _files(repo)}
    try:
        return {file.path: (file.size, file.sha256) for file in hub.tree(base, revision)}
    except HubpubError as fault:
        if fault.code in ("HP-H02", "HP-H03", "HP-H04"):
            return {}
        raise


def _files(repo: RepoPlan) -> list[Step]:
    return [step for step in repo.operations if step.op in ("upload", "unchanged")]
