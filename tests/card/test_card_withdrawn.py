"""The banner of a card whose repo shows an older version than one that was withdrawn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publisher.card.banner import with_banner
from publisher.card.readme import parse
from publisher.card.render import render, render_section
from publisher.card.trace import unaccounted
from publisher.card.view import CardInput
from publisher.records.artifacts import KINDS
from publisher.records.facts import Facts
from publisher.records.receipts import Version

BANNER = "> **Withdrawn: 1.1.0.** Two\n> lines.\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_warns_of_what_is_withdrawn_below_its_title_and_nowhere_else(kind, card_of, templates):
    """Whoever comes to the page is told first; the numbers of versions are no unaccounted claims."""
    plain = render(card_of(kind), templates).text
    warned = render(card_of(kind, withdrawn=("1.1.0", "1.2.0")), templates)
    lines = parse(warned.text).body.strip().splitlines()

    assert "Withdrawn" not in plain
    assert lines[0].startswith("# ")
    assert lines[2].startswith("> **Withdrawn: 1.1.0, 1.2.0.** This is version ")
    assert (parse(plain).yaml, []) == (parse(warned.text).yaml, list(unaccounted(warned)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_readme_with_the_banner_put_in_is_the_card_rendered_with_it(kind, card_of, templates):
    """After a rollback the same card, rendered, is nothing to do; the banner needs no fact for that."""
    card = card_of(kind)
    bare = CardInput(
        card.name, card.version, kind, card.repo_id, card.title, card.owner, "other", Facts(),
        withdrawn=("1.1.0",),
    )  # fmt: skip
    banner = render_section("withdrawn", bare, templates)

    assert render(replace(card, withdrawn=("1.1.0",)), templates).text == with_banner(
        render(card, templates).text, banner
    )


@pytest.mark.parametrize(
    ("readme", "expected"),
    [
        ("---\na: b\n---\n\n# T\n\nText.\n", "---\na: b\n---\n\n# T\n\n{}\nText.\n"),
        ("# T\nText.\n", "# T\n\n{}\nText.\n"),
        ("# T", "# T\n\n{}"),
        ("Text.\n", "{}\nText.\n"),
        ("---\na: b\n---\nText.\n", "---\na: b\n---\n{}\nText.\n"),
        ("```\n# no title\n```\n# T\n", "```\n# no title\n```\n# T\n\n{}"),
        # an earlier banner makes room
        (
            "# T\n\n> **Withdrawn: 0.9.0.** Old\n> words.\n\n> A quote.\n",
            "# T\n\n{}\n> A quote.\n",
        ),
        ("# T\r\n\r\nText.\r\n", "# T\r\n\r\n{}\r\nText.\r\n"),
    ],
)
def test_a_banner_stands_below_the_title_of_any_readme(readme, expected):
    """Also of one that people wrote."""
    shown = BANNER.replace("\n", "\r\n") if "\r" in readme else BANNER

    assert expected.format(shown) == with_banner(readme, BANNER)


def test_only_what_is_newer_is_warned_of_and_changes_a_card():
    """1.2.0 says nothing of 1.1.0, and is not rendered anew because of it."""
    withdrawn = ("1.1.0", "1.10.0")
    old, new = Version("1.2.0", withdrawn=withdrawn), Version("2.0.0", withdrawn=withdrawn)

    assert (("1.10.0",), ()) == (old.withdrawn_since, new.withdrawn_since)
    assert ("1.2.0 1.10.0", "2.0.0") == (old.digest, new.digest)
