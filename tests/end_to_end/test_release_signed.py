"""A signed release on the embedded Hub: what its repos carry, and what breaks the signature."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from release_room import Room
from signing_keys import KeyPair, make_pair
from tiny_rooms import NAME, write_project

from publisher.release.signing import fingerprint

pytestmark = pytest.mark.models  # the extra `sign`, which comes with it in the tests

GIT = ("git", "-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return make_pair()


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, pair: KeyPair) -> Room:
    """A base and an adapter, committed, released as 1.0.0 with the key from the environment."""
    room = Room(tmp_path_factory.mktemp("signed") / "project", NAME)
    write_project(room.root, ("base", "adapter"))
    (room.cards / "release.pub").write_text(pair.public)
    room.manifest.write_text(room.manifest.read_text() + "sign: release.pub\n")
    for command in (("init", "-q"), ("add", "model_cards"), ("commit", "-qm", "first")):
        subprocess.run([*GIT, *command], cwd=room.root, check=True)
    ran = room.run(*_release("1.0.0"), HUBPUB_SIGNING_KEY=pair.private)
    assert ran.code == 0, ran.err
    return room


@pytest.fixture
def room(signed: Room, tmp_path: Path) -> Room:
    """A copy that a test may change."""
    return signed.copy(tmp_path / "project")


def _release(*version: str) -> tuple[str, ...]:
    return ("release", NAME, *version, "--hub", "local", "--yes", "--proof", "static")


def _verify(room: Room) -> dict[str, str | None]:
    ran = room.run("verify", NAME, "--hub", "local", "--proof", "static", "--format", "json")
    assert ran.code == 0, ran.err
    return {repo["repo_id"]: repo["signed_by"] for repo in json.loads(ran.out)["repos"]}


def _statement(files: dict[str, bytes]) -> Any:
    return json.loads(base64.b64decode(json.loads(files["evidence/provenance.intoto.json"])["payload"]))


def test_a_missing_key_stops_the_release_before_anything_is_made(tmp_path: Path, pair: KeyPair) -> None:
    room = Room(tmp_path / "project", NAME)
    write_project(room.root, ("base", "adapter"))
    (room.cards / "release.pub").write_text(pair.public)
    room.manifest.write_text(room.manifest.read_text() + "sign: release.pub\n")
    ran = room.run(*_release("1.0.0"))

    assert (4, ["HP-X06"], []) == (ran.code, ran.errors, ran.worked)
    assert 'export HUBPUB_SIGNING_KEY="$(cat PRIVATE.pem)"' in ran.err


def test_without_evidence_the_signature_travels_alone(room: Room) -> None:
    room.edit("evidence: full", "evidence: none")
    ran = room.run(*_release(), "--until", "card")
    files = room.artifact("adapter")

    assert 0 == ran.code, ran.err
    assert "model.sig" in files
    assert [] == [path for path in files if path.startswith("evidence/")]


def test_what_is_downloaded_is_verified_by_the_format_s_own_program(
    signed: Room, pair: KeyPair, tmp_path: Path
) -> None:
    """No hubpub, no lock, no account: the files, and the public key."""
    public = tmp_path / "release.pub"
    public.write_text(pair.public)
    with signed.hub() as api:
        folder = Path(api.snapshot_download("acme/tiny-lora", local_dir=tmp_path / "lora"))
    shutil.rmtree(folder / ".cache")
    verify = [sys.executable, "-m", "model_signing", "verify", "key", str(folder)]
    verify += ["--signature", str(folder / "model.sig"), "--public_key", str(public)]

    assert 0 == subprocess.run(verify).returncode
    with (folder / "adapter_model.safetensors").open("ab") as weights:
        weights.write(b"\0")
    assert 0 != subprocess.run(verify).returncode


def test_every_repo_the_lock_and_the_receipt_name_the_key(signed: Room, pair: KeyPair) -> None:
    keyid = fingerprint(pair.public)
    receipt = signed.document("hubs/local/receipts/1.0.0.json")
    facts = {fact["id"]: fact["value"] for fact in signed.lock()["facts"]}

    assert {"acme/tiny-base": keyid, "acme/tiny-lora": keyid} == _verify(signed)
    assert {keyid} == {repo["signed_by"] for repo in receipt["repos"]}
    assert [keyid, keyid] == [facts["base.signed_by"], facts["adapter.signed_by"]]


def test_the_statement_names_the_commit_the_manifest_and_the_weights(signed: Room) -> None:
    """Who has the commit can look at the manifest, and who has the repo at the files."""
    files = signed.published()["acme/tiny-lora"].files
    statement = _statement(files)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=signed.root, capture_output=True, text=True)
    sources = {
        each["name"]: each.get("digest")
        for each in statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    }
    weights = (signed.cards / "inputs" / "base" / "model.safetensors").read_bytes()
    subjects = {each["name"]: each["digest"]["sha256"] for each in statement["subject"]}
    bom = json.loads(files["evidence/bom.cdx.json"])

    assert {"gitCommit": head.stdout.strip()} == sources["project"]
    assert {"sha256": hashlib.sha256(signed.manifest.read_bytes()).hexdigest()} == sources["release.yaml"]
    assert {"sha256": hashlib.sha256(weights).hexdigest()} == sources["base/model.safetensors"]
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert hashlib.sha256(files[name]).hexdigest() == subjects[name]
    assert set(subjects) == {part["name"] for part in bom["metadata"]["component"]["components"]}
    assert "1.0.0" == bom["metadata"]["component"]["version"]


def test_nothing_of_this_machine_and_of_the_private_key_is_published(signed: Room, pair: KeyPair) -> None:
    secret = pair.private.splitlines()[1].encode()
    kept = [file.read_bytes() for file in signed.root.rglob("*") if file.is_file() and not file.is_symlink()]
    files = [content for repo in signed.published().values() for content in repo.files.values()]
    opened = [
        json.dumps(_statement(repo.files)).encode() for repo in signed.published().values()
    ]  # what base64 hides

    assert not [content for content in kept + files if secret in content]
    assert not [content for content in files + opened if str(signed.root).encode() in content]


def test_a_card_revision_needs_no_key_and_leaves_the_signature_as_it_was(room: Room, pair: KeyPair) -> None:
    before = room.published()["acme/tiny-lora"].files
    (room.cards / "limitations.md").write_text("It still knows nothing.\n")
    shutil.rmtree(room.workspace)  # another machine: what it knows of signatures is the lock's
    ran = room.run(*_release())
    after = room.published()["acme/tiny-lora"].files

    assert 0 == ran.code, ran.err
    assert "restored as the lock has it" == ran.skipped["sign"]
    assert before["model.sig"] == after["model.sig"]
    assert before["README.md"] != after["README.md"]
    assert {fingerprint(pair.public)} == set(_verify(room).values())


def test_other_weights_are_signed_anew_and_need_the_key(room: Room, pair: KeyPair) -> None:
    before = room.published()
    weights = room.cards / "inputs" / "adapter" / "adapter_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-4] + struct.pack("<f", 0.5))
    refused = room.run(*_release("1.1.0"))
    ran = room.run(*_release("1.1.0"), HUBPUB_SIGNING_KEY=pair.private)
    after = room.published()

    assert (4, ["HP-X06"]) == (refused.code, refused.errors)
    assert 0 == ran.code, ran.err
    assert before["acme/tiny-lora"].files["model.sig"] != after["acme/tiny-lora"].files["model.sig"]
    assert {fingerprint(pair.public)} == set(_verify(room).values())


def test_a_file_that_somebody_changed_on_the_hub_fails_the_verification(
    room: Room, pair: KeyPair, tmp_path: Path
) -> None:
    """The Hub lists what it serves, and its listing is of the changed file: only the signature tells."""
    public, other = tmp_path / "release.pub", tmp_path / "other.pub"
    public.write_text(pair.public)
    other.write_text(make_pair().public)
    verify = ("verify", "hf://acme/tiny-lora", "--hub", "local", "--key")
    whole, foreign = room.run(*verify, str(public)), room.run(*verify, str(other))
    with room.hub() as api:
        api.upload_file(path_or_fileobj=b"{}", path_in_repo="adapter_config.json", repo_id="acme/tiny-lora")
    unasked, tampered = room.run(*verify[:-1]), room.run(*verify, str(public))

    assert 0 == whole.code, whole.err
    assert f"signed by {fingerprint(pair.public)[:12]}" in whole.out
    assert (1, ["HP-R09"]) == (foreign.code, foreign.errors)
    assert (0, False) == (unasked.code, "signed by" in unasked.out)
    assert (1, ["HP-R09"]) == (tampered.code, tampered.errors)
    assert "Hash mismatch for 'adapter_config.json'" in tampered.err
