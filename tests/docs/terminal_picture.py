"""docs/terminal.svg: a recorded run as its terminal showed it. Nothing in the picture is made by hand."""

from __future__ import annotations

import io

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

WIDTH = 92  # columns
STYLES = {r"^✓ \w+": "bold green", r"^– .*$": "bright_black", r"\d+\.\d s$": "cyan", r"^\$ .*$": "bold"}


def terminal_picture(recorded: str) -> str:
    """The picture of what a run printed, its command line first."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    text = Text(recorded.rstrip("\n"))
    for pattern, style in STYLES.items():
        text.highlight_regex(f"(?m){pattern}", style)
    console.print(text, soft_wrap=True)
    # the id would otherwise be made of the text, the theme and rich's own words, and differ with its versions
    return console.export_svg(title="hubpub", theme=DIMMED_MONOKAI, unique_id="hubpub")
