"""The licence that a base model's own card names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from publisher.card.readme import parse
from publisher.checks.known.ids import licences
from publisher.hub.port import Hub, RemoteFile
from publisher.manifest.schema import BaseSettings
from publisher.pipeline.fetch import read_listed
from publisher.records.artifacts import README, RepoRef

LONGEST = 2_000_000  # bytes of a card; what is longer is not read
NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


def licence_in(readme: str) -> dict[str, str]:
    """What the front matter says: `licence`, and of `other` its `licence_name` and `licence_link`.

    An id that the Hub does not know, or several ids, name no licence.
    """
    front = parse(readme).front_matter
    given = front.get("license")
    if not isinstance(given, str) or given not in licences():
        return {}
    name, link = front.get("license_name"), front.get("license_link")
    found = {"licence": given}
    if given == "other" and isinstance(name, str) and NAME.fullmatch(name):
        found["licence_name"] = name
    if given == "other" and isinstance(link, str) and link.startswith(("https://", "http://")):
        found["licence_link"] = link
    return found


def licence_in_folder(folder: Path) -> dict[str, str]:
    """Of a base that lies on this machine."""
    file = folder / README
    if not file.is_file() or file.stat().st_size > LONGEST:
        return {}
    return licence_in(file.read_text("utf-8-sig", "replace"))


def card_among(hub: Hub, ref: RepoRef, revision: str, files: Iterable[RemoteFile]) -> str:
    """The text of a model's README, held against the listing; empty where it has none, or too long a one.

    Raises:
        HubpubError: HP-R01, it is another file; as the port says.
    """
    card = next((file for file in files if file.path == README and file.size <= LONGEST), None)
    return read_listed(hub, ref, revision, card).decode("utf-8-sig", "replace") if card else ""


def licence_known_of(base: BaseSettings, root: Path, hub: Hub) -> dict[str, str] | None:
    """What can be told before the base is here; None of a package's file, whose header tells once it was read.

    Raises:
        HubpubError: as `card_among`.
    """
    if base.package:
        return None
    if base.folder:
        return licence_in_folder(root / base.folder)
    ref, revision = RepoRef(str(base.model)), base.revision or "main"
    return licence_in(card_among(hub, ref, revision, hub.tree(ref, revision)))
