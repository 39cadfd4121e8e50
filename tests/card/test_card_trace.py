"""Every number of a card in exactly one span, and a bare claim found."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from publisher.card.numbers import NumberReader
from publisher.card.render import render
from publisher.card.trace import document, trace, unaccounted
from publisher.card.view import Prose
from publisher.records.artifacts import KINDS
from publisher.records.facts import Fact, Facts, StatedSource


def with_prose(card_of, text):
    return card_of("adapter", prose=(Prose("limitations", text, "limits.md"),))


@pytest.mark.parametrize("kind", KINDS)
def test_every_digit_lies_in_exactly_one_span(kind, card_of, templates):
    """A gap or an overlap would make the trace a matter of opinion."""
    rendered = render(card_of(kind), templates)
    raw = rendered.text.encode()
    digits = [match.start() for match in re.finditer(rb"\d", raw)]
    holders = [sum(span.start <= at < span.end for span in rendered.spans) for at in digits]

    assert [1] * len(digits) == holders


@pytest.mark.parametrize("kind", KINDS)
def test_spans_are_byte_offsets_with_text_line_and_one_origin(kind, card_of, templates):
    """The contract: tools slice the file's bytes."""
    rendered = render(card_of(kind), templates)
    raw = rendered.text.encode()

    for span in rendered.spans:
        assert span.text == raw[span.start : span.end].decode()
        assert span.line == raw[: span.start].count(b"\n") + 1
        assert sum(origin is not None for origin in (span.fact, span.stated, span.reason)) == 1


def test_a_printed_fact_is_traced_to_its_id_wherever_it_stands(card_of, templates):
    """In tables, in sentences and in the front matter."""
    rendered = render(card_of("adapter"), templates)
    found = {(span.text, span.line < 35) for span in rendered.spans if span.fact == "evaluate.adapter.loss"}

    assert {("1.25117", True), ("1.2512", False)} == found


def test_a_stated_fact_is_traced_as_stated(card_of, templates):
    """Proven and claimed must not look alike."""
    spans = [span for span in render(card_of("adapter"), templates).spans if span.stated]

    assert [(s.text, s.stated) for s in spans] == [
        ("2 cores of a shared x86-64 server, no GPU", "train.hardware"),
        ("2 cores of a shared x86-64 server, no GPU", "train.hardware"),
    ]  # in the table of the training, and where the card lists what is stated


@pytest.mark.parametrize(
    ("prose", "bare"),
    [
        ("It reaches 95.3% accuracy.", ["95.3"]),
        ("Perplexity: 7.91 -> 6.40", ["7.91", "6.40"]),
        ("About 167M parameters, `0.95` F1, 10x faster.", ["167", "0.95", "10"]),
        ("Accuracy=0.87, loss:0.33", ["0.87", "0.33"]),
        ("Trained on 2048 images in 2024 steps.", ["2048", "2024"]),
        ("## Gets 88 points\n\nYes.", ["88"]),
        ("| a | 12.5 |\n|---|---|\n| b | 3 |", ["12.5", "3"]),
        ("[Only 41 percent](https://example.org/41)", ["41"]),
        ("Größer als 33 – ja", ["33"]),
    ],
)
def test_a_bare_claim_is_found(prose, bare, card_of, templates):
    """This is the sentence that the seed card was full of."""
    assert bare == [span.text for span in unaccounted(render(with_prose(card_of, prose), templates))]


@pytest.mark.parametrize(
    ("prose", "reason"),
    [
        ("SmolLM2-135M and Gemma-3-12B-it", "name"),
        ("NF4, bf16, Q4_1, 4-bit, SHA-256, pass@1", "name"),
        ("Apache License 2.0 and CC BY-SA 4.0, Gemma 3, Python 3.11", "name"),
        ("since version 5.23 and 0.50.2, v2", "version"),
        ("In 2024, on 2025-03-01, in March 2025.", "date"),
        ("1. one\n2. two", "list"),
        ("See section 4, Table 2 and [3].", "reference"),
        ("arXiv 2106.09685", "reference"),
        ("`pip install x==1.2`", "code"),
        ("```\n42\n```", "code"),
        ("    see <https://example.org/7> and https://example.org/8", "link"),
        ("![plot](assets/plot7.png)", "link"),
        ("<!-- 12 -->", "comment"),
    ],
)
def test_names_versions_dates_and_code_are_no_claims(prose, reason, card_of, templates):
    """A linter that cries at every digit is switched off."""
    card = with_prose(card_of, prose)
    rendered = render(card, templates)
    region = rendered.regions[0]
    reasons = {s.reason for s in rendered.spans if region.start <= s.start < region.end}

    assert {reason} == reasons


