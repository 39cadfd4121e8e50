"""Licence texts beside a card: the base's own as they are, ours where they are known to be exact, else a link."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from publisher.card.templates import Templates, built_in_folder
from publisher.hub.port import Add
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import BaseSettings, Manifest
from publisher.pipeline.licensing import (
    BASE_LICENCE,
    LICENCE,
    NOTICE,
    carried_from,
    licence_at,
    licence_files,
    licence_of,
)
from publisher.pipeline.services import Source
from publisher.pipeline.steps.resolve import BaseWeights, resolve
from publisher.records.artifacts import RepoRef
from publisher.records.facts import Fact, Facts, FileSource, StatedSource
from publisher.records.runs import Pins

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from tiny_project import write_base, write_project

TEXTS = built_in_folder() / "licences"
INDEX = json.loads((TEXTS / "index.json").read_text("utf-8"))
BASES_OWN = (
    b"MIT License\r\n\r\nCopyright (c) 2024 Harbour Ltd \xc2\xa9\r\n\r\nPermission is hereby granted\r\n\r\n"
)


def made(licence: str) -> Manifest:
    return Manifest.model_validate(
        yaml.safe_load(
            f"{{manifest: 1, owner: me, base: {{model: a/b}}, adapter: c/d, artifacts: [adapter], licence: {licence}}}"
        )
    )


def facts_of(**values: object) -> Facts:
    source = FileSource("evidence/resolve.json", "0" * 64)
    return Facts(
        [Fact(i.replace("__", "."), v, None, "known", "resolve", source) for i, v in values.items()]  # type: ignore[arg-type]
    )


def beside(licence: str, facts: Facts, kind: str = "adapter") -> dict[str, str]:
    return licence_files(kind, made(licence), facts, Templates.of())  # type: ignore[arg-type]


def test_every_text_is_the_one_that_the_index_says_and_none_lies_there_unsaid():
    """A licence with one word changed is another licence."""
    found = {file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in TEXTS.glob("*.txt")}

    assert {row["id"]: row["sha256"] for row in INDEX["texts"]} == found
    assert all(row["name"] and row["link"] and row["source"] and row["date"] for row in INDEX["texts"])
    assert not {row["id"] for row in INDEX["texts"]} & {row["id"] for row in INDEX["linked"]}


@pytest.mark.parametrize("licence", sorted(row["id"] for row in INDEX["texts"]))
def test_a_text_goes_along_as_it_is_and_one_with_a_holder_needs_him(licence):
    """`Copyright (c) [year] [fullname]` licenses nothing."""
    row = next(row for row in INDEX["texts"] if row["id"] == licence)
    text = (TEXTS / f"{licence}.txt").read_bytes().decode()
    stated = Fact("licence.holder", "2024 Harbour Ltd", None, "known", "stated", StatedSource("the author"))
    slot = row.get("holder")
    named = text.replace(slot, "2024 Harbour Ltd") if slot else text

    assert ({} if slot else {LICENCE: text}) == beside(licence, Facts())
    assert {LICENCE: named} == beside(licence, Facts([stated]))
    assert (named != text) == bool(slot)


def test_the_base_s_files_go_with_what_was_made_of_it_and_not_with_the_dataset():
    """Whatever licence it is; data of ours has nothing of the base in it."""
    facts = facts_of(base__licence_files={LICENCE: "Harbour Licence\r\n", NOTICE: "Made by Harbour\n"})

    assert {LICENCE: "Harbour Licence\r\n", NOTICE: "Made by Harbour\n"} == beside("other", facts, "nf4")
    assert {} == beside("other", facts, "dataset")


def test_under_another_licence_the_base_s_text_keeps_a_place_of_its_own():
    """MIT asks that its notice stays; LICENSE then says what the release itself is under."""
    facts = facts_of(base__licence="mit", base__licence_files={LICENCE: "MIT of Harbour\n"})
    apache = (TEXTS / "apache-2.0.txt").read_text("utf-8")

    assert {LICENCE: apache, BASE_LICENCE: "MIT of Harbour\n"} == beside("apache-2.0", facts)


def test_data_may_have_a_licence_of_their_own_beside_their_model_s():
    """Gemma's terms are about weights; photographs come under what their owners said."""
    text = "{manifest: 1, owner: me, licence: gemma, base: {model: a/b}, adapter: c/d, dataset: {folder: d}, artifacts: "
    own = Manifest.model_validate(
        yaml.safe_load(text + "{adapter: {}, dataset: {licence: cc-by-nc-sa-4.0}}}")
    )
    found = {kind: licence_of(kind, own, Facts()) for kind in ("adapter", "dataset")}

    assert {"adapter": "gemma", "dataset": "cc-by-nc-sa-4.0"} == found


