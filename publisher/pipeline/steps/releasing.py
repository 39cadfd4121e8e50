"""plan, publish, verify, promote, receipt: the stages that talk to the Hub. None of them is remembered; each looks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import Manifest
from publisher.pipeline.environment import environment
from publisher.pipeline.packages import pack
from publisher.pipeline.services import ByteCounter, Engine, Listener, Wishes
from publisher.pipeline.snippets import snippets_of
from publisher.pipeline.steps.check import Checked
from publisher.pipeline.steps.validate import Smoke, probe_job
from publisher.records.digest import digest
from publisher.records.facts import Json
from publisher.records.plans import Package, Plan
from publisher.records.receipts import Promoted, Proven, Receipt, Staged, Version
from publisher.records.runs import Adapter, Base, Cards, Dataset, Identity, Made, Merged, Quantized
from publisher.release.journal import Journal
from publisher.release.plan import make_plan
from publisher.release.promote import promote as promote_all
from publisher.release.publish import stage
from publisher.release.receipt import keep_receipt, make_receipt
from publisher.release.verify import verify as verify_all


class Packages(tuple[Package, ...]):
    """What goes to the Hub, in promotion order."""

    __slots__ = ()


def plan(
    hub: Hub, wishes: Wishes, listener: Listener, identity: Identity, packages: Packages, version: Version
) -> Plan:
    """Hold the packages against the Hub, show the difference, and have it confirmed.

    Raises:
        HubpubError: HP-H05 an edit on the Hub that we would overwrite, HP-R04 not confirmed.
    """
    made = make_plan(hub, identity.name, packages, version, allow_delete=wishes.allow_delete)
    listener.planned(made)
    if made.changes_anything and not wishes.yes and not wishes.confirm(made):
        raise HubpubError(
            "HP-R04", "the plan was not confirmed", hint="confirm it, or say --yes", where=hub.endpoint
        )
    return made


def publish(hub: Hub, journal: Journal, listener: Listener, packages: Packages, plan: Plan) -> Staged:
    """Send everything to the staging branches; `main` stays as it is."""
    return stage(hub, plan, packages, journal, ByteCounter(listener, plan.bytes_to_upload))


def verify(
    hub: Hub,
    journal: Journal,
    engine: Engine,
    listener: Listener,
    wishes: Wishes,
    smoke: Smoke,
    packages: Packages,
    base: Base,
    dataset: Dataset | None,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
    plan: Plan,
    staged: Staged,
) -> Proven:
    """Fetch back, compare, load, generate, run the cards' code: all repos before the first is promoted."""
    made = {m.artifact.kind: m for m in (base, dataset, adapter, merged, quantized) if m is not None}
    folders = {package.ref.repo_id: str(package.folder) for package in packages}
    folders.setdefault(_base_id(base), base.artifact.folder)

    def prove(package: Package) -> Mapping[str, Json]:
        snippets = snippets_of(Path(str(package.folder)), folders)
        listener.progress(packages.index(package), len(packages), "repos proven", package.ref.repo_id)
        result = engine.run(probe_job(made[package.kind], base, smoke, snippets))
        measured = {m.id: m.value for m in result.measured}
        return {
            "measured": measured,
            "snippets": [snippet.name for snippet in snippets],
            "isolation": result.details.get("isolation", ""),
        }

    def proof_key(package: Package) -> str:
        names = {repo_id: repo_id for repo_id in folders}  # where a folder lies is no part of what was proven
        codes = [snippet.code for snippet in snippets_of(Path(str(package.folder)), names)]
        asked = [entry.model_dump(mode="json") for entry in smoke]
        return digest([made[package.kind].digest, base.digest, codes, asked, wishes.proof])

    return verify_all(
        hub,
        plan,
        packages,
        staged,
        journal,
        level=wishes.proof,
        prove=prove,
        proof_key=proof_key,
        on_bytes=ByteCounter(listener, plan.bytes_to_upload),
    )


def promote(
    hub: Hub,
    journal: Journal,
    wishes: Wishes,
    manifest: Manifest,
    packages: Packages,
    plan: Plan,
    staged: Staged,
    proven: Proven,
) -> Promoted:
    """One guarded commit on `main` a repo, then tag, visibility, and the branch goes."""
    return promote_all(
        hub, plan, packages, staged, proven, journal, collection=manifest.collection, message=wishes.message
    )


def receipt(
    paths: ReleasePaths,
    hub: Hub,
    wishes: Wishes,
    packages: Packages,
    checked: Checked,
    plan: Plan,
    promoted: Promoted,
) -> Receipt:
    """Write down what was published."""
    made = make_receipt(
        hub,
        plan,
        packages,
        promoted,
        proof=wishes.proof,
        checks=checked.counts,
        environment=environment(),
    )
    keep_receipt(made, paths.hub(hub.host))
    return made


def package(
    identity: Identity,
    base: Base,
    dataset: Dataset | None,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
    cards: Cards,
) -> Packages:
    """Put contents and cards together."""
    made: tuple[Made | None, ...] = (base, dataset, adapter, merged, quantized)
    return Packages(pack(identity, made, cards))


def _base_id(base: Base) -> str:
    return next((str(fact.value) for fact in base.facts if fact.id == "base.repo"), "")
