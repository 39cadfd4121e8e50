"""Evidence files: made from facts, and facts from them, byte for byte."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from publisher.errors import HubpubError
from publisher.evidence.record import record, refuse_stale, restore
from publisher.evidence.stated import stated_facts
from publisher.manifest.schema import StatedSettings
from publisher.records.facts import Fact, FileSource, Json, Measurement, StatedSource

MEASURED = (
    Measurement("train.final_loss", 1.25, "nats/token"),
    Measurement("train.lora.target_modules", ["q_proj", "k_proj"]),
    Measurement("train.device", None, status="unknown"),
    Measurement("train.note", "naïve, “quoted”"),
)


def at_pointer(document: Json, pointer: str) -> Json:
    """RFC 6901: `~1` is a slash and `~0` a tilde, unescaped in that order."""
    for token in pointer.split("/")[1:]:
        document = document[token.replace("~1", "/").replace("~0", "~")]
    return document


def test_every_fact_points_to_its_value_in_a_file_of_known_digest(tmp_path: Path) -> None:
    """That is what `card --explain` shows and what anyone may check."""
    facts = record("train", MEASURED, tmp_path / "evidence")
    content = (tmp_path / "evidence" / "train.json").read_bytes()
    sources = [fact.source for fact in facts if isinstance(fact.source, FileSource)]

    assert [m.value for m in MEASURED] == [at_pointer(json.loads(content), s.pointer) for s in sources]
    assert {("evidence/train.json", hashlib.sha256(content).hexdigest())} == {
        (s.path, s.sha256) for s in sources
    }
    assert ["known", "known", "unknown", "known"] == [fact.status for fact in facts]


@pytest.mark.parametrize("fact_id", ["train.a/b", "train.a~b", "train.~1", "train./~0~"])
def test_a_pointer_finds_ids_with_slashes_and_tildes(tmp_path: Path, fact_id: str) -> None:
    """Package names and module paths end up in ids."""
    (fact,) = record("train", [Measurement(fact_id, 7)], tmp_path)
    assert isinstance(fact.source, FileSource)

    assert 7 == at_pointer(json.loads((tmp_path / "train.json").read_text()), fact.source.pointer)


def test_facts_give_back_the_file_they_came_from_whatever_their_order(tmp_path: Path) -> None:
    """On a fresh checkout the lock is all there is."""
    facts = record("train", MEASURED, tmp_path / "evidence")
    other = record("merge", [Measurement("merged.tensors", 12)], tmp_path / "evidence")
    restore((*facts[::-1], *other), tmp_path / "again")
    names = ("train.json", "merge.json")

    assert [(tmp_path / "evidence" / n).read_bytes() for n in names] == [
        (tmp_path / "again" / n).read_bytes() for n in names
    ]


def test_facts_that_were_changed_in_the_lock_give_back_no_evidence(tmp_path: Path) -> None:
    """A number edited by hand must not come out with evidence behind it."""
    loss, *rest = record("train", MEASURED, tmp_path / "evidence")
    better = Fact(loss.id, 0.01, loss.unit, loss.status, loss.stage, loss.source)
    with pytest.raises(HubpubError) as caught:
        restore((better, *rest), tmp_path / "again")

    assert ("HP-C04", False) == (caught.value.code, (tmp_path / "again").exists())


def test_an_evidence_file_that_changed_after_its_facts_is_refused(tmp_path: Path) -> None:
    """A card may not quote a file that says something else by now."""
    facts = record("train", MEASURED, tmp_path / "evidence")
    refuse_stale(facts, tmp_path)
    (tmp_path / "evidence" / "train.json").write_text("{}")
    with pytest.raises(HubpubError) as caught:
        refuse_stale(facts, tmp_path)

    assert ("HP-C04", True) == (caught.value.code, "train" in caught.value.what)


def test_an_evidence_file_that_is_not_there_is_no_change(tmp_path: Path) -> None:
    """The workspace may be deleted at any time; `restore` brings the file back."""
    facts = record("train", MEASURED, tmp_path / "evidence")
    (tmp_path / "evidence" / "train.json").unlink()

    refuse_stale(facts, tmp_path)


def test_what_is_stated_has_the_author_s_word_and_nothing_else_as_evidence() -> None:
    """The card prints it as such."""
    stated = {"train.hardware": StatedSettings(value="1x A6000", source="rental invoice", unit=None)}

    assert (
        Fact("train.hardware", "1x A6000", None, "known", "stated", StatedSource("rental invoice")),
    ) == stated_facts(stated)