def test_a_notice_that_the_licence_asks_for_is_added_once():
    """Gemma's terms name a sentence; a base that brings it needs no second one."""
    [gemma] = beside("gemma", Facts()).values()
    brought = facts_of(base__licence_files={NOTICE: f"Ours.\n{gemma}"})
    other = facts_of(base__licence_files={NOTICE: "Ours.\n"})

    assert {NOTICE: f"Ours.\n{gemma}"} == beside("gemma", brought)
    assert {NOTICE: f"Ours.\n\n{gemma}"} == beside("gemma", other)


def test_a_text_that_is_not_here_is_linked():
    """Better than a text that may be wrong, and better than nothing."""
    assert (TEXTS / "cc-by-4.0.txt").exists() is False
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" == licence_at(
        "adapter", made("cc-by-4.0"), Facts(), Templates.of()
    )
    assert licence_at("adapter", made("other"), Facts(), Templates.of()) is None


def test_of_several_files_the_plainest_name_counts_and_what_is_no_text_is_left(tmp_path: Path):
    """Repos carry LICENSE beside LICENSE.md, folders of that name, and files in old encodings."""
    (tmp_path / "LICENSE.md").write_bytes(b"long")
    (tmp_path / "LICENSE").write_bytes(b"short\r\n")
    (tmp_path / "notice.txt").write_bytes(b"\xff\xfe")
    (tmp_path / "NOTICE").mkdir()
    (tmp_path / "license_checker.py").write_bytes(b"code")

    assert {LICENCE: "short\r\n"} == carried_from(tmp_path)


def test_the_base_s_licence_arrives_byte_for_byte_in_every_repo(tmp_path):
    """The whole way, as a process: from the base's folder to the folders that would be published."""
    folder = write_project(tmp_path, ("base", "dataset", "adapter"))
    (folder / "inputs" / "base" / "LICENSE.txt").write_bytes(BASES_OWN)
    manifest = folder / "release.yaml"
    manifest.write_text(manifest.read_text().replace("licence: apache-2.0", "licence: mit"))
    command = ["release", "tiny", "--until", "card", "--hub", "local", "--proof", "static"]
    told = subprocess.run(
        [sys.executable, "-c", "from publisher.cli.app import main; main()", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_TOKEN": ""},
    )
    assert 0 == told.returncode, told.stderr
    artifacts = tmp_path / ".hubpub" / "tiny" / "artifacts"

    assert BASES_OWN == (artifacts / "adapter" / "LICENSE").read_bytes()
    assert BASES_OWN == (artifacts / "base" / "LICENSE").read_bytes()
    assert "the text is in [`LICENSE`](LICENSE)" in (artifacts / "adapter" / "README.md").read_text()
    assert not (artifacts / "dataset" / "LICENSE").exists()
    assert "its text is not in this repo, but [on the web](https://opensource.org/license/mit)" in " ".join(
        (artifacts / "dataset" / "README.md").read_text().split()
    )
    assert "dataset_info:\n" in (artifacts / "dataset" / "README.md").read_text()


def test_a_base_on_the_hub_brings_its_licence_and_its_folder_holds_no_card(alice, notes, tmp_path: Path):
    """Markdown is not fetched with weights, a licence in Markdown is; the folder is what is published, cards come later."""
    ref = RepoRef(f"alice/licensed-{tmp_path.name}".lower()[:60])
    alice.create(ref, private=True)
    state = alice.state(ref)
    write_base(tmp_path / "made")
    made = {file.name: file.read_bytes() for file in (tmp_path / "made").iterdir()}
    made |= {
        "LICENSE.md": BASES_OWN,
        "NOTICE": b"Made by Harbour",
        "README.md": b"---\nlicense: mit\n---\n",
        "preprocessor_config.json": b"{}",
    }
    adds = [Add(path, content) for path, content in made.items()]
    alice.commit(ref, "main", adds, title="Base", body="", parent=str(state.head))
    paths = ReleasePaths("tiny", tmp_path / "cards", tmp_path / "work")
    pins = Pins(ref.repo_id, None)
    base = resolve(
        paths,
        None,
        Source(alice),
        notes,
        BaseSettings(model=ref.repo_id),
        None,
        pins,
        BaseWeights(are_read=True),
    )
    facts = Facts(base.facts)

    assert {LICENCE: BASES_OWN.decode(), NOTICE: "Made by Harbour"} == facts.value("base.licence_files")
    assert facts.value("base.processor") is True
    assert {"LICENSE.md"} == {file.path for file in base.artifact.files} & {
        "LICENSE.md",
        "NOTICE",
        "README.md",
    }
