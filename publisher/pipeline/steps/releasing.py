"""plan, publish, verify, promote, receipt: the stages that talk to the Hub. None of them is remembered; each looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from publisher.card.templates import Templates
from publisher.card.trace import Rendered
from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import Manifest
from publisher.pipeline.cards import cards_on_disk, render_all, traced_as
from publisher.pipeline.code_models import code_models
from publisher.pipeline.environment import environment
from publisher.pipeline.levels import Levels
from publisher.pipeline.packages import lay_out, pack
from publisher.pipeline.services import ByteCounter, Engine, LastVersion, Listener, Source, Wishes
from publisher.pipeline.snippets import snippets_of
from publisher.pipeline.stand_in import refuse_marked
from publisher.pipeline.steps.check import Checked
from publisher.pipeline.steps.validate import Smoke, proof_job
from publisher.pipeline.words import Words
from publisher.records.artifacts import Kind
from publisher.records.digest import digest
from publisher.records.facts import Facts, Json
from publisher.records.plans import Package, Plan
from publisher.records.receipts import (
    PROOF_LEVELS,
    Promoted,
    ProofLevel,
    Proposed,
    Proven,
    Receipt,
    Staged,
    Version,
    least,
)
from publisher.records.runs import (
    Adapter,
    Base,
    Cards,
    Dataset,
    Ggufs,
    Identity,
    Made,
    Merged,
    Pins,
    Quantized,
    Signatures,
    Variants,
    each_of,
)
from publisher.release.changes import tag_notes
from publisher.release.journal import Journal
from publisher.release.keyless import refuse_beyond_keyless
from publisher.release.new_bytes import with_known_bytes
from publisher.release.plan import make_plan
from publisher.release.promote import clear
from publisher.release.promote import promote as promote_all
from publisher.release.propose import open_proposals, proposable, stage_proposals
from publisher.release.publish import stage
from publisher.release.readme import settle
from publisher.release.receipt import keep_receipt, make_receipt
from publisher.release.supersede import plan_superseded, supersede
from publisher.release.verify import verify as verify_all


class Packages(tuple[Package, ...]):
    """What goes to the Hub, in promotion order."""

    __slots__ = ()


def plan(
    hub: Hub,
    wishes: Wishes,
    listener: Listener,
    manifest: Manifest,
    identity: Identity,
    last: LastVersion,
    packages: Packages,
    version: Version,
    base: Base | None,
    merged: Merged | None,
) -> Plan:
    """Hold the packages against the Hub, show the difference, and have it confirmed.

    Raises:
        HubpubError: HP-M12 a stand-in's weights for a Hub elsewhere, HP-H03 more than a keyless run may do, HP-H05 an
            edit on the Hub that we would overwrite, HP-R04 not confirmed.
    """
    refuse_marked(hub, _laid_out(packages), rehearsing=False)
    made = make_plan(
        hub, identity.name, packages, version, allow_delete=wishes.allow_delete, former=last.repos
    )
    if wishes.propose:
        made = proposable(made)
    else:
        older = plan_superseded(hub, identity.refs, identity.private, manifest.supersedes)
        made = replace(made, superseded=older)
    made = with_known_bytes(
        hub, made, Facts([*(base.facts if base else ()), *(merged.facts if merged else ())])
    )
    listener.planned(made)
    refuse_beyond_keyless(hub, made)
    if made.changes_anything and not wishes.yes and not wishes.confirm(made):
        raise HubpubError(
            "HP-R04", "the plan was not confirmed", hint="confirm it, or say --yes", where=hub.endpoint
        )
    return made


def publish(
    hub: Hub, journal: Journal, listener: Listener, wishes: Wishes, packages: Packages, plan: Plan
) -> Staged:
    """Send everything to the staging branches, or to pull requests; `main` stays as it is."""
    send = stage_proposals if wishes.propose else stage
    counter = ByteCounter(listener, plan.bytes_to_upload)
    staged = send(hub, plan, packages, journal, counter)
    return replace(staged, sent=counter.sent, known=counter.known)


def verify(
    hub: Hub,
    journal: Journal,
    engine: Engine,
    listener: Listener,
    paths: ReleasePaths,
    wishes: Wishes,
    source: Source,
    manifest: Manifest,
    levels: Levels,
    smoke: Smoke,
    packages: Packages,
    base: Base | None,
    dataset: Dataset | None,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
    ggufs: Ggufs | None,
    variants: Variants | None,
    plan: Plan,
    staged: Staged,
) -> Proven:
    """Fetch back, compare, load, generate, run the cards' code: all repos before the first is promoted."""
    kept = (base, dataset, adapter, merged, quantized, ggufs, *each_of(variants))
    made = {m.artifact.kind: m for m in kept if m is not None}
    folders = {package.ref.repo_id: str(package.folder) for package in packages}
    if base is not None:
        folders.setdefault(_base_id(base), base.artifact.folder)

    @cache
    def further() -> Mapping[str, str]:
        return code_models(manifest.card.code_models, paths, source.hub, engine)

    def prove(package: Package) -> Mapping[str, Json]:
        folder, level = str(package.folder), strongest[package.kind]
        places = {**further(), **folders, package.ref.repo_id: folder} if level == "run" else {}
        snippets = snippets_of(_card(package), places) if level == "run" else ()
        done = next(n for n, each in enumerate(packages) if each.kind == package.kind)
        listener.progress(done, len(packages), "repos proven", package.ref.repo_id)
        own = made[package.kind]
        proving = Made(replace(own.artifact, folder=folder), own.facts)
        result = engine.run(proof_job(proving, base, smoke, snippets, level=level, full=merged or base))
        measured = {m.id: m.value for m in result.measured}
        return {
            "measured": measured,
            "snippets": [snippet.name for snippet in snippets],
            "isolation": result.details.get("isolation", ""),
        }

    def key_at(package: Package, level: ProofLevel) -> str:
        names = {repo_id: repo_id for repo_id in folders}  # where a folder lies is no part of what was proven
        codes = [snippet.code for snippet in snippets_of(_card(package), names)]
        asked = [entry.digest for entry in smoke]
        return digest(
            [made[package.kind].digest, base.digest if base else None, codes, asked, level, wishes.verify]
        )

    def strongest_of(package: Package) -> ProofLevel:
        """The level that is asked for, or more where more was shown of the same bytes already."""
        above = PROOF_LEVELS[PROOF_LEVELS.index(levels[package.kind]) + 1 :]
        shown = (level for level in reversed(above) if journal.proof(key_at(package, level)) is not None)
        return next(shown, levels[package.kind])

    strongest = {package.kind: strongest_of(package) for package in packages}
    return verify_all(
        hub,
        plan,
        packages,
        staged,
        journal,
        level=wishes.proof,
        levels=strongest,
        prove=prove,
        proof_key=lambda package: key_at(package, strongest[package.kind]),
        on_bytes=ByteCounter(listener, plan.bytes_to_upload),
        room=paths.scratch / "verify" if wishes.verify == "full" else None,
    )


