"""Benchmarks that were run elsewhere: what the key sees of them, what preflight refuses, what gates hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchmark_results import named, scored, write

from publisher.errors import HubpubError
from publisher.evidence.hashes import HashCache
from publisher.manifest.evaluation import GateSettings
from publisher.manifest.load import load_manifest
from publisher.manifest.lock import Lock, numbers_of
from publisher.manifest.project import Project
from publisher.manifest.schema import Manifest
from publisher.pipeline.inputs import benchmarks_of
from publisher.pipeline.services import LastVersion, Wishes
from publisher.pipeline.stages import STAGES
from publisher.pipeline.stand_in import rehearsal_of
from publisher.pipeline.steps.gates import gates
from publisher.pipeline.steps.preflight import unread_benchmarks
from publisher.records.facts import Fact, Facts, Json, StatedSource

MANIFEST: dict[str, Any] = {
    "manifest": 1,
    "owner": "acme",
    "base": "acme/base",
    "adapter": "inputs/adapter",
    "artifacts": ["adapter", "nf4", "gguf"],
}


def _manifest(**more: Any) -> Manifest:
    return Manifest.model_validate({**MANIFEST, **more}, strict=False)


def _fact(fact_id: str, value: Json) -> Fact:
    return Fact(fact_id, value, None, "known", "benchmarks", StatedSource("a test"))


def test_the_key_sees_names_and_bytes_and_the_lock_says_for_which_weights(tmp_path: Path) -> None:
    hashes = HashCache(tmp_path / "hashes.json")
    manifest = _manifest(lm_eval={"merged": "r.json"})
    write(tmp_path / "r.json", scored(0.5))
    lock = Lock(
        name="demo", facts=(_fact("lm_eval.file.merged.weights", ["aa"]), _fact("lm_eval.x.y.acc", 1))
    )
    first = benchmarks_of(manifest, tmp_path, hashes, None)
    with_lock = benchmarks_of(manifest, tmp_path, hashes, lock)
    write(tmp_path / "r.json", scored(0.6))
    changed = benchmarks_of(manifest, tmp_path, hashes, lock)

    assert first.digest == with_lock.digest != changed.digest
    assert ["lm_eval.file.merged.weights"] == list(with_lock.before)


def test_it_stands_behind_all_weights_and_before_whatever_quotes_it() -> None:
    names = [stage.name for stage in STAGES]
    stage = STAGES[names.index("benchmarks")]

    assert names.index("variants") < names.index("benchmarks") < names.index("gates") < names.index("card")
    assert "no results of benchmarks" in str(stage.unwanted(_manifest(), {}))
    assert stage.unwanted(_manifest(lm_eval={"base": "r.json"}), {}) is None


@pytest.mark.parametrize("kind", ["base", "adapter", "merged", "nf4", "gguf.q8_0"])
def test_models_of_the_release_have_results(kind: str) -> None:
    """One file is a short form of a list; the merged model is made for what is made of it, released or not."""
    assert {kind: ("r.json",)} == dict(_manifest(lm_eval={kind: "r.json"}).lm_eval)


@pytest.mark.parametrize("kind", ["dataset", "gguf", "awq", "gguf.Q8 0", "tuned"])
def test_what_is_no_model_of_the_release_is_told(tmp_path: Path, kind: str) -> None:
    """A name that nothing answers to would be a column of nothing."""
    project = Project(tmp_path)
    manifest = project.release("demo").manifest
    manifest.parent.mkdir(parents=True)
    manifest.write_text(
        "manifest: 1\nowner: acme\nbase: acme/b\nadapter: a\nartifacts: [adapter, gguf]\n"
        f"lm_eval: {{{kind!r}: r.json}}\n"
    )
    with pytest.raises(HubpubError) as caught:
        load_manifest(project, "demo")

    assert ("HP-M01", True) == (
        caught.value.code,
        f"or a GGUF file as gguf.q8_0; not {kind}" in caught.value.what,
    )


def test_what_cannot_be_read_is_known_in_the_first_second(tmp_path: Path) -> None:
    """Not after the base was fetched and the weights were merged."""
    paths = Project(tmp_path).release("demo")
    write(paths.folder / "of_the_base.json", scored(0.5, **named("acme/base")))
    [gone] = unread_benchmarks(paths, _manifest(lm_eval={"merged": "gone.json"}))
    [other] = unread_benchmarks(paths, _manifest(lm_eval={"merged": "of_the_base.json"}))

    assert [("HP-A08", "there is no gone.json"), ("HP-A09", "of_the_base.json")] == [
        (gone.code, gone.what),
        (other.code, other.what.partition(" ")[0]),
    ]
    assert [] == list(unread_benchmarks(paths, _manifest(lm_eval={"base": "of_the_base.json"})))


def test_a_rehearsal_has_none() -> None:
    """Numbers of the real model on the card of a random one would be a lie; a gate on them cannot be rehearsed."""
    gated = {"lm_eval.base.where.acc": {"min": 0.1}, "validate.nf4.finite": {"min": 1}}
    rehearsed = rehearsal_of(_manifest(lm_eval={"base": "r.json"}, gates=gated), "demo").manifest

    assert ({}, ["validate.nf4.finite"]) == (rehearsed.lm_eval, list(rehearsed.gates))


def _gated(
    value: float, gate: GateSettings, *, better: str = "higher", last: float | None = None
) -> list[str]:
    name = "lm_eval.merged.where.acc_norm"
    values = {name: value, "lm_eval.base.where.acc_norm": 0.5, "lm_eval.task.where.acc_norm.better": better}
    before = LastVersion("1.0.0", numbers=numbers_of([_fact(name, last)]) if last is not None else {})
    try:
        gates({name: gate}, Facts(_fact(*each) for each in values.items()), before, Wishes())
    except HubpubError as missed:
        return list(missed.data["missed"])
    return []


def test_a_benchmark_beats_its_base_the_way_that_the_task_says() -> None:
    """Accuracy is better higher, word perplexity lower; the harness says which."""
    beat = GateSettings(must_beat="base")

    assert [] == _gated(0.6, beat)
    assert ["lm_eval.merged.where.acc_norm is 0.4 and does not beat the base's 0.5"] == _gated(0.4, beat)
    assert [] == _gated(0.4, beat, better="lower")
    assert [] != _gated(0.6, beat, better="lower")


def test_a_benchmark_may_not_fall_by_more_than_is_allowed() -> None:
    """Against the version that was released last."""
    assert [] == _gated(0.59, GateSettings(max_fall=0.02), last=0.6)
    assert [
        "lm_eval.merged.where.acc_norm is 0.5, in 1.0.0 it was 0.6: at most 0.02 less is allowed"
    ] == _gated(0.5, GateSettings(max_fall=0.02), last=0.6)
