"""Facts and digests: what every number in a card rests on."""

from __future__ import annotations

import math

import pytest

from publisher.records.artifacts import Artifact, FileRecord, is_card_file
from publisher.records.digest import canonical_json, digest
from publisher.records.facts import Fact, Facts, StatedSource


def fact(fact_id: str, value: object, status: str = "known") -> Fact:
    return Fact(fact_id, value, None, status, "train", StatedSource("the author"))  # type: ignore[arg-type]


def test_facts_come_in_the_order_of_their_ids_and_are_found_by_id() -> None:
    """Rendering must not depend on the order in which stages ran."""
    facts = Facts([fact("b", 2), fact("a", 1)])

    assert ["a", "b"] == list(facts)
    assert (2, 2, 2) == (facts["b"].value, facts.value("b"), len(facts))


def test_the_same_fact_twice_is_one_fact() -> None:
    """A resumed run brings again what it brought before."""
    assert 1 == len(Facts([fact("a", 1), fact("a", 1)]))


def test_two_facts_that_disagree_under_one_id_are_refused() -> None:
    """Otherwise the card would quote whichever came last."""
    with pytest.raises(ValueError, match=r"two different facts have the id train\.loss"):
        Facts([fact("train.loss", 1.0), fact("train.loss", 2.0)])


@pytest.mark.parametrize("status", ["unknown", "refused"])
def test_an_unknown_or_refused_fact_has_no_value_to_speak_of(status: str) -> None:
    """Unknown is a value of its own, never a zero."""
    facts = Facts([fact("a", None, status)])

    assert (False, "fallback") == (facts["a"].known, facts.value("a", "fallback"))


def test_canonical_json_depends_on_the_value_alone() -> None:
    """Digests of inputs decide whether a stage runs again."""
    one = {"b": [1, 2.5, "ä", None], "a": FileRecord("x", 1, "0" * 64)}
    other = {"a": FileRecord("x", 1, "0" * 64), "b": (1, 2.5, "ä", None)}

    assert canonical_json(one) == canonical_json(other)
    assert '{"a":{"path":"x","sha256":"' + "0" * 64 + '","size":1},"b":[1,2.5,"ä",null]}' == canonical_json(
        one
    )
    assert digest(one) == digest(other)


def test_a_number_that_is_none_has_no_canonical_json() -> None:
    """NaN is not JSON, and whoever reads the lock elsewhere would stumble on it."""
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"loss": math.nan})


def test_an_artifact_is_its_bytes_and_not_the_place_or_order_they_lie_in() -> None:
    """A checkout elsewhere, or another listing order, must not train again."""
    files = (FileRecord("a", 1, "1" * 64), FileRecord("b", 2, "2" * 64))
    here, there = Artifact("merged", "/here", files), Artifact("merged", "/there", files[::-1])

    assert here.digest == there.digest
    assert here.digest != Artifact("nf4", "/here", files).digest
    assert 3 == here.size


@pytest.mark.parametrize(
    ("path", "card"),
    [
        ("README.md", True),
        ("LICENSE", True),
        ("evidence/facts.json", True),
        ("assets/loss.svg", True),
        ("config.json", False),
        ("docs/README.md", False),
        ("evidence.json", False),
    ],
)
def test_what_belongs_to_the_card_is_told_by_its_path(path: str, card: bool) -> None:
    """A change in these alone is a card revision; in anything else it is a new version."""
    assert card == is_card_file(path)
