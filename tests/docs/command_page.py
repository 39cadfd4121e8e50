"""docs/commands.md: every command by its group, with its arguments and options, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from reference_tables import cell
from typer.main import get_command

from publisher.cli.app import app

TAKES = {int: "N", float: "X", Path: "PATH"}


def command_page() -> str:
    """The whole page."""
    lines = [
        "# Commands",
        "",
        "Generated from the commands. `hubpub COMMAND --help` prints the same; `NAME` is a folder of `model_cards/`.",
        "",
        "Three words for three things: `check` reads files, `validate` runs them here, `verify` proves what the Hub serves.",
    ]
    panel = None
    for name, command in get_command(app).commands.items():
        if command.rich_help_panel != panel:
            panel = command.rich_help_panel
            lines += ["", f"## {panel}"]
        for words, each in _runnable(f"hubpub {name}", command):
            lines += ["", *_command(words, each)]
    return "\n".join(lines) + "\n"


def _runnable(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    """A command, or those of a group, each with the words that start it."""
    if not hasattr(command, "commands"):
        yield words, command
        return
    for name, each in command.commands.items():
        yield from _runnable(f"{words} {name}", each)


def _command(words: str, command: Any) -> list[str]:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    usage = " ".join([words, *(_argument(each) for each in arguments)])
    lines = [f"### {words}", "", " ".join((command.help or "").split()), "", f"    {usage}"]
    rows = [(_argument(each), each.help) for each in arguments]
    rows += [(_option(each), each.help) for each in options]
    if rows:
        lines += ["", "| | |", "|---|---|"]
        lines += [f"| `{cell(name)}` | {cell(help_text or '')} |" for name, help_text in rows]
    return lines


def _argument(argument: Any) -> str:
    shown = argument.metavar or argument.name.upper()
    return shown if argument.required or shown.startswith("[") else f"[{shown}]"


def _option(option: Any) -> str:
    spelled = ", ".join([*sorted(option.opts, key=len), *option.secondary_opts])
    takes = option.metavar or _takes(option.type_descriptor.annotation)
    return " ".join([spelled, *([takes] if takes else [])])


def _takes(annotation: Any) -> str:
    """What stands behind an option; nothing behind a switch."""
    if annotation is bool:
        return ""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "|".join(str(each.value) for each in annotation)
    return TAKES.get(annotation, "TEXT")
