"""`hubpub init --from-repo`: adopt what is already published, under the ids that it has."""

from __future__ import annotations

import json
from collections.abc import Mapping

from publisher.errors import HubpubError
from publisher.hub.port import Hub, RemoteFile
from publisher.manifest.compose import Key, question
from publisher.manifest.schema import SUFFIX
from publisher.pipeline.fetch import read_listed
from publisher.pipeline.init.bases import OpenHub, base_of, pinned
from publisher.pipeline.init.drafts import Model, Words
from publisher.pipeline.init.from_adapter import ADDRESS, adapter_outline, artifacts, pinned_repo
from publisher.pipeline.init.from_card import words_of
from publisher.records.artifacts import README, Kind, RepoRef
from publisher.weights.lora import CONFIG, read_adapter


def from_repo(address: str, name: str, open_hub: OpenHub) -> tuple[Model, Words, str]:
    """Look at a published adapter or model: the model, what its README says, and its owner.

    Raises:
        HubpubError: HP-M09 no address, HP-H04 no such repo, HP-M10 neither adapter nor safetensors model.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise HubpubError("HP-M09", f"{address!r} is no repo", hint="--from-repo OWNER/REPO")
    hub = open_hub()
    ref, commit = pinned_repo(hub, match["repo"], match["revision"])
    state = hub.state(ref)
    files = {file.path: file for file in hub.tree(ref, commit)}
    text = _read(hub, ref, commit, files[README]) if README in files else ""
    words = words_of(text, f"{ref.repo_id}/{README}")
    owner = ref.repo_id.partition("/")[0]
    kind = _kind(hub, ref, commit, files)
    adapter_at = (ref, commit) if kind == "adapter" else _sibling(hub, ref, kind)
    if adapter_at is not None:
        with adapter_outline(hub, *adapter_at) as outline:
            base = base_of(read_adapter(outline), open_hub)
        adapter = Key("adapter", f"{adapter_at[0].repo_id}@{adapter_at[1]}")
    else:
        said = words.base or Key("base", question("which model was trained, owner/name"))
        base = said if str(said.value).startswith("??") else pinned(said, open_hub)
        adapter = Key(
            "adapter", question(f"the adapter that {ref.repo_id} was made with: a folder, or owner/repo")
        )
    model = Model(
        source=f"{ref.repo_id} as it is on {hub.endpoint}",
        base=base,
        adapter=adapter,
        artifacts=artifacts({kind: ref.repo_id}, name, owner),
        public=not (state is None or state.private),
    )
    return model, words, owner


def _kind(hub: Hub, ref: RepoRef, commit: str, files: Mapping[str, RemoteFile]) -> Kind:
    if CONFIG in files:
        return "adapter"
    if "config.json" in files and any(path.endswith(".safetensors") for path in files):
        config = json.loads(_read(hub, ref, commit, files["config.json"]))
        return "nf4" if "quantization_config" in config else "merged"
    raise HubpubError(
        "HP-M10",
        f"{ref.repo_id} holds neither an adapter nor a model in safetensors",
        where=hub.endpoint,
        hint="adopt the adapter's or the merged model's repo",
    )


def _sibling(hub: Hub, ref: RepoRef, kind: Kind) -> tuple[RepoRef, str] | None:
    """The repo that an adapter would have beside this one, if there is one that holds an adapter."""
    name = ref.repo_id.removesuffix(SUFFIX[kind]) if SUFFIX[kind] else ref.repo_id
    beside = RepoRef(f"{name}{SUFFIX['adapter']}")
    state = hub.state(beside)
    if state is None or state.head is None:
        return None
    holds = CONFIG in {file.path for file in hub.tree(beside, state.head)}
    return (state.ref, state.head) if holds else None


def _read(hub: Hub, ref: RepoRef, commit: str, file: RemoteFile) -> str:
    return read_listed(hub, ref, commit, file).decode("utf-8-sig", "replace")
