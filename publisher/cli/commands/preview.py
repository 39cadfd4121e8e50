"""hubpub card --preview: a local page as the Hub shows it; over ssh a file and a forwarding line, or the terminal."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.cli.output import Format, Output
from publisher.cli.session import open_hub, open_project, open_project_or_folder, open_release
from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.preview.page import Card

# What is mended by saving a file: the page shows it and waits. All else ends the command.
MENDED_BY_SAVING = ("HP-C02", "HP-C05", "HP-M01", "HP-M06")
FILE = "preview.html"


@dataclass(frozen=True)
class Asked:
    """What is to be shown: a release, or `hf://owner/repo`."""

    name: str
    artifact: str | None
    hub: str | None
    owner: str | None
    project: Path | None


def show(output: Output, asked: Asked, *, port: int, in_terminal: bool) -> None:
    """Show the cards until interrupted, or once in the terminal.

    Raises:
        HubpubError: HP-M02, HP-M03, HP-C01 there is nothing to show; HP-M09 no such artifact; HP-X04 the port is taken.
    """
    with _gathered(asked) as gather:
        try:
            cards = gather()
        except HubpubError as fault:
            if in_terminal or not (fault.code in MENDED_BY_SAVING or "template" in fault.data):
                raise
            cards = []
        if in_terminal:
            _print(output, cards)
        else:
            _serve(output, asked, gather, cards, port)


class _Gather:
    """Reads the cards anew each time: manifest, prose and templates may have changed."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def __call__(self) -> Sequence[Card]:
        from publisher.preview.sources import cards_of

        asked = self._asked
        release = open_release(asked.project, asked.name, asked.owner)
        cards = [card for card in cards_of(release) if asked.artifact in (None, card.tab)]
        if not cards:
            raise HubpubError(
                "HP-M09",
                f"{asked.name} has no artifact {asked.artifact!r}",
                hint=f"--artifact one of: {', '.join(release.identity.refs)}",
            )
        return cards


class _Published:
    """A card of a Hub, read once."""

    def __init__(self, card: Card) -> None:
        self._cards = [card]

    def __call__(self) -> Sequence[Card]:
        return self._cards


@contextmanager
def _gathered(asked: Asked) -> Iterator[_Gather | _Published]:
    if not asked.name.startswith("hf://"):
        yield _Gather(asked)
        return
    from publisher.pipeline.foreign import parse_place
    from publisher.preview.sources import published

    place = parse_place(asked.name)
    folder = open_project_or_folder(asked.project)
    with open_hub(asked.hub, None, folder, look_only=True) as hub:
        yield _Published(published(hub.for_reading(), place))


def _serve(
    output: Output, asked: Asked, gather: _Gather | _Published, cards: Sequence[Card], port: int
) -> None:
    import webbrowser

    from publisher.manifest.lock import write_whole
    from publisher.preview.live import Live, inline_files
    from publisher.preview.page import page_of
    from publisher.preview.server import HOST, listen, serve
    from publisher.preview.site import standalone

    watched, folder = _places(asked)
    live = Live(gather, folder)
    with listen(port) as bound:
        address = f"http://{HOST}:{bound.getsockname()[1]}/"
        browser = _has_browser()
        file: Path | None = None
        if not browser and cards:
            file = _workspace(asked) / FILE
            write_whole(file, standalone([page_of(card, cards, inline_files(card)) for card in cards]))
        if not browser:
            _tell_how(output, bound.getsockname()[1], file)
        output.talk("Ctrl-C ends the preview")
        with contextlib.suppress(KeyboardInterrupt):  # the way to end it
            output.result(address)
            output.document("preview", {"url": address, "file": str(file) if file else None})
            sys.stdout.flush()
            if browser:
                webbrowser.open(address)
            serve(live, lambda: watched, bound)


def _places(asked: Asked) -> tuple[list[Path], Path]:
    """The folders to watch, and the project's; of a published repo nothing changes here."""
    from publisher.card.templates import built_in_folder

    if asked.name.startswith("hf://"):
        return [], Path.cwd()
    project = open_project(asked.project)
    return [project.cards, project.templates, built_in_folder()], project.root


def _workspace(asked: Asked) -> Path:
    if asked.name.startswith("hf://"):
        return Path.cwd()
    return open_project(asked.project).release(asked.name).workspace


def _has_browser() -> bool:
    """Whether a window can open where the user sits: not over ssh, and on Linux with a display only."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _tell_how(output: Output, port: int, file: Path | None) -> None:
    user = os.environ.get("USER") or os.environ.get("LOGNAME")
    host = socket.gethostname()
    output.talk("no browser here; on your own machine:")
    output.talk(f"  ssh -N -L {port}:127.0.0.1:{port} {f'{user}@' if user else ''}{host}")
    output.talk(f"  then open http://127.0.0.1:{port}/")
    if file is not None:
        output.talk(f"or copy one file with everything in it: {file}")


def _print(output: Output, cards: Sequence[Card]) -> None:
    """The cards in the terminal, as it can show them."""
    from publisher.card.readme import parse

    if output.format is Format.JSON:
        output.document("preview", {"cards": [{"artifact": c.tab, "text": c.rendered.text} for c in cards]})
        return
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.syntax import Syntax

    from publisher.cli.output import clean

    console = Console(highlight=False)
    for card in cards:
        readme = parse(card.rendered.text)
        console.rule(f"{card.tab}: {card.ref.repo_id}")
        if readme.yaml:
            console.print(Syntax(clean(readme.yaml.strip()), "yaml", background_color="default"))
        console.print(Markdown(clean(readme.body), hyperlinks=False))
