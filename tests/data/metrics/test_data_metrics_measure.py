"""From a dataset's rows and what models said to the numbers on a card: questions, and only what the data can tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from publisher.data.metrics.measure import (
    Answers,
    Losses,
    baselines,
    is_json,
    measure_answers,
    measure_losses,
)
from publisher.data.metrics.questions import Question, evenly, read_questions
from publisher.records.metrics import METRICS

pytestmark = pytest.mark.models  # pyarrow, scipy and the others come with that extra


def write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "validation-00000-of-00001.parquet")
    return folder


def measured(questions: list[Question], texts: Mapping[str, tuple[str, ...]], **more: bool) -> dict[str, Any]:
    likelihoods = {who: tuple((-2.0, 2) for _ in said) for who, said in texts.items()}
    answers = Answers(tuple(questions), texts, likelihoods)
    return {one.id: one.value for one in measure_answers(answers, **{"json_expected": False, **more})}


def test_a_question_that_stands_in_three_rows_is_asked_once_with_three_references(tmp_path: Path) -> None:
    """Greedy answers to the same prompt are the same: counted thrice they would look like a sure thing."""
    rows = [{"prompt": "a", "completion": str(n)} for n in (1, 2, 1)] + [{"prompt": "b", "completion": "3"}]
    first, second = read_questions(write(tmp_path, rows), most=9)

    assert (0, ("1", "2")) == (first.row, first.references)
    assert (3, ("3",), (), None) == (second.row, second.references, second.by_rule, second.target)


def test_other_pictures_make_another_question(tmp_path: Path) -> None:
    """ "Describe the marked object." says nothing by itself."""
    rows = [
        {"prompt": "What?", "completion": "x", "images": [{"bytes": picture, "path": "a.png"}]}
        for picture in (b"1", b"2", b"1")
    ]

    assert [0, 1] == [question.row for question in read_questions(write(tmp_path, rows), most=9)]


def test_of_a_conversation_the_last_answer_is_asked_for(tmp_path: Path) -> None:
    """The turns before it are the question."""
    turns = [("user", "Hi"), ("assistant", "Hello"), ("user", "1+1?"), ("assistant", "2")]
    rows = [{"messages": [{"role": role, "content": words} for role, words in turns]}]

    assert [("2",)] == [question.references for question in read_questions(write(tmp_path, rows), most=9)]


def test_what_rules_say_of_an_item_is_the_baseline_for_how_others_word_it(tmp_path: Path) -> None:
    """Where all references are the rules' own, they are no baseline for themselves."""
    item = {"scene_id": "s", "object_id": 1, "prompt": "Describe it."}
    said = (
        ("original", "the red ship"),
        ("enhanced", "a small red vessel"),
        ("unique", "the boat by the pier"),
    )
    rows = [{**item, "expression_type": kind, "expression": w, "completion": w} for kind, w in said]
    by_rule = [{**rows[0], "object_id": 2, "prompt": "Describe another."}]
    first, second = read_questions(write(tmp_path, rows + by_rule), most=9)

    assert (("a small red vessel", "the boat by the pier"), ("the red ship",)) == (
        first.references,
        first.by_rule,
    )
    assert (("the red ship",), ()) == (second.references, second.by_rule)
    assert {"references": ("a small red vessel",), "rules": ("the red ship",)} == baselines([first])
    assert {"references"} == set(baselines([first, second]))


def test_at_most_so_many_are_asked_evenly_over_all() -> None:
    """The first rows of a file show the first scenes only."""
    assert [0, 3, 6] == evenly(list(range(10)), 3)
    assert [0, 1] == evenly([0, 1], 3)


def test_scenes_are_read_from_the_demos_own_rows(built) -> None:
    """What is built here tells enough to aim at: the references, which the filter kept, all hit."""
    questions = read_questions(built.folder, most=8)
    found = measured(list(questions), baselines(questions))

    assert 8 == len(questions) == found["evaluate.spatial.answers"]
    assert (1.0, 1.0, 1.0) == tuple(
        found[f"evaluate.references.spatial.{name}"] for name in ("accuracy", "unique", "readable")
    )