def propose(
    hub: Hub, journal: Journal, packages: Packages, plan: Plan, staged: Staged, proven: Proven
) -> Proposed:
    """Open the pull requests, with what was proven."""
    return open_proposals(hub, plan, packages, staged, proven, journal)


def promote(
    hub: Hub,
    journal: Journal,
    wishes: Wishes,
    manifest: Manifest,
    packages: Packages,
    plan: Plan,
    staged: Staged,
    proven: Proven,
    facts: Facts,
) -> Promoted:
    """One guarded commit on `main` a repo, then tag and visibility; last, older repos' cards name these."""
    made = promote_all(
        hub, plan, packages, staged, proven, journal,
        collection=manifest.collection,
        message=wishes.message,
        notes={package.kind: tag_notes(facts, package.kind) for package in packages},
    )  # fmt: skip
    supersede(hub, plan.superseded, plan.name, plan.label, journal)
    return made


def receipt(
    paths: ReleasePaths,
    hub: Hub,
    journal: Journal,
    packages: Packages,
    checked: Checked,
    plan: Plan,
    proven: Proven,
    promoted: Promoted,
    signatures: Signatures | None,
) -> Receipt:
    """Write down what was published; only then the staging branches and the proofs go."""
    levels = {proof.kind: proof.level for proof in proven.proofs}
    made = make_receipt(
        hub,
        plan,
        packages,
        promoted,
        proof=least(levels.values()),
        levels=levels,
        signed_by=signatures.signed_by if signatures else {},
        checks=checked.counts,
        environment=environment(),
    )
    keep_receipt(made, paths.hub(hub.host))
    clear(hub, [package.ref for package in packages if plan.repo(package.kind).changes], plan.label, journal)
    return made


def package(
    hub: Hub,
    paths: ReleasePaths,
    manifest: Manifest,
    templates: Templates,
    identity: Identity,
    pins: Pins,
    words: Words,
    last: LastVersion,
    version: Version,
    facts: Facts,
    base: Base | None,
    dataset: Dataset | None,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
    ggufs: Ggufs | None,
    variants: Variants | None,
    cards: Cards,
) -> Packages:
    """Put contents and cards together; edits that others made of a README on the Hub are merged into it."""
    made: tuple[Made | None, ...] = (
        *(base, dataset, adapter, merged, quantized, ggufs),
        *each_of(variants),
    )

    @cache
    def rendered() -> Mapping[Kind, Rendered]:
        return render_all(manifest, templates, identity, pins, words, version, facts)

    texts = cards_on_disk(paths, cards.files)
    packages = Packages(
        settle(
            hub,
            identity.name,
            pack(identity, made, cards),
            texts,
            lambda kind: traced_as(texts[kind], rendered().get(kind)),
            last.repos,
        )
    )
    for each in packages:
        lay_out(each)
    return packages


def _laid_out(packages: Packages) -> Iterator[Path]:
    return (
        Path(package.folder) / file.path for package in packages if package.folder for file in package.files
    )


def _card(package: Package) -> str:
    """The card as we rendered it: its code is ours."""
    return package.readme.rendering if package.readme else ""


def _base_id(base: Base) -> str:
    return next((str(fact.value) for fact in base.facts if fact.id == "base.repo"), "")
