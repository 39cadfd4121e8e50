"""hubpub hub serve: the embedded Hub in the foreground."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.options import ProjectOption
from publisher.cli.output import Output


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
    with EmbeddedHub(folder, port=port, users=users, faults=faults) as hub:
        line = json.dumps({"url": hub.url})
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        if ready_file is not None:
            write_whole(ready_file, line + "\n")
        Output().talk(f"the owner's token is in {folder / 'token'}; Ctrl-C stops the Hub")
        stopped.wait()