def test_a_number_in_prose_that_writes_out_a_fact_is_accounted_for_as_long_as_it_is_true(card_of, templates):
    """The moment that the fact changes, the sentence is found."""
    card = with_prose(card_of, "It has 7,372,800 weights of its own; the loss ends at 1.22.")
    rendered = render(card, templates)
    region = rendered.regions[0]
    inside = [(s.text, s.fact) for s in rendered.spans if region.start <= s.start < region.end]
    other = Facts(replace(f, value=1.5) if f.id == "train.final_loss" else f for f in card.facts.values())

    assert inside == [("7,372,800", "adapter.parameters"), ("1.22", "train.final_loss")]
    assert [span.text for span in unaccounted(render(replace(card, facts=other), templates))] == ["1.22"]


def test_a_small_number_is_never_taken_for_a_fact_that_happens_to_be_equal(card_of, templates):
    """Rank 64 does not prove 64 users."""
    assert [s.text for s in unaccounted(render(with_prose(card_of, "Used by 64 people."), templates))] == [
        "64"
    ]


def test_stating_a_number_accounts_for_it(card_of, templates):
    """The one-command mend of a bare claim."""
    card = with_prose(card_of, "Used by 64 people.")
    users = Fact("release.users", 64, None, "known", "stated", StatedSource("a head count"))
    rendered = render(replace(card, facts=Facts([*card.facts.values(), users])), templates)

    assert not unaccounted(rendered)
    assert "| `release.users` | 64 | a head count |" in rendered.text


def test_regions_tell_which_file_a_sentence_came_from(card_of, templates):
    """`hubpub pull` brings an edit on the website back into the right file."""
    rendered = render(with_prose(card_of, "Größe zählt.\n\nNicht."), templates)
    region = rendered.regions[0]
    text = rendered.text.encode()[region.start : region.end].decode()

    assert (text, region.path, region.section) == ("Größe zählt.\n\nNicht.", "limits.md", "limitations")


def test_the_trace_of_cards_is_the_promised_json(card_of, templates):
    """`card --explain --format json` prints this as it is."""
    rendered = render(card_of("dataset"), templates)
    actual = document([("dataset", "model_cards/x/cards/dataset.md", rendered)])
    spans = actual["cards"][0].pop("spans")

    assert actual == {
        "schema": "hubpub/trace/1",
        "cards": [{"artifact": "dataset", "path": "model_cards/x/cards/dataset.md"}],
    }
    assert {("start", "end", "line", "text", "fact"), ("start", "end", "line", "text", "reason")} == {
        tuple(span) for span in spans
    }


class CountedText(str):
    """A text that counts the characters that are cut out of it."""

    cut = 0

    def __getitem__(self, key):
        piece = super().__getitem__(key)
        self.cut += len(piece)
        return piece


@pytest.mark.parametrize(
    "line", ["It reaches {}.5 points. ", "{}.5/", "| a{0} | {0}.25 |\n", "v{}aaaa+", "<!-- {} "]
)
def test_a_number_costs_the_same_in_a_long_text_as_in_a_short_one(line, card_of):
    """A table of results pasted into prose is 80,000 of them: work that grows with the square is a hang."""
    text = CountedText("".join(line.format(number) for number in range(2_000)))
    found = list(NumberReader(text, card_of("adapter")).read([(0, len(text))]))

    assert len(found) > 400
    assert text.cut / len(found) < 1_000


@pytest.mark.parametrize("text", ["v1" + "a" * 40 + "/b", "<!-- " * 200_000 + "1"])
def test_words_that_almost_are_something_end_soon(text, card_of):
    """A foreign card is read as well, and must not be able to hold a command up."""
    assert trace(text, (), card_of("adapter")).spans


@pytest.mark.parametrize("seed", range(40))
def test_no_two_spans_share_a_character(seed, card_of):
    """Whatever stands beside whatever: `1.5-Python-3` is a number, and a name that begins behind it."""
    chance = random.Random(seed)
    parts = [
        "1.5",
        "3",
        "-",
        "/",
        " ",
        "Python",
        "Gemma ",
        "v2",
        "(",
        "[4]",
        "2024",
        "%",
        "`7`",
        "é",
        "\n1. ",
        "e-5",
    ]
    text = "".join(chance.choice(parts) for _ in range(60))
    rendered = trace(text, (), card_of("adapter"))
    ends = [span.end for span in rendered.spans]

    assert all(span.start >= end for span, end in zip(rendered.spans[1:], ends, strict=False))
    assert all(span.text for span in rendered.spans)
    assert "".join(re.findall(r"\d", text)) == "".join(
        re.findall(r"\d", "".join(s.text for s in rendered.spans))
    )
