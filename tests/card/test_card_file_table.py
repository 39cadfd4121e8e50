"""The table of variants, for those who publish many, in a layout of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publisher.card.render import render
from publisher.card.templates import Templates
from publisher.card.trace import unaccounted
from publisher.records.facts import Fact, Facts, FileSource


@pytest.fixture
def own_layout(tmp_path):
    layout = tmp_path / "templates" / "model_card.md.j2"
    layout.parent.mkdir()
    layout.write_text("# {{ card.heading }}\n\n{{ section('file_table') }}\n", encoding="utf-8")
    return Templates.of(tmp_path)


def table(rendered):
    return [line for line in rendered.text.splitlines() if line.startswith("| ")][1:]


def test_variants_are_told_by_their_facts(card_of, own_layout):
    """File, format, size, memory, what was lost, a note: only what was measured, the rest stays empty."""
    told = {
        "q4.file": ("m-Q4_K_M.gguf", None),
        "q4.format": ("Q4_K_M", None),
        "q4.size_bytes": (7_300_000_000, "bytes"),
        "q4.loss_change": (0.0312, "nats/token"),
        "q8.file": ("m-Q8_0.gguf", None),
        "q8.size_bytes": (12_500_000_000, "bytes"),
        "q8.note": ("near lossless", None),
    }
    source = FileSource("evidence/variants.json", "0" * 64)
    facts = [
        Fact(f"variant.{i}", value, unit, "known", "import", source) for i, (value, unit) in told.items()
    ]
    card = card_of("merged")
    rendered = render(replace(card, facts=Facts([*card.facts.values(), *facts])), own_layout)

    assert [
        "| `m-Q4_K_M.gguf` | Q4_K_M | 7.3 GB |  | +0.0312 |  |",
        "| `m-Q8_0.gguf` |  | 12.5 GB |  |  | near lossless |",
    ] == table(rendered)
    assert not unaccounted(rendered)
    assert {"variant.q4.size_bytes", "variant.q4.loss_change"} <= {span.fact for span in rendered.spans}


def test_without_variants_the_repos_of_the_release_are_listed(card_of, own_layout):
    """Their sizes and losses are facts already."""
    rows = table(render(card_of("merged"), own_layout))

    assert ["base", "adapter", "merged", "nf4"] == [
        {"dequantized": "base", "lora": "adapter", "aerial": "merged", "4bit": "nf4"}[
            row.split("](")[0].rpartition("-")[2]
        ]
        for row in rows
    ]
    assert "| 111.9 MB | 889.2 MB | +0.1278 |" in rows[-1]
