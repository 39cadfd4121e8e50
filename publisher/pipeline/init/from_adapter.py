"""`hubpub init --from-adapter`: what an adapter's configuration and header say, here or on the Hub. No torch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from publisher.errors import HubpubError
from publisher.evidence.imported.run import read_run
from publisher.hub.port import Hub
from publisher.manifest.compose import Key
from publisher.manifest.schema import SUFFIX
from publisher.pipeline.fetch import fetch_listed, fetch_outline
from publisher.pipeline.init.bases import OpenHub, base_of
from publisher.pipeline.init.drafts import Model
from publisher.records.artifacts import Kind, RepoRef
from publisher.weights.adapter import describe_adapter
from publisher.weights.lora import CONFIG, WEIGHTS, read_adapter

CHECKPOINT = re.compile(r"checkpoint-(\d+)")  # as transformers' trainer names them
ADDRESS = re.compile(r"(?:hf://)?(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w./-]+))?")


def from_adapter(place: str, folder: Path, name: str, owner: str | None, open_hub: OpenHub) -> Model:
    """Look at an adapter.

    Args:
        place: a folder on this disk, or owner/repo@revision.
        folder: where the manifest will lie; the adapter's path is written relative to it.
        name: the release's.
        owner: of the repos, as far as it is known.
        open_hub: for a repo, and for the base's commit.

    Raises:
        HubpubError: HP-M09 neither a folder nor a repo, HP-H04 no such repo, HP-A06, HP-A07, HP-W01 as `read_adapter`.
    """
    if Path(place).is_dir():
        here = Path(place).resolve()
        _refuse_other(here, name)
        relative = Path(os.path.relpath(here, folder)).as_posix()
        run, told = _run_of(here, relative)
        model = _model(here, relative, place, name, owner, open_hub)
        return replace(model, run=run, told=(*model.told, *told))
    match = ADDRESS.fullmatch(place)
    if match is None:
        raise HubpubError(
            "HP-M09",
            f"{place} is neither a folder here nor a repo",
            hint="--from-adapter FOLDER, or --from-adapter OWNER/REPO",
        )
    hub = open_hub()
    ref, commit = pinned_repo(hub, match["repo"], match["revision"])
    with adapter_outline(hub, ref, commit) as outline:
        return _model(
            outline, f"{ref.repo_id}@{commit}", f"{ref.repo_id} on {hub.endpoint}", name, owner, open_hub
        )


def _refuse_other(folder: Path, name: str) -> None:
    """Point to the adapter where a trainer's folder holds it further down."""
    if (folder / CONFIG).is_file():
        return
    checkpoints = {
        int(found[1]): path for path in folder.iterdir() if (found := CHECKPOINT.fullmatch(path.name))
    }
    if checkpoints and (last := checkpoints[max(checkpoints)] / CONFIG).is_file():
        raise HubpubError(
            "HP-A07",
            f"{folder.name} holds checkpoints of a training and no adapter of its own",
            where=str(folder),
            hint=f"hubpub init {name} --from-adapter {last.parent}",
        )


def _run_of(folder: Path, relative: str) -> tuple[Key | None, tuple[str, ...]]:
    """What the trainer wrote down beside the adapter, read as the release will read it."""
    try:
        run = read_run(folder, ["."])
    except HubpubError as fault:
        # HP-A08 and nothing found: most adapters come alone.
        return None, () if fault.code == "HP-A08" else (f"left out as training_run: {fault.what}",)
    files = sorted(set(run.said_by.values()))
    return Key("training_run", relative, note=f"what its trainer wrote down: {', '.join(files)}"), ()


def pinned_repo(hub: Hub, repo_id: str, revision: str | None) -> tuple[RepoRef, str]:
    """A model repo and the commit of a revision of it.

    Raises:
        HubpubError: HP-H04 where there is none.
    """
    ref = RepoRef(repo_id)
    state = hub.state(ref)
    if state is None or state.head is None:
        raise HubpubError(
            "HP-H04",
            f"there is no model {repo_id}, it is empty, or this account may not see it",
            where=hub.endpoint,
            hint="check the name, and hf auth login where it is private",
        )
    return state.ref, hub.commits(state.ref, revision or "main")[0].id


@contextmanager
def adapter_outline(hub: Hub, ref: RepoRef, commit: str) -> Iterator[Path]:
    """An adapter's configuration and header from the Hub; in place of its weights there is a hole of their size."""
    files = {file.path: file for file in hub.tree(ref, commit)}
    with TemporaryDirectory(prefix="hubpub-") as scratch:
        folder = Path(scratch)
        for path in ("tokenizer_config.json", "chat_template.jinja", CONFIG):
            if path in files:
                fetch_listed(hub, ref, commit, files[path], folder)
        if WEIGHTS in files:
            fetch_outline(hub, ref, commit, files[WEIGHTS], folder)
        yield folder


def _model(here: Path, place: str, shown: str, name: str, owner: str | None, open_hub: OpenHub) -> Model:
    adapter = read_adapter(here)
    measured = {m.id.removeprefix("adapter."): m.value for m in describe_adapter(here)}
    targets = ", ".join(adapter.target_modules)
    return Model(
        source=f"the adapter {Path(shown).name if Path(shown).is_dir() else shown}",
        base=base_of(adapter, open_hub),
        adapter=Key("adapter", place),
        artifacts=artifacts({"adapter": None}, name, owner),
        told=(
            f"rank {measured['r']}, alpha {measured['alpha']}, {measured['parameters']:,} parameters on {targets}",
            "a release measures these again, so they are not in the manifest",
        ),
    )


def artifacts(adopted: dict[Kind, str | None], name: str, owner: str | None) -> Key:
    """The artifacts with their repos written out, adopted ones under the ids that they have; others are offered."""
    keys = []
    for kind in ("adapter", "merged", "nf4"):
        repo = adopted.get(kind) or (f"{owner}/{name}{SUFFIX[kind]}" if owner else None)
        keys.append(Key(kind, {"repo": repo} if repo else {}, off=kind not in adopted))
    return Key("artifacts", tuple(keys))
