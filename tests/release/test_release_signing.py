"""Signatures as the format's own library reads them, and whatever must not pass for one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from signing_keys import KeyPair, make_pair

from publisher.errors import HubpubError
from publisher.records.artifacts import Artifact, FileRecord, RepoRef
from publisher.release.bom import bom_of
from publisher.release.provenance import Origin, opened, seal, statement_of
from publisher.release.signing import check_signature, fingerprint, sign_files

pytestmark = pytest.mark.models  # the extra `sign`, which comes with it in the tests

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ORIGIN = Origin("demo", "a" * 64, COMMIT, "acme/base", COMMIT, "0.1.0")
MODEL = Artifact("merged", "", (FileRecord("model.safetensors", 3, "b" * 64),))
BASE = Artifact("base", "", (FileRecord("model.safetensors", 3, "c" * 64),))


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return make_pair()


@pytest.fixture
def signed(tmp_path: Path, pair: KeyPair) -> Path:
    """A repo as it is downloaded: weights, configuration, a card, and the signature."""
    folder = tmp_path / "repo"
    (folder / "evidence").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text("{}")
    (folder / "README.md").write_text("# Demo\n")
    (folder / "model.sig").write_text(sign_files(folder, pair.private.encode()))
    return folder


def test_the_format_s_own_library_verifies_a_signature(signed: Path, pair: KeyPair, tmp_path: Path) -> None:
    from model_signing import verifying

    public = tmp_path / "release.pub"
    public.write_text(pair.public)
    verifying.Config().use_elliptic_key_verifier(public_key=public).verify(signed, signed / "model.sig")

    bundle = json.loads((signed / "model.sig").read_text())
    payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))

    assert fingerprint(pair.public) == bundle["verificationMaterial"]["publicKey"]["hint"]
    assert ["config.json", "model.safetensors"] == [r["name"] for r in payload["predicate"]["resources"]]


def test_a_signature_says_whose_key_made_it(signed: Path, pair: KeyPair) -> None:
    assert fingerprint(pair.public) == check_signature(signed, pair.public, "hf://acme/demo")


def test_a_card_revision_leaves_the_signature_whole(signed: Path, pair: KeyPair) -> None:
    (signed / "README.md").write_text("# Demo, in better words\n")
    (signed / "NOTICE").write_text("Made by Acme.\n")
    (signed / "evidence" / "facts.json").write_text("{}")

    assert fingerprint(pair.public) == check_signature(signed, pair.public, "hf://acme/demo")


def test_weights_that_lie_here_as_links_are_signed_as_the_files_they_become(
    pair: KeyPair, tmp_path: Path
) -> None:
    """A user's own GGUF files are linked, never copied; on the Hub they are files."""
    (tmp_path / "own.gguf").write_bytes(b"weights")
    folder, downloaded = tmp_path / "artifact", tmp_path / "downloaded"
    for each in (folder, downloaded):
        each.mkdir()
    (folder / "demo.gguf").symlink_to(tmp_path / "own.gguf")
    (downloaded / "demo.gguf").write_bytes(b"weights")
    (downloaded / "model.sig").write_text(sign_files(folder, pair.private.encode()))

    assert fingerprint(pair.public) == check_signature(downloaded, pair.public, "hf://acme/demo")


def _edit_payload(folder: Path) -> None:
    """The list of files is made to fit other weights, and the signature stays as it was."""
    bundle = json.loads((folder / "model.sig").read_text())
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"]).replace(b"config.json", b"konfig.json")
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    (folder / "model.sig").write_text(json.dumps(bundle))


def _without_signatures(folder: Path) -> None:
    bundle = json.loads((folder / "model.sig").read_text())
    bundle["dsseEnvelope"]["signatures"] = []
    (folder / "model.sig").write_text(json.dumps(bundle))


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (
            lambda f: (f / "model.safetensors").write_bytes(b"Weights"),
            "Hash mismatch for 'model.safetensors'",
        ),
        (lambda f: (f / "modeling_demo.py").write_text("import os"), "Extra files found"),
        (lambda f: (f / "config.json").unlink(), "Missing files"),
        (lambda f: (f / "model.sig").unlink(), "there is no model.sig"),
        (lambda f: (f / "model.sig").write_text("{}"), "cannot be read"),
        (lambda f: (f / "model.sig").write_bytes(b"\xff\xfe"), "cannot be read"),
        (_edit_payload, "was changed after it was signed"),
        (_without_signatures, "cannot be read"),
    ],
    ids=["weights", "a file more", "a file less", "none", "empty", "bytes", "payload", "no signature"],
)
def test_what_is_not_as_it_was_signed_is_one_clear_error(
    signed: Path, pair: KeyPair, tamper: Callable[[Path], object], told: str
) -> None:
    tamper(signed)

    with pytest.raises(HubpubError) as caught:
        check_signature(signed, pair.public, "hf://acme/demo")

    assert ("HP-R09", "hf://acme/demo") == (caught.value.code, caught.value.where)
    assert told in caught.value.what


