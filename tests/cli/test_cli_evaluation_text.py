"""What `hubpub evaluate` prints: the card's tables for a terminal, and every number for a program."""

from __future__ import annotations

from demo_facts import MEASURED

from publisher.cli.evaluation_text import document, text
from publisher.records.facts import Fact, Facts, StatedSource

FACTS = Facts(
    Fact(
        name, *(value if isinstance(value, tuple) else (value, None)), "known", "evaluate", StatedSource("t")
    )
    for name, value in MEASURED["evaluate"].items()
)


def test_the_tables_stand_in_columns() -> None:
    """A line a metric, as on the card."""
    lines = text(FACTS).splitlines()
    first = next(line for line in lines if line.startswith("Perplexity  "))

    assert ["Base model", "Adapter", "Merged", "4-bit NF4"] == [
        part.strip() for part in lines[0].split("   ") if part
    ]
    assert first.endswith("4.01 [3.61, 4.41]")
    assert lines[0].index("4-bit NF4") + len("4-bit NF4") == len(first)
    assert any(line.startswith("Against what it was made from") for line in lines)
    assert "+59 [+43, +75] p=0.0002" in text(FACTS)


def test_a_program_gets_every_value_with_its_interval_and_what_it_is_held_against() -> None:
    """Unrounded: a program compares."""
    told = document(FACTS)
    loss = {"model": "nf4", "metric": "loss", "unit": "nats/token"}

    assert loss | {"value": 1.38811, "low": 1.28697, "high": 1.48925} in told["metrics"]
    change = {"value": 0.12777, "low": 0.09365, "high": 0.16189, "p": 0.0004, "against": "merged"}
    assert loss | change in told["differences"]


def test_nothing_is_printed_of_nothing() -> None:
    """The command then says that nothing was evaluated."""
    assert ("", {"metrics": [], "differences": []}) == (text(Facts()), document(Facts()))
