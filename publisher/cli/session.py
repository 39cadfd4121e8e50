"""What a command opens: the project, the release, and the Hub that it talks to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.hub.remote import RemoteHub
    from publisher.manifest.project import Project
    from publisher.pipeline.opened import Release


def open_project(folder: Path | None) -> Project:
    """The project that a command works on."""
    from publisher.manifest.project import Project, find_project

    if folder is not None and (folder / "model_cards").is_dir():
        return Project(folder.resolve())
    return find_project((folder or Path.cwd()).resolve())


def open_project_or_folder(folder: Path | None) -> Project:
    """The project where there is one: a foreign repo can be looked at from anywhere."""
    from publisher.manifest.project import Project

    try:
        return open_project(folder)
    except HubpubError as missing:
        if missing.code != "HP-M03":
            raise
        return Project((folder or Path.cwd()).resolve())


def open_release(
    folder: Path | None, name: str, owner: str | None = None, *, stand_in: bool = False
) -> Release:
    """A release by its name, its owner replaced where the command line says so; `stand_in`: as it is rehearsed."""
    from publisher.pipeline.opened import Release

    return Release.open(open_project(folder), name, owner, stand_in=stand_in)


@contextmanager
def open_hub(
    target: str | None, release: Release | None, project: Project, *, look_only: bool = False
) -> Iterator[RemoteHub]:
    """The Hub of a command: `--hub`, else the manifest's `hub:`, else the real one.

    The embedded Hub runs for the length of the command, unless one serves the same data already. A command that
    only looks leaves nothing behind: where the embedded Hub has no data yet, it looks at an empty one.
    """
    from publisher.hub.target import open_hub as open_target
    from publisher.staging.server import EmbeddedHub, running

    name = target or (release.manifest.hub if release else None) or os.environ.get("HUBPUB_HUB") or "hf"
    started: list[EmbeddedHub] = []

    cleanup = ExitStack()

    def embedded() -> tuple[str, str]:
        data = project.local_hub
        if look_only and not data.exists():
            data = Path(cleanup.enter_context(TemporaryDirectory(prefix="hubpub-")))
        address = running(data)
        hub = EmbeddedHub(data)
        if address is None:
            hub.start()
            started.append(hub)
            address = hub.url
        return address, hub.token

    try:
        yield open_target(name, embedded, embedded_address=running(project.local_hub))
    finally:
        for hub in started:
            hub.stop()
        cleanup.close()


def source_of(hub: RemoteHub) -> RemoteHub:
    """Where bases and adapters come from: a rehearsal takes them from the real Hub."""
    from publisher.hub.target import open_hub as open_target

    return (open_target("hf", lambda: ("", "")) if hub.host == "local" else hub).for_reading()
