"""sign: a signature over the files of every repo, and a signed statement of what they were made of."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from publisher.evidence.record import record
from publisher.manifest.project import ReleasePaths
from publisher.pipeline.services import ByteCounter, Listener
from publisher.pipeline.signing import Signing, private_key
from publisher.records.artifacts import KINDS, Artifact
from publisher.records.facts import Facts, Measurement
from publisher.records.runs import (
    Adapter,
    Base,
    Dataset,
    Ggufs,
    Identity,
    Merged,
    Quantized,
    Signatures,
    Variants,
    each_of,
)
from publisher.release.provenance import Origin, seal, statement_of
from publisher.release.signing import fingerprint, sign_files

PATIENCE_S = 10.0


def sign(
    paths: ReleasePaths,
    listener: Listener,
    signing: Signing,
    identity: Identity,
    base: Base | None,
    dataset: Dataset | None,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
    ggufs: Ggufs | None,
    variants: Variants | None,
) -> Signatures:
    """Sign what is released. Remembered, and kept in the lock: a signature differs each time that it is made.

    Raises:
        HubpubError: HP-X06 the private key is not here, HP-M13 it cannot be used, HP-E01 a package is missing.
    """
    key = private_key(signing, paths)
    keyid = fingerprint(signing.public_pem)
    made = [
        each.artifact
        for each in (base, dataset, adapter, merged, quantized, ggufs, *each_of(variants))
        if each is not None
    ]
    released = [artifact for artifact in made if artifact.kind in identity.refs]
    origin = _origin(paths, Facts(base.facts if base else ()))
    hashed = ByteCounter(listener, sum(artifact.size for artifact in released))
    measured = []
    for artifact in released:
        statement = statement_of(artifact, identity.refs[artifact.kind], _inputs(artifact, made), origin)
        told = {
            "signed_by": keyid,
            "signature": sign_files(Path(artifact.folder), key.pem, key.password),
            "provenance": seal(statement, key.pem, key.password, keyid),
        }
        measured += [Measurement(f"{artifact.kind}.{name}", value) for name, value in told.items()]
        hashed(artifact.size)
    return Signatures(record("sign", measured, paths.evidence))


def _inputs(artifact: Artifact, made: Sequence[Artifact]) -> list[Artifact]:
    """What an artifact can have been made of: what stands before it in the order of making."""
    sources = ("base", "dataset", "adapter", "merged")
    earlier = KINDS[: KINDS.index(artifact.kind)]
    if artifact.kind == "dataset":
        return []
    return [each for each in made if each.kind in sources and each.kind in earlier]


def _origin(paths: ReleasePaths, facts: Facts) -> Origin:
    manifest = paths.manifest.read_bytes()
    return Origin(
        release=paths.name,
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        commit=_commit_with(paths.manifest, manifest),
        base=str(facts.value("base.repo", "")),
        base_revision=facts.value("base.revision"),
        version=metadata.version("hubpub"),
    )


def _commit_with(file: Path, content: bytes) -> str | None:
    """The present git commit, where it holds these very bytes of the file; else None."""
    committed = _git(file.parent, "show", f"HEAD:./{file.name}")
    head = _git(file.parent, "rev-parse", "HEAD")
    return head.decode().strip() if head and committed == content else None


def _git(folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
