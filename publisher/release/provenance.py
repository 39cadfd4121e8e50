"""What a repo's files were made of, as an in-toto statement (SLSA provenance) in a DSSE envelope."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from publisher.records.artifacts import Artifact, RepoRef
from publisher.records.digest import canonical_json
from publisher.records.facts import Json

PROVENANCE_FILE = "evidence/provenance.intoto.json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:hubpub:release:1"
BUILDER = "urn:hubpub"


@dataclass(frozen=True)
class Origin:
    """Where a release comes from, as it was when its files were signed.

    Attributes:
        release: its name.
        manifest_sha256: of release.yaml.
        commit: the git commit that holds exactly this release.yaml; None where it is not committed.
        base: Hub id of the base; empty where it has none.
        base_revision: its commit; None where it is not pinned by one.
        version: of hubpub.
    """

    release: str
    manifest_sha256: str
    commit: str | None
    base: str
    base_revision: str | None
    version: str


def statement_of(made: Artifact, ref: RepoRef, inputs: Sequence[Artifact], origin: Origin) -> dict[str, Json]:
    """The statement over one repo: its files are the subjects, what they were made of the dependencies.

    No clock and no machine: whoever ran it, and when, is no part of it.
    """
    files = [
        {"name": f"{each.kind}/{file.path}", "digest": {"sha256": file.sha256}}
        for each in inputs
        for file in each.files
    ]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": file.path, "digest": {"sha256": file.sha256}} for file in sorted(made.files)],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "release": origin.release,
                    "artifact": made.kind,
                    "repo": ref.path,
                },
                "resolvedDependencies": [*_sources(origin), *files],
            },
            "runDetails": {"builder": {"id": BUILDER, "version": {"hubpub": origin.version}}},
        },
    }


def _sources(origin: Origin) -> list[Json]:
    found: list[Json] = [{"name": "release.yaml", "digest": {"sha256": origin.manifest_sha256}}]
    if origin.commit:
        found.append({"name": "project", "digest": {"gitCommit": origin.commit}})
    if origin.base:
        base: dict[str, Json] = {"name": "base", "uri": purl(origin.base, origin.base_revision)}
        found.append(base | ({"digest": {"gitCommit": origin.base_revision}} if origin.base_revision else {}))
    return found


def purl(repo_id: str, revision: str | None) -> str:
    """A Hub model as a package URL."""
    return f"pkg:huggingface/{repo_id}" + (f"@{revision}" if revision else "")


def seal(statement: Json, private_pem: bytes, password: bytes | None, keyid: str) -> str:
    """Sign a statement; returns the DSSE envelope as JSON text.

    Raises:
        ValueError: the key cannot be read, or is of another kind.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey

    private = load_pem_private_key(private_pem, password)
    public = SSlibKey.from_crypto(private.public_key(), keyid=keyid)
    envelope = Envelope(canonical_json(statement).encode(), PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(private, public))
    return canonical_json(envelope.to_dict(), indent=1) + "\n"


def opened(envelope: str) -> Json:
    """The statement in an envelope of ours; its signature is not looked at."""
    return json.loads(base64.b64decode(json.loads(envelope)["payload"]))
