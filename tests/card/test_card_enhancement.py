"""A dataset whose expressions a language model wrote says so, and the rule on output terms takes it from there."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from publisher.card.render import render
from publisher.checks.run import check_folder
from publisher.data.enhance.measure import measured
from publisher.data.enhance.prompt import Prompt
from publisher.data.enhance.records import Enhanced, Target
from publisher.manifest.enhance import EnhanceSettings
from publisher.records.facts import Fact, Facts, FileSource, Measurement


@pytest.fixture
def enhanced(told_by):
    """The dataset's card after an enhancement of three items, one of them refused; its settings as given."""

    def make(**settings):
        target = Target("s", 1, "object", "ship", ("the ship",), (b"", b""))
        done = Enhanced(target, (("the ship", "that ship"),), ("a grey hull", "a long wake"), "enhanced")
        refused = Enhanced(target, (), (), "refused")
        told = measured([done, done, refused], EnhanceSettings(**settings), Prompt("hubpub-1", ""))
        return told_by(told)

    return make


@pytest.fixture
def told_by(card_of, facts, templates):
    """The dataset's card with further measurements."""

    def make(measurements):
        evidence = FileSource("evidence/dataset.json", sha256(b"dataset").hexdigest())
        more = [Fact(m.id, m.value, m.unit, m.status, "dataset", evidence) for m in measurements]
        return render(card_of("dataset", facts=Facts([*facts.values(), *more])), templates).text

    return make


def findings(text: str, folder: Path, code: str):
    (folder / "README.md").write_text(text, encoding="utf-8")
    return [finding.code for finding in check_folder(folder, select=[code]).findings]


def test_the_card_names_the_model_the_counts_and_what_failed(enhanced):
    """Provider and model stand in the sentence; the prompt's version beside them."""
    text = enhanced(model="gpt-5-mini")

    assert (
        "2 variations of expressions and 4 further expressions were written by gpt-5-mini, served by OpenAI. It"
        in text
    )
    assert "of each of 3 items and what rules say of it, with the prompt hubpub-1." in text
    assert "| Why | Items |\n|---|---:|\n| refused | 1 |\n" in text


def test_an_endpoint_of_ones_own_is_not_named(enhanced):
    """A host inside somebody's network is nobody's business."""
    text = enhanced(model="gemma-3-27b", base_url="https://gpu-7.corp.example/v1")

    assert "were written by gemma-3-27b. It" in text
    assert "corp.example" not in text


@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        ({"model": "gpt-5-mini"}, ["LIC076"]),
        ({"model": "o3"}, ["LIC076"]),
        (
            {"model": "gemini-3-pro", "base_url": "https://generativelanguage.googleapis.com/v1beta/openai"},
            ["LIC076"],
        ),
        ({"model": "Qwen/Qwen3-VL-8B-Instruct", "base_url": "http://127.0.0.1:8000/v1"}, []),
    ],
)
def test_output_of_a_commercial_model_is_found_until_its_terms_are_told(enhanced, tmp_path, settings, codes):
    """The author says what the terms mean for readers, or accepts the finding with a reason."""
    text = enhanced(**settings)

    assert codes == findings(text, tmp_path, "LIC076")
    assert [] == findings(f"{text}\nThe provider's terms of use apply to these rows.\n", tmp_path, "LIC076")


def test_rows_that_somebody_elses_model_wrote_are_told_too(told_by, tmp_path):
    """A dataset that was enhanced before it came here has the same duties."""
    rows = Measurement("dataset.model_rows", 1200, "rows")
    named = told_by([rows, Measurement("dataset.model_names", ["OpenAI o3"])])
    unnamed = told_by([rows, Measurement("dataset.model_names", None, status="unknown")])

    assert "1,200 rows, of type `enhanced` or `unique`, were written by `OpenAI o3`." in named
    assert ["LIC076"] == findings(named, tmp_path, "LIC076")
    assert "were written by a model that the source does not name." in unnamed
