"""The next command as this user would type it: with the options that say where, which were given once already."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

# The commands that take all of WHERE; a hint that names another one stays as it is.
COMMANDS = (
    "card", "doctor", "evaluate", "plan", "promote", "pull", "release", "rollback", "status", "train", "validate", "verify",
)  # fmt: skip
WHERE = ("--hub", "--owner", "--project")
STAND_IN = "--stand-in"
REHEARSED = ("plan", "promote", "release", "status")  # those that take --stand-in, too

_VERSION = r"\d+\.\d+\.\d+(?:[\w.+-]*\w)?"


def as_typed(hint: str, arguments: Sequence[str]) -> str:
    """Repeat `--hub`, its like and `--stand-in` behind each command that a hint names, unless it says them itself.

    `arguments` are those of the command that failed, without the program's name: they tell which of a hint's words behind
    a command are its own, and which go on in prose.
    """
    names = "|".join(["NAME", *(re.escape(each) for each in arguments if not each.startswith("-"))])
    own = rf"(?: (?:{names})(?![\w/.@-]*\w))?(?: {_VERSION})?"
    command = re.compile(rf"\bhubpub (?P<name>{'|'.join(COMMANDS)})\b{own}")

    def with_options(found: re.Match[str]) -> str:
        rest = re.split(r"[;,]|\bhubpub\b", hint[found.end() :], maxsplit=1)[0]
        given = _given(arguments)
        if STAND_IN in arguments and found["name"] in REHEARSED:
            given[STAND_IN] = STAND_IN
        return " ".join([found[0], *(text for option, text in given.items() if option not in rest)])

    return command.sub(with_options, hint)


def repeated(*, hub: str | None, owner: str | None, stand_in: bool = False) -> str:
    """The same options, for the next command that a result names."""
    option = (f" --hub {hub}" if hub else "") + (f" --owner {owner}" if owner else "")
    return option + (" --stand-in" if stand_in else "")


def _given(arguments: Sequence[str]) -> dict[str, str]:
    """Option → how it was typed, of those that say where."""
    given = {}
    for place, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option in WHERE and (equals or place + 1 < len(arguments)):
            given[option] = f"{option} {shlex.quote(value if equals else arguments[place + 1])}"
    return given
