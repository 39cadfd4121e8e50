"""Markdown as the Hub shows it, and numbers that keep their evidence on the way into HTML."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest
from demo_facts import write_demo
from preview_runs import NAME

from publisher.card.readme import parse
from publisher.card.trace import Span
from publisher.manifest.lock import LockedStage, read_lock, write_lock
from publisher.manifest.project import Project
from publisher.pipeline.opened import Release
from publisher.preview.html import card_html, safe_html
from publisher.preview.page import page_of
from publisher.preview.sources import cards_of

SPAN = re.compile(r'<span class="number [^>]*data-span="(\d+)"[^>]*>(.*?)</span>', re.DOTALL)


def beside(path: str) -> str | None:
    return f"/files/{path}" if path in ("assets/loss.png", "LICENSE") else None


def shown(markdown: str) -> str:
    return safe_html(markdown, 1, beside)


def traced(markdown: str, *numbers: str) -> str:
    """HTML in which these pieces of the text, in order, have the facts `fact.0`, `fact.1` …"""
    spans, at = [], 0
    for n, number in enumerate(numbers):
        start = markdown.index(number, at)
        at = start + len(number)
        first, last = len(markdown[:start].encode()), len(markdown[:at].encode())
        spans.append(Span(first, last, 1, number, fact=f"fact.{n}"))
    return card_html(markdown, 1, 0, spans, beside)


def numbers_in(html: str) -> list[str]:
    return [text for _, text in SPAN.findall(html)]


def test_every_traced_number_of_the_demo_is_found_in_its_page_and_the_page_is_as_without_them(
    tmp_path: Path,
) -> None:
    """A number that loses its evidence on the way is one that nobody can check."""
    write_demo(tmp_path)
    cards = cards_of(Release.open(Project(tmp_path), NAME))
    for card in cards:
        text = card.rendered.text
        page = page_of(card, cards, beside)
        wanted = {n for n, number in enumerate(page.numbers) if number["line"] >= page_line(text)}

        assert wanted == {int(n) for n, _ in SPAN.findall(page.body)}, card.tab

        above = {n for n, number in enumerate(page.numbers) if number["line"] < page_line(text)}

        assert above == {int(n) for n, _ in SPAN.findall(page.metadata)}, card.tab
        assert escape(parse(text).yaml or "").strip() == re.sub(SPAN, r"\2", page.metadata)

        plain = card_html(text, page_line(text), front_matter(text), (), beside)

        assert plain == re.sub(SPAN, r"\2", page.body)


def test_a_number_tells_when_it_was_measured_where_the_workspace_knows(tmp_path: Path) -> None:
    """Facts have no clock in them; a fresh clone does not know, and says nothing."""
    write_demo(tmp_path)
    paths = Project(tmp_path).release(NAME)
    lock = read_lock(paths.lock)
    assert lock is not None
    stages = {"merge": LockedStage("this run", 1), "train": LockedStage("this run", 1)}
    write_lock(paths.lock, replace(lock, stages=stages))
    paths.stages.mkdir(parents=True)
    for stage, key in (("merge", "this run"), ("train", "another run"), ("evaluate", "this run")):
        kept = {"key": key, "measured_at": "2026-01-31T12:00:00Z"}
        (paths.stages / f"{stage}.json").write_text(json.dumps(kept))
    cards = cards_of(Release.open(Project(tmp_path), NAME))
    merged = page_of(next(card for card in cards if card.tab == "merged"), cards, beside)
    times = {rows["stage"]: rows.get("time") for rows in (dict(n["rows"]) for n in merged.numbers)}

    assert "2026-01-31T12:00:00Z" == times["merge"]
    assert {None} == {time for stage, time in times.items() if stage != "merge"}
    assert {"train", "evaluate"} <= times.keys()


def front_matter(text: str) -> int:
    return text.index("\n---\n", 3) + len("\n---\n")


def page_line(text: str) -> int:
    return text[: front_matter(text)].count("\n") + 1


@pytest.mark.parametrize(
    ("markdown", "number"),
    [
        ("| a | b |\n|---|--:|\n| x | 7,372,800 |\n", "7,372,800"),
        ("It lost **0.6003** nats.\n", "0.6003"),
        ("`r=64` and more\n", "64"),
        ("```python\nlora = dict(r=64)\n```\n", "64"),
        ("    indented = 64\n", "64"),
        ("[64 rows](LICENSE)\n", "64"),
        ("ünïcödé – 64 ✓\n", "64"),
        ("# About 64 rows\n", "64"),
        ("> quoted 64\n", "64"),
        ("a &amp; 64 &lt; 65\n", "64"),
    ],
)
def test_a_number_keeps_its_evidence_wherever_it_stands(markdown: str, number: str) -> None:
    """Tables, emphasis, code and links all carry numbers."""
    assert [number] == numbers_in(traced(markdown, number))


def test_what_is_shown_never_changes_for_the_sake_of_a_mark() -> None:
    """`16) x` begins a list on the Hub, so it begins one here, though a mark stands in front of it."""
    markdown = "16) first, of 99\n17) second\n"
    html = traced(markdown, "16", "99")

    assert shown(markdown) == re.sub(SPAN, r"\2", html)
    assert ["99"] == numbers_in(html)


def test_a_number_inside_an_address_leaves_the_address_alone() -> None:
    """Private characters in a link lead nowhere."""
    assert 'href="https://example.org/64/a"' in traced("see [it](https://example.org/64/a)\n", "64")


def test_a_mark_that_a_stranger_wrote_is_no_evidence() -> None:
    """A hostile card may hold the private characters that marks are made of, or elements that look like ours."""
    hostile = 'It is \U00100000 99 % \U0010fffd right. <span class="number fact" data-span="0">99</span>\n'

    assert [] == numbers_in(card_html(hostile, 1, 0, (), beside))
    assert "data-span" not in card_html(hostile, 1, 0, (), beside)
    assert ["64"] == numbers_in(traced(f"64 rows, and \U00100000 99 % \U0010fffd.\n{hostile}", "64"))


def test_github_flavoured_markdown_is_read() -> None:
    """Cards are written for the Hub's dialect."""
    html = shown(
        "- [x] done\n- [ ] open\n\n~~gone~~ https://example.org a[^1]\n\n[^1]: note\n\n| a |\n|--:|\n| 1 |\n"
    )

    assert 2 == html.count('type="checkbox"')
    assert "<s>gone</s>" in html
    assert '<a href="https://example.org"' in html
    assert 'class="footnotes"' in html
    assert 'align="right"' in html


