"""Which source a release is drafted from, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.compose import OPEN_QUESTION, Key, question
from publisher.manifest.load import load_defaults
from publisher.manifest.project import Project
from publisher.pipeline.init.asking import Ask, take_default
from publisher.pipeline.init.bases import OpenHub, pinned
from publisher.pipeline.init.drafts import Draft, Model, Words
from publisher.pipeline.init.from_adapter import artifacts, from_adapter
from publisher.pipeline.init.from_card import read_card
from publisher.pipeline.init.from_dataset import from_dataset
from publisher.pipeline.init.from_files import from_files
from publisher.pipeline.init.from_model import from_model
from publisher.pipeline.init.from_repo import from_repo
from publisher.pipeline.init.skeleton import YOUR_NAME, skeleton

WHOSE = "Whose account or organisation on the Hub?"


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for; at most one source, but a card may stand beside an adapter."""

    name: str
    owner: str | None = None
    adapter: str | None = None
    repo: str | None = None
    card: Path | None = None
    files: str | None = None
    source: str | None = None
    model: Path | None = None
    dataset: Path | None = None


def draft_of(project: Project, wanted: Wanted, open_hub: OpenHub, ask: Ask = take_default) -> Draft:
    """Draft a release from its source.

    Args:
        project: where it goes.
        wanted: what the command line says.
        open_hub: for what only a Hub knows.
        ask: the author, for what nothing tells: whose it is; what quantized files were made of, or the licence.

    Raises:
        HubpubError: HP-M09 sources that do not go together; whatever a source refuses.
    """
    _refuse(wanted)
    hub = _once(open_hub)
    name = wanted.name
    folder = project.release(name).folder
    defaults = load_defaults(project)
    owner = wanted.owner or (defaults.owner if defaults else None)
    words = read_card(wanted.card) if wanted.card else Words("")
    if wanted.repo:
        model, words, owner = from_repo(wanted.repo, name, hub)
    elif wanted.files:
        owner = owner or ask(WHOSE, _account(hub))
        model, told = from_files(wanted.files, wanted.source, folder, name, owner, hub, ask)
        words = replace(told, **_said_by(words)) if wanted.card else told
    elif wanted.model or wanted.dataset:
        owner = owner or ask(WHOSE, _account(hub))
        model, words = _whole(wanted, folder, owner, hub, ask)
    elif wanted.adapter:
        model = from_adapter(wanted.adapter, folder, name, owner, hub)
    elif wanted.card:
        model = _card_alone(words, name, owner, hub)
    else:
        model = skeleton(name, owner)
        return Draft(name, _owner_key(owner or YOUR_NAME, defaults.owner if defaults else None), model, words)
    return Draft(name, _owner_key(owner, defaults.owner if defaults else None), model, words)


def _refuse(wanted: Wanted) -> None:
    given = [
        option
        for option, value in (
            ("--from-adapter", wanted.adapter),
            ("--from-repo", wanted.repo),
            ("--from-files", wanted.files),
            ("--from-model", wanted.model),
            ("--from-dataset", wanted.dataset),
            ("--from-card", wanted.card),
        )
        if value
    ]
    if len(given) > 1 and given not in (["--from-adapter", "--from-card"], ["--from-files", "--from-card"]):
        raise HubpubError(
            "HP-M09",
            f"{' and '.join(given)} do not go together",
            hint="one source; a card may stand beside an adapter or files",
        )
    if wanted.source and not wanted.files:
        raise HubpubError("HP-M09", "--source belongs to --from-files", hint="hubpub init --help")


def _whole(wanted: Wanted, folder: Path, owner: str | None, hub: OpenHub, ask: Ask) -> tuple[Model, Words]:
    """What is released as it lies there."""
    if wanted.model:
        return from_model(wanted.model, folder, wanted.name, owner, hub, ask)
    return from_dataset(Path(str(wanted.dataset)), folder, wanted.name, owner, ask)


def _card_alone(words: Words, name: str, owner: str | None, hub: OpenHub) -> Model:
    base = words.base or Key("base", question("the card names no base: which model was trained, owner/name"))
    if not str(base.value).startswith(OPEN_QUESTION):
        base = pinned(base, hub)
    return Model(
        source=f"the card {words.name}",
        base=base,
        adapter=Key("adapter", question("where the adapter is: a folder, or owner/repo")),
        artifacts=artifacts({"adapter": None}, name, owner),
    )


def _owner_key(owner: str | None, default: str | None) -> Key | None:
    """The owner, unless the project gives it to every manifest."""
    if owner is None:
        return Key("owner", question("whose account or organisation on the Hub"))
    if owner == default:
        return None
    return Key("owner", owner, note="edit" if owner == YOUR_NAME else "")


def _account(open_hub: OpenHub) -> str | None:
    """Who is logged in; nobody where the Hub does not say, or only rehearses."""
    try:
        hub = open_hub()
        return None if hub.host == "local" else hub.account().name
    except HubpubError:
        return None


def _said_by(card: Words) -> dict[str, Any]:
    """What a card that stands beside the files says better than they do."""
    return {
        part.name: value
        for part in fields(card)
        if part.name != "base" and (value := getattr(card, part.name))
    }


def _once(open_hub: OpenHub) -> OpenHub:
    @cache
    def opened() -> Hub:
        return open_hub()

    return opened