def test_every_number_has_its_interval_and_tuned_models_a_paired_test() -> None:
    """What is said of a model is said with how sure it is."""
    questions = [
        Question(n, (f"the {word} ship",)) for n, word in enumerate(("red", "blue", "light", "dark"))
    ]
    right = tuple(question.references[0] for question in questions)
    texts = {"references": right, "base": ("a boat",) * 4, "adapter": right, "nf4": right}
    found = measured(questions, texts)

    assert (100.0, 0.0) == (found["evaluate.adapter.rouge_l"], found["evaluate.base.rouge_l"])
    assert (100.0, 100.0) == (found["evaluate.adapter.rouge_l_low"], found["evaluate.adapter.rouge_l_high"])
    assert (100.0, 0.125) == (
        found["evaluate.adapter.rouge_l_change"],
        found["evaluate.adapter.rouge_l_change_p"],
    )
    assert found["evaluate.base.self_bleu"] > found["evaluate.adapter.self_bleu"]
    assert -1.0 == found["evaluate.base.likelihood"]
    assert not any(name.startswith("evaluate.references.rouge_l") for name in found)
    assert not any(".spatial." in name or ".json_valid" in name for name in found)


@pytest.mark.parametrize("expected", [True, False])
def test_json_is_looked_for_where_the_manifest_or_every_reference_has_it(expected: bool) -> None:
    """Prose that is no JSON is no fault where nobody asked for it."""
    plain = [Question(0, ("yes",)), Question(1, ("no",))]
    structured = [Question(0, ('{"a": 1}',)), Question(1, ("[]",))]
    said = {"base": ('{"a": 2}', "Sure! {}")}

    assert expected == ("evaluate.base.json_valid" in measured(plain, said, json_expected=expected))
    assert 0.5 == measured(structured, said)["evaluate.base.json_valid"]


def test_a_bare_word_is_no_json_answer() -> None:
    """ "5" reads as JSON, and so would any answer that is a number."""
    texts = ("5", "true", "{}", '{"a": [1]}', "{", "")

    assert [False, False, True, True, False, False] == [is_json(text) for text in texts]


def test_a_tuned_model_is_held_against_the_base_and_a_quantized_one_against_what_it_was_made_from() -> None:
    """That is what each of them changed."""
    losses = Losses(
        (2, 2, 4),
        {
            "base": (4.0, 4.0, 8.0),
            "adapter": (2.0, 2.0, 4.0),
            "merged": (2.0, 2.0, 4.0),
            "nf4": (9.0, 9.0, 9.0),
        },
    )
    found = {one.id: one.value for one in measure_losses(losses, Losses((), {}))}

    against = [found.get(f"evaluate.{kind}.against") for kind in ("base", "adapter", "merged", "nf4")]
    assert [None, "base", "base", "merged"] == against
    assert (-1.0, 0.25) == (found["evaluate.adapter.loss_change"], found["evaluate.adapter.loss_change_p"])
    beats = [found.get(f"evaluate.{kind}.beats_base") for kind in ("base", "adapter", "nf4")]
    assert [None, True, False] == beats
    assert not any(".general." in name for name in found)


def test_a_base_that_was_only_quantized_is_not_asked_to_beat_itself() -> None:
    """It cannot, and a quantizer's release must not need a flag for that."""
    quantized = {"nf4": (5.0, 5.0), "gguf.q8_0": (5.0, 5.0), "awq": (5.0, 5.0)}
    losses = Losses((2, 2), {"base": (4.0, 4.0), **quantized})
    found = {one.id: one.value for one in measure_losses(losses, Losses((), {}))}

    for kind in quantized:
        assert ("base", 0.5) == (found[f"evaluate.{kind}.against"], found[f"evaluate.{kind}.loss_change"])
        assert f"evaluate.{kind}.beats_base" not in found


def test_of_one_row_nothing_is_known_but_its_mean() -> None:
    """Unknown is said as unknown."""
    losses = Losses((2,), {"base": (4.0,), "adapter": (2.0,)})
    found = {one.id: one for one in measure_losses(losses, Losses((), {}))}

    for end in ("loss_low", "perplexity_high", "loss_change", "loss_change_p"):
        assert ("unknown", None) == (
            found[f"evaluate.adapter.{end}"].status,
            found[f"evaluate.adapter.{end}"].value,
        )


def test_every_metric_of_the_table_is_measured_where_the_data_allow_it(built) -> None:
    """A row of the table that nothing ever fills would be a promise."""
    questions = list(read_questions(built.folder, most=4))
    texts = {"base": ("a", "b c", "d", "e"), **baselines(questions)}
    losses = Losses((2, 2), {"base": (4.0, 2.0)})
    ids = set(measured(questions, texts, json_expected=True)) | {
        one.id for one in measure_losses(losses, losses)
    }
    by_the_engine = {"loss", "perplexity", "general.loss", "general.perplexity", "cut_off"}

    assert {f"evaluate.base.{metric.id}" for metric in METRICS if metric.id not in by_the_engine} <= ids
    assert {f"evaluate.base.{name}_low" for name in by_the_engine - {"cut_off"}} <= ids
