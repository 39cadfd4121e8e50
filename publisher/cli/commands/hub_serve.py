"""hubpub hub serve: the embedded Hub in the foreground."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.options import ProjectOption
from publisher.cli.output import Output
from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.staging.site import Wanted


def serve(
    port: Annotated[int, typer.Option(help="0 = any free one.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Where repos are kept; else .hubpub/_hub/.")] = None,
    users: Annotated[
        Path | None, typer.Option(help="YAML: name, organisations, tokens.", exists=True)
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option(help="YAML: calls that fail on purpose; see docs/embedded-hub.md.", exists=True),
    ] = None,
    ready_file: Annotated[Path | None, typer.Option(help="Gets the address when the Hub is ready.")] = None,
    project: ProjectOption = None,
) -> None:
    """Serve an embedded Hub on loopback until it is stopped. For rehearsals and tests, not for production."""
    from publisher.cli.session import open_project
    from publisher.manifest.lock import write_whole
    from publisher.staging.server import EmbeddedHub

    folder = data or open_project(project).local_hub
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    signal.signal(signal.SIGINT, lambda *_: stopped.set())
    with EmbeddedHub(folder, port=port, users=users, faults=faults, pages=_page) as hub:
        line = json.dumps({"url": hub.url})
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        if ready_file is not None:
            write_whole(ready_file, line + "\n")
        Output().talk(f"the owner's token is in {folder / 'token'}; Ctrl-C stops the Hub")
        stopped.wait()


def _page(wanted: Wanted) -> str:
    """A repo's page, as the preview of a published card shows it; one without a card is a page that says so."""
    from publisher.hub.remote import RemoteHub
    from publisher.pipeline.foreign import Place
    from publisher.preview.live import inline_files
    from publisher.preview.page import page_of
    from publisher.preview.site import Trouble, standalone
    from publisher.preview.sources import published
    from publisher.records.artifacts import RepoRef

    hub = RemoteHub(wanted.url, wanted.token, "local")
    try:
        card = published(hub, Place(RepoRef(wanted.repo_id, wanted.kind)))
    except HubpubError as missing:
        return standalone([], [Trouble(missing)])
    return standalone([page_of(card, [card], inline_files(card))])
