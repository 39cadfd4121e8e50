"""The proof as it travels: a tag on the Hub at the proven commit, so that any machine may promote what one has proven.

Branch names and tag names are kept apart by git, so `hubpub/v1.0.0` may be a branch beside the tag `hubpub/v1.0.0/run`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from publisher.hub.port import Hub
from publisher.records.artifacts import RepoRef
from publisher.records.plans import Plan
from publisher.records.receipts import PROOF_LEVELS, Proof, ProofLevel, Version
from publisher.release.journal import Journal
from publisher.release.trailer import trailer

PREFIX = "hubpub/"
_NAME = re.compile(rf"{PREFIX}v(?P<label>[^/]+)/(?P<level>{'|'.join(PROOF_LEVELS)})")


@dataclass(frozen=True)
class ProofTag:
    """What such a tag says: this commit was proven for that version or card revision, so far."""

    label: str
    level: ProofLevel
    commit: str

    @property
    def name(self) -> str:
        """`hubpub/v<label>/<level>`."""
        return f"{PREFIX}v{self.label}/{self.level}"


def proof_tags(tags: Mapping[str, str]) -> Iterator[ProofTag]:
    """The proofs among a repo's tags, the strongest first."""
    found = [(_NAME.fullmatch(name), commit) for name, commit in tags.items()]
    for level in reversed(PROOF_LEVELS):
        yield from (ProofTag(m["label"], level, at) for m, at in found if m and m["level"] == level)


def level_proven(tags: Mapping[str, str], label: str, commit: str) -> ProofLevel | None:
    """How far a commit was proven for a label; None where no tag says so."""
    return next((t.level for t in proof_tags(tags) if (t.label, t.commit) == (label, commit)), None)


def tags_of_proofs(tags: Iterable[str], version: Version) -> list[str]:
    """The names of the proof tags of a version and of its card revisions."""
    labels = ((name, match["label"]) for name in tags if (match := _NAME.fullmatch(name)))
    return sorted(name for name, label in labels if label.split("+")[0] == version.number)


def keep_proof(hub: Hub, plan: Plan, ref: RepoRef, proof: Proof, journal: Journal) -> None:
    """Have the proof's tag stand at its commit, and no proof of the same label elsewhere."""
    tag = ProofTag(plan.label, proof.level, proof.commit)
    state = hub.state(ref)
    stand = [t for t in proof_tags(state.tags if state else {}) if t.label == tag.label]
    for stale in (t for t in stand if t.commit != tag.commit):
        with journal.step("unproof", repo=ref.repo_id, tag=stale.name):
            hub.delete_tag(ref, stale.name)
    if tag in stand:
        return
    with journal.step("proof", repo=ref.repo_id, tag=tag.name, at=tag.commit):
        message = f"{plan.name} {plan.label}: proven, not yet promoted\n\nproof: {tag.level}\n{trailer(plan)}"
        hub.create_tag(ref, tag.name, at=tag.commit, message=message)
