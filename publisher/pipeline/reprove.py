"""Proving again what the Hub serves: after a release, on any machine that has the lock."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from publisher.engine.worker import Limits
from publisher.errors import HubpubError
from publisher.evidence.files import sha256_of
from publisher.hub.port import Hub
from publisher.pipeline.code_models import code_models
from publisher.pipeline.fetch import fetch_file
from publisher.pipeline.folders import made_aside
from publisher.pipeline.inputs import smoke_of
from publisher.pipeline.levels import Levels
from publisher.pipeline.opened import Release
from publisher.pipeline.services import ByteCounter, Engine, Listener
from publisher.pipeline.signing import Signing, refuse_without_packages
from publisher.pipeline.snippets import snippets_of
from publisher.pipeline.steps.validate import proof_job
from publisher.records.artifacts import README, RENDERING, Artifact, Kind, RepoRef
from publisher.records.receipts import ProofLevel, Reproof
from publisher.records.runs import Base, Made
from publisher.release.signing import check_signature


def reprove(
    release: Release,
    hub: Hub,
    source: Hub,
    listener: Listener,
    *,
    level: ProofLevel,
    key: str | None = None,
) -> list[Reproof]:
    """Fetch every file of the last release on this Hub into an empty folder, compare with the lock; load and run it
    where that is asked for. `source` has what the cards' code loads besides, `key` is the PEM text of the public key
    that signatures are held against, instead of the manifest's.

    Raises:
        HubpubError: HP-R02 nothing was released here, HP-R01 a file differs, HP-E03 … HP-E10 it does not work,
            HP-R09 a signature is missing, broken or by another key, HP-E01 nothing here can check it.
    """
    lock = release.lock
    released = lock.released.get(hub.host) if lock else None
    if lock is None or released is None:
        raise HubpubError(
            "HP-R02",
            f"nothing of {release.paths.name} was released on this Hub",
            where=hub.endpoint,
            hint=f"hubpub release {release.paths.name}",
        )
    signing = Signing.of(release.manifest, release.paths.folder)
    key = key or (signing.public_pem if signing else None)
    if key:
        refuse_without_packages()
    room = release.paths.scratch / "verify"
    proofs, made = [], {}
    for kind, ref in release.identity.refs.items():
        if ref.repo_id in released.made_at:
            raise HubpubError(
                "HP-R02",
                f"main of {ref.repo_id} was rolled back, and the lock holds the files of what was withdrawn",
                where=hub.endpoint,
                hint=f"hubpub verify hf://{ref.path}",
            )
        commit = released.commits.get(ref.repo_id)
        locked = lock.artifacts.get(kind)
        if commit is None or locked is None:
            continue
        listener.began(f"{kind}")
        records = (*locked.files, *released.card_files(locked))
        _fetch(hub, ref, commit, {f.path: (f.size, f.sha256) for f in records}, room / kind, listener)
        made[kind] = Made(Artifact(kind, str(room / kind), locked.files), ())
        place = f"{hub.endpoint}/{ref.path}"
        signed_by = check_signature(room / kind, key, place) if key else None
        size = sum(f.size for f in records)
        proofs.append(Reproof(ref.repo_id, commit, len(records), size, "", signed_by))
    levels = Levels.of(release.manifest, level)  # no further than the manifest had it proven
    engine = Engine(release.paths.scratch, listener, Limits())
    runs = any(levels[kind] == "run" for kind in made)
    named = release.manifest.card.code_models if runs else ()
    further = code_models(named, release.paths, source, engine)
    told = [_run(release, proof, made, engine, further, levels) for proof in proofs]
    shutil.rmtree(room, ignore_errors=True)
    return told


def _fetch(
    hub: Hub,
    ref: RepoRef,
    commit: str,
    expected: Mapping[str, tuple[int, str]],
    folder: Path,
    listener: Listener,
) -> None:
    arrived = ByteCounter(listener, sum(size for size, _ in expected.values()))
    with made_aside(folder) as aside:
        for path, (_, sha256) in expected.items():
            if fetch_file(hub, ref, commit, path, aside, arrived) != sha256:
                raise HubpubError(
                    "HP-R01",
                    f"{path} of {ref.repo_id} is not what was released",
                    where=f"{hub.endpoint}/{ref.repo_id}",
                    hint="compare with the receipt; hubpub plan shows what a release would mend",
                    path=path,
                )


def _card(release: Release, kind: Kind, folder: Path) -> str:
    """The card as we rendered it, by the lock's digest: no code is run that others wrote into the README."""
    card = release.lock.artifacts[kind].card if release.lock else ()
    ours = {file.sha256 for file in card if file.path == README}
    places = (folder / README, folder / RENDERING, release.paths.card(kind))
    found = (place for place in places if place.is_file() and sha256_of(place) in ours)
    return next((place.read_text(encoding="utf-8") for place in found), "")


def _run(
    release: Release,
    proof: Reproof,
    made: Mapping[Kind, Made],
    engine: Engine,
    further: Mapping[str, str],
    levels: Levels,
) -> Reproof:
    refs = release.identity.refs
    kind = next(kind for kind, ref in refs.items() if ref.repo_id == proof.repo_id)
    level = levels[kind]
    if level == "static":
        return proof
    own_base = made.get("base")
    artifact = own_base.artifact if own_base else Artifact("base", str(release.paths.artifact("base")), ())
    base = Base(artifact, ()) if release.manifest.base else None
    folders = {**further, **{refs[k].repo_id: m.artifact.folder for k, m in made.items()}}
    if base:
        folders.setdefault(release.base_repo, artifact.folder)
    snippets = snippets_of(_card(release, kind, Path(made[kind].artifact.folder)), folders)
    full = _full(release, made, base) if base and kind == "gguf" else base
    if full and kind in ("adapter", "gguf"):
        _require_here(release, kind, full)
    smoke = smoke_of(release.manifest, release.paths.folder, sha256_of)
    job = proof_job(made[kind], base, smoke, snippets, level=level, full=full)
    result = engine.run(job)
    passed = sum(
        int(m.value) for m in result.measured if m.id.endswith(".smoke_passed") and m.value is not None
    )
    ran = f" and run ({passed} smoke prompts, {len(snippets)} code blocks)" if level == "run" else ""
    told = f", loaded{ran}"
    return replace(proof, told=told)


def _full(release: Release, made: Mapping[Kind, Made], base: Base) -> Made:
    """What the GGUF files were made of: fetched with them, or here still."""
    if not (release.manifest.adapter or release.manifest.train):
        return base
    return made.get("merged") or Made(Artifact("merged", str(release.paths.artifact("merged")), ()), ())


def _require_here(release: Release, kind: Kind, beside: Made) -> None:
    """A model that no repo of the release holds may be gone from this machine, or have come without its weights."""
    if not Path(beside.artifact.folder).is_dir():
        raise HubpubError(
            "HP-R03",
            f"{kind} is loaded beside the {beside.artifact.kind} model, which is neither here nor a repo of the release",
            where=beside.artifact.folder,
            hint=f"hubpub verify {release.paths.name} --proof static",
        )
