"""The receipt: what was published, kept beside the journal of the Hub it was published on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from publisher.hub.port import Hub
from publisher.manifest.lock import write_whole
from publisher.records.artifacts import FileRecord, Kind
from publisher.records.digest import canonical_json
from publisher.records.facts import Json
from publisher.records.plans import Package, Plan, RepoPlan
from publisher.records.receipts import Promoted, ProofLevel, Receipt, RepoReceipt
from publisher.records.rollbacks import RollbackReceipt


def make_receipt(
    hub: Hub,
    plan: Plan,
    packages: Sequence[Package],
    promoted: Promoted,
    *,
    proof: ProofLevel,
    levels: Mapping[Kind, ProofLevel] = {},
    signed_by: Mapping[Kind, str] = {},
    checks: Mapping[str, Json],
    environment: Mapping[str, str],
) -> Receipt:
    """Put together what the release left behind. `levels`: how far each repo was proven that was proven now.

    `signed_by`: the fingerprint of the key that each artifact is signed by.
    """
    repos = tuple(
        RepoReceipt(
            repo_id=package.ref.repo_id,
            repo_type=package.ref.repo_type,
            artifact=package.kind,
            commit=promoted.commits[package.ref.repo_id],
            tag=plan.tag,
            visibility="private" if package.private else "public",
            files=files_on_main(plan.repo(package.kind)),
            proof=levels.get(package.kind),
            signed_by=signed_by.get(package.kind),
        )
        for package in packages
    )
    return Receipt(plan.name, plan.label, hub.endpoint, proof, repos, dict(checks), dict(environment))


def files_on_main(repo: RepoPlan) -> tuple[FileRecord, ...]:
    """What `main` holds of ours: as sent, or as edited on the Hub."""
    return tuple(
        FileRecord(step.path, step.size, step.sha256)
        for step in repo.operations
        if step.path is not None and step.size is not None and step.sha256 is not None
    )


def keep_receipt(receipt: Receipt, folder: Path) -> Path:
    """Write `receipts/<version>.json` under the Hub's folder; returns the file.

    One that says the same of every repo stays: a run that only cleared up after a death has proven less.
    """
    file = folder / "receipts" / f"{receipt.version}.json"
    text = canonical_json(receipt, indent=1) + "\n"
    if _outcome(text) != _outcome(file.read_text(encoding="utf-8") if file.is_file() else ""):
        write_whole(file, text)
    return file


def keep_rollback(receipt: RollbackReceipt, folder: Path) -> Path:
    """Write `receipts/rollback-<n>.json` under the Hub's folder, the next free number; returns the file.

    Those of releases stay: a version that was taken back was released all the same.
    """
    place = folder / "receipts"
    file = next(file for n in count(1) if not (file := place / f"rollback-{n}.json").exists())
    write_whole(file, canonical_json(receipt, indent=1) + "\n")
    return file


def _outcome(text: str) -> list[list[Json]] | None:
    """What a receipt says that the Hub holds; None of what is no receipt."""
    try:
        repos = json.loads(text)["repos"]
        return [[repo[key] for key in ("repo_id", "commit", "tag", "visibility")] for repo in repos]
    except (ValueError, TypeError, KeyError):
        return None
