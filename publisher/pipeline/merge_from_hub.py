"""Merging into a base that is on a Hub, without a copy of it: its headers first, then its weights shard by shard."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from publisher.engine.jobs import JobResult, Merge
from publisher.engine.worker import Limits
from publisher.errors import HubpubError
from publisher.hub.port import Hub, RemoteFile
from publisher.pipeline.fetch import fetch_listed, fetch_outline
from publisher.pipeline.foreign import ADDRESS, Place, parse_place
from publisher.pipeline.plain_folders import refuse_existing
from publisher.pipeline.services import ByteCounter, Engine, Listener
from publisher.pipeline.shard_feed import ShardFeed
from publisher.weights.companions import COMPANIONS
from publisher.weights.lora import CONFIG, WEIGHTS
from publisher.weights.shards import PICKLE_SUFFIXES

INDEX = "model.safetensors.index.json"


def place_or_folder(option: str, given: str) -> Place | Path:
    """A folder where there is one, else the repo of a Hub that it names: `owner/repo@revision`, `hf://` before it or not.

    Raises:
        HubpubError: HP-M09, it is neither.
    """
    if Path(given).is_dir():
        return Path(given)
    address = given if given.startswith("hf://") else f"hf://{given}"
    place = parse_place(address) if ADDRESS.fullmatch(address) and not given.startswith(".") else None
    if place is not None and place.ref.repo_type == "model":
        return place
    raise HubpubError(
        "HP-M09",
        f"{option}: there is no folder {given}",
        hint="name a folder of files, or a model on a Hub: OWNER/REPO@REVISION",
    )


def merge_from_hub(
    base: Place,
    adapter: Path,
    out: Path,
    merge_base: Literal["full", "nf4"],
    hub: Hub,
    listener: Listener,
) -> JobResult:
    """Fold an adapter's folder into a base of the Hub, pinned to the commit that its revision is now.

    Of the base two shards at most lie beside `out` at a time, in `<out>.base`; one that nothing is added to becomes the
    output's. A killed run goes on with the shard that it was at when the same is asked again.

    Raises:
        HubpubError: HP-M09, `out` exists; HP-H04, no such repo or revision; HP-R01, a shard is not what the Hub lists;
            whatever the merge refuses.
    """
    refuse_existing(out)
    pinned = _pinned("--base", base, hub)
    with _room(out.resolve(), pinned) as room:
        heads, shards = room / "heads", room / "shards"
        files = {file.path: file for file in hub.tree(pinned.ref, pinned.revision) if "/" not in file.path}
        weights = _fetch_outlines(hub, pinned, files, heads)
        arrived = ByteCounter(listener, sum(files[name].size for name in weights))
        feed = ShardFeed(hub, pinned, files, shards, arrived)
        job = Merge(
            str(heads),
            str(adapter.resolve()),
            str(out.resolve()),
            merge_base,
            arriving=str(shards),
            base_is=str(pinned),
        )
        try:
            return Engine(room / "scratch", listener, Limits()).run(job, hear=feed.hear)
        except HubpubError:
            if feed.fault is not None:
                raise feed.fault from None
            raise
        finally:
            feed.stop()


@contextmanager
def fetched_adapter(place: Place, hub: Hub) -> Iterator[Path]:
    """An adapter of the Hub in a folder, for the length of the block.

    Raises:
        HubpubError: HP-H04, no such repo or revision; HP-M09, it holds no adapter.
    """
    pinned = _pinned("--adapter", place, hub)
    there = {file.path: file for file in hub.tree(pinned.ref, pinned.revision)}
    if not {CONFIG, WEIGHTS} <= there.keys():
        raise HubpubError(
            "HP-M09",
            f"--adapter: {place.ref.repo_id} holds no {CONFIG} and {WEIGHTS}",
            where=hub.endpoint,
            hint="name a repo of a LoRA adapter, or a folder",
        )
    with TemporaryDirectory(prefix="hubpub-") as scratch:
        for name in (CONFIG, WEIGHTS):
            fetch_listed(hub, pinned.ref, pinned.revision, there[name], Path(scratch))
        yield Path(scratch)


def _pinned(option: str, place: Place, hub: Hub) -> Place:
    """The commit that a revision is now."""
    try:
        return Place(place.ref, hub.commits(place.ref, place.revision)[0].id)
    except HubpubError as fault:
        if fault.code != "HP-H04":
            raise
        what = f"{option}: no folder here, and no model on this Hub that this account may see: {place}"
        raise HubpubError(
            "HP-H04", what, where=hub.endpoint, hint="check name and revision, and --hub"
        ) from fault


@contextmanager
def _room(out: Path, pinned: Place) -> Iterator[Path]:
    """`<out>.base`, with what a killed run had fetched of the same commit. It stays where that is of use again."""
    room = out.with_name(f"{out.name}.base")
    known = room / "of.txt"
    if not (known.is_file() and known.read_text(encoding="utf-8") == str(pinned)):
        shutil.rmtree(room, ignore_errors=True)
    shutil.rmtree(room / "heads", ignore_errors=True)
    for folder in ("heads", "shards"):
        (room / folder).mkdir(parents=True, exist_ok=True)
    known.write_text(str(pinned), encoding="utf-8")
    try:
        yield room
    except BaseException:
        if not any(file.stat().st_size for file in (room / "shards").iterdir()):
            shutil.rmtree(room)
        raise
    shutil.rmtree(room)


def _fetch_outlines(hub: Hub, base: Place, files: Mapping[str, RemoteFile], folder: Path) -> list[str]:
    """Fetch all of a model but its weights, and of these the headers; returns the names of the weight files.

    What is wrong with them, the merge says of the folder as it would of one that was always here.
    """
    for name in (*COMPANIONS, INDEX):
        if name in files:
            fetch_listed(hub, base.ref, base.revision, files[name], folder)
    weights = sorted(name for name in _named_weights(folder) if name in files)
    for name in weights:
        fetch_outline(hub, base.ref, base.revision, files[name], folder)
    if not weights:
        for name in files:
            if name.endswith(PICKLE_SUFFIXES):
                (folder / name).touch()
    return weights


def _named_weights(folder: Path) -> set[str]:
    """What the index names, if there is one that can be read; else the one file that has no need of one."""
    if not (folder / INDEX).is_file():
        return {"model.safetensors"}
    try:
        return set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
