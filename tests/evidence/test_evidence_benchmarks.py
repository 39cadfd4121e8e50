"""Benchmarks that lm-evaluation-harness ran: what is read, what is refused, and what never travels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmark_results import SECRETS, named, results, scored, write

from publisher.errors import HubpubError
from publisher.evidence.imported.benchmarks import measurements, read_benchmarks, refuse_other_weights
from publisher.records.facts import Fact, Facts, Json, StatedSource

BASE = "acme/base"


def told(root: Path, **files: dict[str, Any]) -> dict[str, Json]:
    """What one file a kind of model tells, by fact."""
    for kind, content in files.items():
        write(root / f"{kind}.json", content)
    sources = read_benchmarks(root, {kind: [f"{kind}.json"] for kind in files}, BASE)
    return {each.id: each.value for each in measurements(sources, {})}


def facts(**values: Json) -> Facts:
    return Facts(
        Fact(fact_id.replace("__", "."), value, None, "known", "merge", StatedSource("a test"))
        for fact_id, value in values.items()
    )


def test_values_with_their_errors_and_what_was_asked(tmp_path: Path) -> None:
    """A number without its shots, its rows and its task's version is no number."""
    found = told(tmp_path, merged=results())

    assert (0.25, 0.0435) == (
        found["lm_eval.merged.where.acc"],
        found["lm_eval.merged.where.acc_stderr"],
    )
    assert found["lm_eval.merged.where.acc_norm_stderr"] is None, "the harness writes N/A"
    about = {key.removeprefix("lm_eval.task.where."): found[key] for key in found if ".task.where." in key}
    assert {
        "acc.better": "higher",
        "acc_norm.better": "higher",
        "version": "2.0",
        "shots": 5,
        "rows": 100,
        "rows_in_all": 1000,
        "dataset": "acme/where",
        "chat_template": True,
        "system_instruction": False,
    } == about
    assert ["0.4.13"] == found["lm_eval.file.merged.harness"]


def test_a_group_is_one_row_and_its_tasks_are_counted(tmp_path: Path) -> None:
    """57 subjects of one benchmark are one number, as the harness itself reports them."""
    found = told(tmp_path, merged=results())

    assert (0.5, 2) == (found["lm_eval.merged.both.acc"], found["lm_eval.task.both.parts"])
    assert (200, 2000) == (found["lm_eval.task.both.rows"], found["lm_eval.task.both.rows_in_all"])
    assert not any(".who." in fact_id or ".say." in fact_id for fact_id in found)


def test_the_tasks_of_a_group_without_a_value_stand_for_themselves(tmp_path: Path) -> None:
    """A group may be nothing but a name for several tasks; a filter is a part of the metric's name."""
    content = results()
    del content["results"]["both"]["acc,none"], content["results"]["both"]["acc_stderr,none"]
    found = told(tmp_path, merged=content)

    assert (0.4, 12.5) == (found["lm_eval.merged.who.acc"], found["lm_eval.merged.say.perplexity"])
    assert "lower" == found["lm_eval.task.say.perplexity.better"]
    assert 0.125 == found["lm_eval.merged.say.exact_match.strict-match"]
    assert 0.033 == found["lm_eval.merged.say.exact_match.strict-match_stderr"]
    assert "lm_eval.task.who.dataset" not in found, "a file of one's own is no dataset of the Hub"


def test_groups_in_groups_are_counted_by_their_tasks(tmp_path: Path) -> None:
    """As of MMLU: all, its four fields, their subjects."""
    content = results(group_subtasks={"both": ["fields"], "fields": ["who", "say"]})
    content["results"]["fields"] = {"alias": "fields", "acc,none": 0.5}
    found = told(tmp_path, merged=content)

    assert (2, 200) == (found["lm_eval.task.both.parts"], found["lm_eval.task.both.rows"])
    assert not any(".fields." in fact_id for fact_id in found)


def test_what_is_not_finite_is_unknown(tmp_path: Path) -> None:
    """A perplexity of infinity is how some overflows are written."""
    assert told(tmp_path, base=scored(float("inf")))["lm_eval.base.where.acc"] is None


def test_a_folder_is_searched_as_the_harness_fills_it(tmp_path: Path) -> None:
    """It writes into a folder below, by the model's name; samples beside it are not read."""
    write(tmp_path / "out" / "acme__merged" / "results_2026-11-30T10-00-00.json", scored(0.5))
    (tmp_path / "out" / "acme__merged" / "samples_where.jsonl").write_text("{}\n")
    sources = read_benchmarks(tmp_path, {"merged": ["out"]}, BASE)

    assert ["results_2026-11-30T10-00-00.json"] == [source.document.name for source in sources]


def test_nothing_of_the_machine_that_measured_travels(tmp_path: Path) -> None:
    """Paths, devices, hosts and dates stand in the file."""
    text = json.dumps(told(tmp_path, base=results(), merged=results()))

    assert [] == [word for word in SECRETS if word in text]


