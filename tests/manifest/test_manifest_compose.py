"""Writing and mending `release.yaml`: what a person wrote stays as it was, and what is open is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ruamel.yaml import YAML

from publisher.manifest.compose import Key, add_stated, compose, question

ENTRY = {"model.users": {"value": 64, "source": "a head count"}}

WRITTEN_WIDE = (
    "stated:\n    x:   {value: 1, source: s}   # mine\n    # of y\n    y:\n      value: 2\n      source: s\n"
)


def read(text: str) -> object:
    return YAML(typ="safe").load(text)


def test_a_manifest_is_written_in_groups_with_comments_where_they_help() -> None:
    """Byte for byte: this is what a user edits next."""
    text = compose(
        ["made by hubpub init"],
        [
            [Key("manifest", 1), Key("owner", "acme", note="edit")],
            [Key("base", "acme/base@ab12", above=("pinned",))],
            [Key("artifacts", (Key("adapter", {"repo": "acme/x-lora"}), Key("merged", {}, off=True)))],
            [Key("smoke", [{"prompt": "What: now?", "expect": {"min_tokens": 3}}])],
            [Key("card", (Key("tags", ["a", "b"]),), off=True), Key("adapter", question("where: it is"))],
        ],
    )

    assert text == (
        "# made by hubpub init\nmanifest: 1\nowner: acme  # edit\n\n"
        "# pinned\nbase: acme/base@ab12\n\n"
        "artifacts:\n  adapter: {repo: acme/x-lora}\n  # merged: {}\n\n"
        'smoke:\n  - {prompt: "What: now?", expect: {min_tokens: 3}}\n\n'
        '# card:\n#   tags: [a, b]\nadapter: "?? where: it is"\n'
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1 # one\n", 'a: 1 # one\n\nstated:\n  model.users: {value: 64, source: "a head count"}\n'),
        (
            f"{WRITTEN_WIDE}\n# smoke\nsmoke: []\n",
            f'{WRITTEN_WIDE}    model.users: {{value: 64, source: "a head count"}}\n\n# smoke\nsmoke: []\n',
        ),
        ("a: 1", 'a: 1\n\nstated:\n  model.users: {value: 64, source: "a head count"}\n'),
    ],
)
def test_an_entry_is_added_and_everything_else_stays_as_it_was_written(before: str, after: str) -> None:
    """Comments, order, spacing: a review shows one line more."""
    assert after == add_stated(before, ENTRY)


@pytest.mark.parametrize(
    "before",
    ["stated: {x: {value: 1, source: s}} # mine\nb: 2\n", "{a: 1}\n", "stated:\n", "stated: {}\na: 1\n"],
)
def test_an_entry_is_added_to_any_way_of_writing(before: str) -> None:
    """What cannot be done by adding a line is done by the parser, comments kept."""
    after = add_stated(before, ENTRY)
    whole = read(before) or {}
    assert isinstance(whole, dict)

    assert {**whole, "stated": {**(whole.get("stated") or {}), **ENTRY}} == read(after)
    assert ("# mine" in before) == ("# mine" in after)


def test_nothing_to_add_changes_nothing() -> None:
    """Not even the last line end."""
    assert "a: 1" == add_stated("a: 1", {})


def test_every_open_question_is_refused_at_its_place(faults: Callable[..., list[tuple[str, str]]]) -> None:
    """One run shows all that is to answer; a question is no fault of form besides."""
    text = """\
    manifest: 1
    owner: acme
    base: "?? which one"
    adapter: out
    artifacts: [adapter]
    smoke:
      - prompt: "?? ask something"
    stated:
      model.rank: {value: 64, source: "?? README.md:9"}
    """

    assert [
        ("3:1", "base is open: which one"),
        ("7:5", "smoke.0.prompt is open: ask something"),
        ("9:27", "stated.model.rank is open: README.md:9"),
    ] == faults(text, code="HP-M11")


def test_faults_are_told_before_what_is_open(faults: Callable[..., list[tuple[str, str]]]) -> None:
    """Both in one run."""
    found = faults('manifest: 1\nowner: acme\nbase: "?? which"\nadapter: out\nartifacts: [adaptor]\n')

    assert ["5:1", "3:1"] == [place for place, _ in found]
