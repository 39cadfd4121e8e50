"""Benchmarks on a card: every number with what was asked, where it was read, and that nobody ran it here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from benchmark_results import results, write

from publisher.card.render import render
from publisher.card.templates import Templates
from publisher.card.trace import unaccounted
from publisher.card.view import CardInput
from publisher.evidence.imported.benchmarks import measurements, read_benchmarks
from publisher.evidence.record import record
from publisher.records.facts import Facts

Benchmarked = Callable[..., CardInput]


@pytest.fixture
def benchmarked(card_of: Callable[..., CardInput], tmp_path: Path) -> Benchmarked:
    """A card of a release whose manifest names these results, by kind of model."""

    def make(card_kind: str, files: dict[str, dict[str, Any]]) -> CardInput:
        for kind, content in files.items():
            write(tmp_path / f"{kind}.json", content)
        sources = read_benchmarks(tmp_path, {kind: [f"{kind}.json"] for kind in files}, None)
        read = record("benchmarks", measurements(sources, {}), tmp_path)
        card = card_of(card_kind)
        return replace(card, facts=Facts([*card.facts.values(), *read]))

    return make


def _section(card: CardInput, templates: Templates) -> str:
    rendered = render(card, templates)
    assert [] == unaccounted(rendered)
    return rendered.text.partition("## Benchmarks\n")[2].partition("\n## ")[0]


def test_models_stand_side_by_side_with_what_was_asked(
    benchmarked: Benchmarked, templates: Templates
) -> None:
    """A number without its shots and rows is no number; what a model was not given is an empty cell."""
    worse = results()
    worse["results"]["where"]["acc,none"] = 0.125
    del worse["results"]["where"]["acc_norm,none"]
    text = _section(benchmarked("merged", {"merged": results(), "base": worse}), templates)

    assert (
        "| Task | Metric | Shots | Rows | Base model | Merged (this repo) |\n|---|---|---:|---:|---:|---:|\n"
        in text
    )
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [
        "| `both` (2 tasks) | `acc` (higher is better) | 5 | 200 of 2,000 | 0.5000 ± 0.0354 | 0.5000 ± 0.0354 |",
        "| `where` | `acc` (higher is better) | 5 | 100 of 1,000 | 0.1250 ± 0.0435 | 0.2500 ± 0.0435 |",
        "| `where` | `acc_norm` (higher is better) | 5 | 100 of 1,000 |  | 0.7500 |",
    ] == rows
    assert "None of it was run again here" in text
    assert "Asked through the chat template: `both`, `where`." in text
    assert "system instruction" not in text


def test_the_files_are_named_with_their_digests(benchmarked: Benchmarked, templates: Templates) -> None:
    """Whoever asks the author for the file can tell that it is the one."""
    card = benchmarked("nf4", {"nf4": results()})
    sha256 = card.facts.value("lm_eval.file.nf4.sha256")[0]

    assert f"- 4-bit NF4: `nf4.json`, sha256 `{sha256}`, lm-evaluation-harness `0.4.13`." in _section(
        card, templates
    )


def test_a_card_without_benchmarks_has_no_such_heading(
    card_of: Callable[..., CardInput], templates: Templates
) -> None:
    assert "Benchmarks" not in render(card_of("merged"), templates).text


def test_the_front_matter_lists_tasks_whose_data_are_on_the_hub(
    benchmarked: Benchmarked, templates: Templates
) -> None:
    """Of this model alone, and beside the held-out rows; a group has no dataset."""
    text = render(benchmarked("merged", {"merged": results(), "base": results()}), templates).text
    [index] = yaml.safe_load(text.split("---\n")[1])["model-index"]
    held_out, where = index["results"]

    assert "held-out rows" in held_out["dataset"]["name"]
    assert {
        "task": {"type": "text-generation", "name": "Text generation"},
        "dataset": {"type": "acme/where", "name": "where"},
        "metrics": [
            {"type": "acc", "name": "acc", "value": 0.25},
            {"type": "acc_norm", "name": "acc_norm", "value": 0.75},
        ],
    } == where


def test_each_gguf_file_has_its_own_column_and_metrics(
    benchmarked: Benchmarked, templates: Templates
) -> None:
    card = benchmarked("gguf", {"gguf.q8_0": results()})
    text = render(card, templates).text
    [index] = yaml.safe_load(text.split("---\n")[1])["model-index"]

    assert "| GGUF Q8_0 (this repo) |" in _section(card, templates)
    assert "acc, GGUF Q8_0" in [each["name"] for each in index["results"][-1]["metrics"]]


def test_a_dataset_card_says_nothing_of_them(benchmarked: Benchmarked, templates: Templates) -> None:
    assert "lm_eval" not in render(benchmarked("dataset", {"base": results()}), templates).text