@pytest.mark.parametrize(
    ("content", "says", "line"),
    [
        ("{\n 'results': 1}", "is not JSON", 2),
        ('{"results": {}}', "holds no results of lm-evaluation-harness", None),
        (json.dumps(results(results={})), "holds no results of lm-evaluation-harness", None),
        (json.dumps(results(results={"where": 3})), "where in r.json is no mapping", 1),
        (
            json.dumps(scored(0.5) | {"n-shot": {"where": -1}}, indent=1),
            "a whole number from 0 on belongs",
            33,
        ),
        (json.dumps(results(results={"a task": {"acc,none": 1}})), "by the name 'a task'", 1),
        (json.dumps(results(results={"where": {"acc,none": [1]}})), "a finite number belongs", 1),
    ],
)
def test_a_damaged_file_is_told_with_its_line(
    tmp_path: Path, content: str, says: str, line: int | None
) -> None:
    """Whoever edits such a file by hand is told where."""
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(HubpubError) as caught:
        read_benchmarks(tmp_path, {"base": ["r.json"]}, BASE)

    assert "HP-A08" == caught.value.code
    assert says in caught.value.what
    where = caught.value.where or ""
    assert where.endswith("r.json" if line is None else f"r.json:{line}")


@pytest.mark.parametrize("place", ["gone.json", "empty", "results.pkl"])
def test_what_is_not_there_or_a_pickle_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "results.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(HubpubError) as caught:
        read_benchmarks(tmp_path, {"base": [place]}, BASE)

    assert "HP-A08" == caught.value.code


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("n-shot", {"where": 0}, "where: shots is 5 in base.json of base and 0 in merged.json of merged"),
        ("n-samples", {"where": {"original": 1000, "effective": 99}}, "where: rows is 100"),
        ("versions", {"where": 1.0}, "where: version is 2.0"),
        ("chat_template", None, "where: chat_template is True"),
        ("system_instruction", "Be terse.", "where: system_instruction is False"),
    ],
)
def test_two_models_that_were_asked_otherwise_are_not_put_side_by_side(
    tmp_path: Path, key: str, value: Any, says: str
) -> None:
    """Five shots against none is the oldest way to a better number."""
    with pytest.raises(HubpubError) as caught:
        told(tmp_path, base=scored(0.5), merged=scored(0.6, **{key: value}))

    assert ("HP-A09", True) == (caught.value.code, says in caught.value.what), caught.value.what


def test_two_runs_of_one_model_that_differ_are_refused_and_equal_ones_are_one(tmp_path: Path) -> None:
    """Which of the two it would be, nobody could see."""
    for name, value in (("a", 0.5), ("b", 0.5), ("c", 0.6)):
        write(tmp_path / f"{name}.json", scored(value))
    read_benchmarks(tmp_path, {"merged": ["a.json", "b.json"]}, BASE)
    with pytest.raises(HubpubError, match=r"a\.json and c\.json have different results of merged on where"):
        read_benchmarks(tmp_path, {"merged": ["a.json", "c.json"]}, BASE)


@pytest.mark.parametrize(
    ("kind", "config", "says"),
    [
        ("merged", named(BASE), f"is of the base model {BASE}, and not of merged"),
        ("merged", {"config": {"model_args": f"pretrained={BASE},dtype=float32"}}, "is of the base model"),
        ("base", named(BASE, peft="out"), "is of a model with an adapter"),
    ],
)
def test_results_of_another_model_by_the_files_own_words(
    tmp_path: Path, kind: str, config: dict[str, Any], says: str
) -> None:
    with pytest.raises(HubpubError, match=says):
        told(tmp_path, **{kind: scored(0.5, **config)})


def test_an_adapter_on_its_base_and_the_base_itself_are_what_they_say(tmp_path: Path) -> None:
    found = told(tmp_path, base=scored(0.5, **named(BASE)), adapter=scored(0.6, **named(BASE, peft="out")))

    assert (0.5, 0.6) == (found["lm_eval.base.where.acc"], found["lm_eval.adapter.where.acc"])


def test_a_model_of_another_size_is_another_model(tmp_path: Path) -> None:
    """The harness counts parameters; so do we. One that carries an adapter has more than its base."""
    write(tmp_path / "m.json", scored(0.5))
    sources = read_benchmarks(tmp_path, {"merged": ["m.json"]}, BASE)
    refuse_other_weights(sources, facts(merged__parameters=1000), {}, Facts())
    with pytest.raises(HubpubError, match="is of a model of 1,000 parameters, and merged has 1,200"):
        refuse_other_weights(sources, facts(merged__parameters=1200), {}, Facts())


def test_a_file_that_was_read_for_other_weights_is_not_of_these(tmp_path: Path) -> None:
    """Trained again, and the old numbers still lie there: they would be on the new model's card."""
    write(tmp_path / "m.json", scored(0.5))
    sources = read_benchmarks(tmp_path, {"merged": ["m.json"]}, BASE)
    first = {each.id: each.value for each in measurements(sources, {"merged": ["aa", "bb"]})}
    before = Facts(
        Fact(fact_id, value, None, "known", "benchmarks", StatedSource("a test"))
        for fact_id, value in first.items()
    )
    refuse_other_weights(sources, Facts(), {"merged": ["bb", "aa"]}, before)
    with pytest.raises(
        HubpubError, match=r"the weights of merged are other ones than when m\.json was first read"
    ):
        refuse_other_weights(sources, Facts(), {"merged": ["aa", "cc"]}, before)
    write(tmp_path / "m.json", scored(0.6))
    measured_again = read_benchmarks(tmp_path, {"merged": ["m.json"]}, BASE)
    refuse_other_weights(measured_again, Facts(), {"merged": ["aa", "cc"]}, before)