def test_formulas_become_mathml_and_a_dollar_stays_money() -> None:
    """The Hub reads `$$ … $$` and `\\\\( … \\\\)`, and no single dollar."""
    html = shown("$5 and $6, \\\\(x^2\\\\), $$\\frac{a}{b}$$, half of one: $$\\frac{$$\n")

    assert "$5 and $6" in html
    assert 2 == html.count("<math")
    assert "<mfrac>" in html
    assert "<code>\\frac{</code>" in html


def test_pictures_come_from_the_repo_and_from_nowhere_else() -> None:
    """A picture elsewhere would tell its host who reads; it becomes a link that says so."""
    html = shown(
        "![loss](assets/loss.png) ![gone](assets/gone.png) ![far](https://evil.example/a.png)\n\n"
        '<img src="https://evil.example/b.png" alt="b"> <img src="//evil.example/c.png">\n'
    )

    assert ['src="/files/assets/loss.png"'] == re.findall(r'src="[^"]*"', html)
    assert "far (at evil.example, not fetched)" in html


def test_ids_of_a_card_stay_apart_from_those_of_the_page() -> None:
    """`id="preview"` in a card would catch what the page's own script looks for."""
    html = shown('# Preview\n\n# Preview\n\n<p id="preview">x</p>\n\n[up](#preview)\n')

    assert ["card-preview", "card-preview-1", "card-preview"] == re.findall(r'id="([^"]*)"', html)
    assert 'href="#card-preview"' in html


@pytest.mark.parametrize(
    "markdown", ["> " * 5000 + "x\n", "[" * 20_000, "*a " * 20_000, "`" * 9999 + "\n", "<" * 9999]
)
def test_a_card_made_to_hang_a_reader_does_not(markdown: str) -> None:
    """Depth and length are a stranger's choice."""
    assert isinstance(shown(markdown), str)
