"""Proving a repo that this project did not release: its files are what its Hub lists, and they load.

Nothing of the repo's own code runs: neither modelling code (`trust_remote_code` stays off) nor the card's blocks.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from publisher.engine.jobs import Probe, ProbeGguf
from publisher.engine.worker import Limits
from publisher.errors import HubpubError
from publisher.evidence.files import load_json
from publisher.hub.port import Hub
from publisher.pipeline.fetch import fetch_listed
from publisher.pipeline.services import ByteCounter, Engine, Listener
from publisher.pipeline.signing import refuse_without_packages
from publisher.records.artifacts import Kind, RepoRef
from publisher.records.receipts import ProofLevel, Reproof
from publisher.release.signing import check_signature
from publisher.weights.shards import refuse_pickles

ADDRESS = re.compile(r"hf://(?P<data>datasets/)?(?P<repo>[^/@]+/[^/@]+)(?:@(?P<revision>.+))?")


@dataclass(frozen=True)
class Place:
    """A repo of a Hub at a revision: a branch, a tag or a commit."""

    ref: RepoRef
    revision: str = "main"

    def __str__(self) -> str:
        """As `parse_place` reads it."""
        return f"hf://{self.ref.path}@{self.revision}"


def parse_place(address: str) -> Place:
    """`hf://owner/repo@revision` or `hf://datasets/owner/repo@revision`; without a revision, `main`.

    Raises:
        HubpubError: HP-M09 where it is none.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise HubpubError(
            "HP-M09",
            f"{address!r} is no address of a repo",
            hint="hf://owner/repo@revision, or hf://datasets/owner/repo@revision",
        )
    ref = RepoRef(match["repo"], "dataset" if match["data"] else "model")
    return Place(ref, match["revision"] or "main")


def prove_place(
    place: Place,
    hub: Hub,
    source: Hub,
    listener: Listener,
    scratch: Path,
    *,
    level: ProofLevel,
    key: str | None = None,
) -> Reproof:
    """Fetch every file into the empty folder `scratch`, compare it with what the Hub lists, and load it where that is asked.

    `source` is the Hub that an adapter's base comes from. `run` computes logits besides loading. `key` is the PEM text
    of the public key that the repo's signature is held against, before anything is loaded.

    Raises:
        HubpubError: HP-H04 no such repo or revision, HP-R01 a file is not what the Hub lists, HP-E03 it does not load,
            HP-M09 nothing in it can be loaded, HP-R09 it is not signed by `key`, HP-E01 nothing here can check that.
    """
    if key:
        refuse_without_packages()
    listener.began("fetch")
    commit = hub.commits(place.ref, place.revision)[0].id
    files = hub.tree(place.ref, commit)
    folder = scratch / "repo"
    arrived = ByteCounter(listener, sum(file.size for file in files))
    for file in files:
        fetch_listed(hub, place.ref, commit, file, folder, arrived)
    size = sum(file.size for file in files)
    signed_by = check_signature(folder, key, f"{hub.endpoint}/{place.ref.path}") if key else None
    told = ""
    if level != "static":
        listener.began("load")
        told = _load(folder, source, listener, Engine(scratch, listener, Limits()), level)
    return Reproof(place.ref.repo_id, commit, len(files), size, told, signed_by)


def _load(folder: Path, source: Hub, listener: Listener, engine: Engine, level: ProofLevel) -> str:
    refuse_pickles(folder)
    kind = kind_of(folder)
    if kind == "gguf":
        return _load_ggufs(folder, engine, level)
    base = _base(folder, source, listener, engine.scratch) if kind == "adapter" else None
    job = Probe(kind, str(folder), str(base) if base else None, in_4bit=False, load_only=level == "load")
    engine.run(job)
    return ", loaded" if level == "load" else ", loaded and run"


def _load_ggufs(folder: Path, engine: Engine, level: ProofLevel) -> str:
    """The model that they were made of may be as large as it likes: files are read, not held against it."""
    result = engine.run(ProbeGguf(str(folder), None, load_only=level == "load"))
    readers = sorted({reader for each in result.details["readers"].values() for reader in each})
    read = f"loaded by {' and '.join(readers)}"
    return f", {read}" if level == "load" else f", {read}, and run"


def kind_of(folder: Path) -> Kind:
    """What a folder holds, told from its files.

    Raises:
        HubpubError: HP-M09 where it is nothing that can be loaded here.
    """
    config = load_json(folder / "config.json")
    if (folder / "adapter_config.json").is_file():
        return "adapter"
    ggufs = any(folder.rglob("*.gguf"))
    of_the_source = ggufs and not any(folder.rglob("*.safetensors"))  # many carry their source's config.json
    if config and not of_the_source:
        return "nf4" if "quantization_config" in config else "merged"
    if ggufs:
        return "gguf"
    if any(folder.rglob("*.parquet")):
        return "dataset"
    raise HubpubError(
        "HP-M09",
        "there is neither a model nor an adapter nor Parquet nor GGUF in this repo",
        where=str(folder),
        hint="compare its bytes alone: --proof static",
    )


def _base(folder: Path, source: Hub, listener: Listener, scratch: Path) -> Path:
    """The base that an adapter names, fetched."""
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    ref = RepoRef(str(config.get("base_model_name_or_path")))
    state = source.state(ref) if ref.repo_id.count("/") == 1 else None
    if state is None or state.head is None:
        raise HubpubError(
            "HP-B01",
            f"the adapter's base {ref.repo_id} does not exist on this Hub, or this account may not see it",
            where=source.endpoint,
            hint="compare the adapter's bytes alone: --proof static",
        )
    revision = config.get("revision") or state.head
    files = [f for f in source.tree(ref, revision) if not f.path.endswith((".md", ".gitattributes"))]
    arrived = ByteCounter(listener, sum(file.size for file in files))
    for file in files:
        fetch_listed(source, ref, revision, file, scratch / "base", arrived)
    refuse_pickles(scratch / "base")
    return scratch / "base"