def test_another_key_s_signature_is_refused(signed: Path) -> None:
    with pytest.raises(HubpubError) as caught:
        check_signature(signed, make_pair().public, "hf://acme/demo")

    assert ("HP-R09", "model.sig is by another key") == (caught.value.code, caught.value.what)


def test_a_public_key_of_another_kind_is_told_as_such_and_does_not_blame_the_signature(signed: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for text in (pem.decode(), "-----BEGIN PUBLIC KEY-----\naGVsbG8=\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(HubpubError) as caught:
            check_signature(signed, text, "hf://acme/demo")

        assert "HP-M13" == caught.value.code


def test_a_fingerprint_is_the_key_s_however_its_text_is_wrapped(pair: KeyPair) -> None:
    unwrapped = pair.public.replace("\n", "\r\n")

    assert fingerprint(pair.public) == fingerprint(f"a note\n{unwrapped}\n\n")
    with pytest.raises(ValueError, match="no public key"):
        fingerprint(pair.private)


def test_a_statement_ties_files_manifest_commit_and_base_together() -> None:
    from google.protobuf.json_format import ParseDict
    from in_toto_attestation.v1.statement import Statement
    from in_toto_attestation.v1.statement_pb2 import Statement as Message

    made = statement_of(MODEL, RepoRef("acme/demo"), [BASE], ORIGIN)
    Statement.copy_from_pb(ParseDict(made, Message())).validate()

    assert [{"name": "model.safetensors", "digest": {"sha256": "b" * 64}}] == made["subject"]
    assert [
        {"name": "release.yaml", "digest": {"sha256": "a" * 64}},
        {"name": "project", "digest": {"gitCommit": COMMIT}},
        {"name": "base", "uri": f"pkg:huggingface/acme/base@{COMMIT}", "digest": {"gitCommit": COMMIT}},
        {"name": "base/model.safetensors", "digest": {"sha256": "c" * 64}},
    ] == made["predicate"]["buildDefinition"]["resolvedDependencies"]


def test_a_statement_s_envelope_is_verified_by_the_public_key_alone(pair: KeyPair) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    statement = statement_of(MODEL, RepoRef("acme/demo"), [BASE], ORIGIN)
    sealed = seal(statement, pair.private.encode(), None, fingerprint(pair.public))
    envelope = json.loads(sealed)
    kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    # https://github.com/secure-systems-lab/dsse/blob/master/protocol.md, PAE
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    key = load_pem_public_key(pair.public.encode())

    assert statement == opened(sealed)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(signature, signed, ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(signature, signed + b" ", ec.ECDSA(SHA256()))


def test_a_bill_of_materials_is_the_statement_s_and_the_same_each_time() -> None:
    statement = statement_of(MODEL, RepoRef("acme/demo"), [BASE], ORIGIN)
    text = bom_of(statement, "merged", "acme/demo", "1.0.0")
    bom = json.loads(text)
    main = bom["metadata"]["component"]
    parts = {part["bom-ref"]: part for part in bom["components"]}

    assert text == bom_of(statement, "merged", "acme/demo", "1.0.0")
    assert ("CycloneDX", "1.6") == (bom["bomFormat"], bom["specVersion"])
    assert "timestamp" not in bom["metadata"]
    assert ("machine-learning-model", "acme/demo", "1.0.0") == (main["type"], main["name"], main["version"])
    assert [{"alg": "SHA-256", "content": "b" * 64}] == main["components"][0]["hashes"]
    assert {"release.yaml", "project", "base", "base/model.safetensors"} == set(parts)
    assert (COMMIT, f"pkg:huggingface/acme/base@{COMMIT}") == (
        parts["base"]["version"],
        parts["base"]["purl"],
    )
    assert sorted(parts) == next(d["dependsOn"] for d in bom["dependencies"] if d["ref"] == "acme/demo")


def test_a_data_set_s_bill_of_materials_is_of_data() -> None:
    rows = Artifact("dataset", "", (FileRecord("data/train.parquet", 3, "d" * 64),))
    statement = statement_of(rows, RepoRef("acme/rows", "dataset"), [], ORIGIN)
    bom = json.loads(bom_of(statement, "dataset", "acme/rows", "1.0.0"))

    assert "data" == bom["metadata"]["component"]["type"]
