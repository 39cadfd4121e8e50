"""A hint is pasted: it must lead to the Hub, the owner and the project that the failed command was about."""

from __future__ import annotations

import inspect

import pytest

from publisher.cli.app import app
from publisher.cli.hints import COMMANDS, REHEARSED, WHERE, as_typed

ARGUMENTS = ("promote", "demo", "--hub", "http://h:1", "-y")


@pytest.mark.parametrize(
    ("hint", "typed"),
    [
        (
            "git pull; or: hubpub release demo --until verify",
            "git pull; or: hubpub release demo --hub http://h:1 --until verify",
        ),
        ("hubpub rollback demo 1.0.0", "hubpub rollback demo 1.0.0 --hub http://h:1"),
        ("run hubpub plan to see it", "run hubpub plan --hub http://h:1 to see it"),
        (
            "hubpub plan demo shows both sides, hubpub release demo goes on",
            "hubpub plan demo --hub http://h:1 shows both sides, hubpub release demo --hub http://h:1 goes on",
        ),
        ("hubpub release demo --until check --hub local", "hubpub release demo --until check --hub local"),
        ("hubpub check --explain CARD001", "hubpub check --explain CARD001"),
        ("hubpub release demo-2", "hubpub release --hub http://h:1 demo-2"),
        ("hf auth login", "hf auth login"),
    ],
)
def test_a_hint_repeats_the_hub_that_was_named(hint: str, typed: str) -> None:
    """Behind the command's own words, before its prose; never twice, and not for commands that know no Hub."""
    assert typed == as_typed(hint, ARGUMENTS)


def test_a_hint_stays_as_it_is_where_nothing_was_named() -> None:
    """The manifest's Hub is the next command's, too."""
    assert "hubpub release demo" == as_typed("hubpub release demo", ("promote", "demo"))


def test_a_rehearsal_stays_one() -> None:
    """The command without it would go for the real base; a command that knows no rehearsal is not told of it."""
    arguments = ("release", "demo", "--stand-in", "--hub", "local")

    assert "hubpub release demo --hub local --stand-in" == as_typed("hubpub release demo", arguments)
    assert "hubpub release demo --hub local --stand-in" == as_typed(
        "hubpub release demo --stand-in", arguments
    )
    assert "hubpub verify demo --hub local" == as_typed("hubpub verify demo", arguments)


def test_owner_and_project_are_repeated_as_the_shell_needs_them() -> None:
    """A path may hold a space."""
    typed = as_typed("hubpub plan demo", ("release", "demo", "--project=my models", "--owner", "acme"))

    assert "hubpub plan demo --project 'my models' --owner acme" == typed


def test_every_command_of_which_options_are_repeated_takes_them() -> None:
    """A pasted hint must not end in a usage error."""
    callbacks = {command.name: command.callback for command in app.registered_commands}
    lacking = {
        name: [option for option in WHERE if option[2:] not in inspect.signature(callbacks[name]).parameters]
        for name in COMMANDS
    }

    assert {name: [] for name in COMMANDS} == lacking
    rehearsed = {name for name, call in callbacks.items() if "stand_in" in inspect.signature(call).parameters}
    assert rehearsed == set(REHEARSED)
