"""Levels of proof: the manifest's and the command line's, what needs which packages, and what is not taken back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from publisher.manifest.schema import Manifest
from publisher.pipeline.levels import Levels
from publisher.pipeline.run import Stage, run
from publisher.pipeline.steps.preflight import FOR_ADAPTERS, FOR_METRICS, FOR_ROWS, HEAVY, needed
from publisher.records.facts import Fact, StatedSource
from publisher.records.receipts import PROOF_LEVELS, ProofLevel, least
from publisher.records.runs import Validation

BASE: dict[str, Any] = {
    "manifest": 1,
    "owner": "a",
    "base": {"model": "a/b", "folder": "b"},
    "adapter": "adapter",
}


def _manifest(**more: Any) -> Manifest:
    return Manifest.model_validate({**BASE, "artifacts": {"adapter": {}}, **more})


@pytest.mark.parametrize("own", PROOF_LEVELS)
@pytest.mark.parametrize("most", PROOF_LEVELS)
def test_an_artifact_is_proven_as_far_as_both_allow(own: ProofLevel, most: ProofLevel) -> None:
    """What cannot run here does not run because of an option, and an option can ask for less."""
    levels = Levels.of(_manifest(artifacts={"adapter": {"proof": own}, "base": {}}), most)

    assert (least((own, most)), most) == (levels["adapter"], levels["base"])


def test_the_level_of_none_is_the_highest() -> None:
    """A release whose repos all stayed as they were has taken nothing back."""
    assert ("run", "static") == (least(()), least(("run", "static", "load")))


def test_levels_that_are_stronger_come_strongest_first() -> None:
    levels = Levels.of(_manifest(artifacts={"adapter": {"proof": "load"}}), "static")

    assert ["run", "load"] == [more.most for more in levels.stronger]
    assert ["load", "load"] == [more["adapter"] for more in levels.stronger]
    assert len({levels.digest, *(more.digest for more in levels.stronger)}) == 3


@pytest.mark.parametrize(
    ("more", "most", "packages"),
    [
        ({}, "static", ()),
        ({}, "load", (*HEAVY, *FOR_ADAPTERS)),
        ({"artifacts": {"adapter": {"proof": "static"}}}, "run", ()),
        ({"artifacts": {"adapter": {"proof": "static"}, "base": {}}}, "run", (*HEAVY, *FOR_ADAPTERS)),
        ({"artifacts": {"adapter": {}, "merged": {}}}, "static", (*HEAVY, *FOR_ADAPTERS)),
        ({"dataset": {"folder": "data"}}, "static", FOR_ROWS),
        ({"dataset": {"folder": "data"}, "evaluate": {}}, "static", (*HEAVY, *FOR_ADAPTERS, *FOR_METRICS)),
        ({"dataset": "a/data"}, "static", ()),
    ],
)
def test_only_what_the_run_will_import_is_asked_for(
    more: dict[str, Any], most: ProofLevel, packages: tuple[str, ...]
) -> None:
    """`pip install hubpub` is enough where nothing is made and nothing is loaded."""
    manifest = _manifest(**more)

    assert packages == needed(manifest, Levels.of(manifest, most))


@dataclass
class Kept:
    """A memory of results by key."""

    results: dict[str, Any] = field(default_factory=dict)

    def recall(self, stage: Stage, key: str) -> tuple[Any, str]:
        return self.results.get(key), "unchanged"

    def keep(self, stage: Stage, key: str, result: Any) -> None:
        self.results[key] = result


def validate(levels: Levels) -> Validation:
    """How far it went, as a fact."""
    return Validation((Fact("level", levels["adapter"], None, "known", "validate", StatedSource("test")),))


def test_what_was_shown_is_not_taken_back_by_asking_for_less_and_less_does_not_pass_for_more(
    notes: Any,
) -> None:
    """The other way round a static release would stay static for ever."""
    memory = Kept()

    def level(most: ProofLevel) -> tuple[Any, str]:
        manifest = _manifest()
        results = run(
            [Stage(validate, why="", remembered=True)],
            manifest,
            services={},
            settings={Levels: Levels.of(manifest, most)},
            memory=memory,
            listener=notes,
        )
        return results.made[Validation].facts[0].value, results.keys["validate"]

    asked: tuple[ProofLevel, ...] = ("static", "load", "static", "run", "static")
    found = [level(most) for most in asked]

    assert ["static", "load", "load", "run", "run"] == [value for value, _ in found]
    assert found[3][1] == found[4][1], (
        "the key that is kept in the lock is the one that the result was made under"
    )
