"""Which base an adapter or a card means: its id on the Hub, pinned to a commit where the Hub can be asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePath

from publisher.checks.known.models import Family, Shape, families, mentions
from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.compose import Key, question
from publisher.manifest.section import REPO_ID
from publisher.records.artifacts import RepoRef
from publisher.weights.describe import has_chat_template
from publisher.weights.lora import Adapter

LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")
TOWER = ("vision", "visual", "audio", "image")

OpenHub = Callable[[], Hub]


def base_of(adapter: Adapter, open_hub: OpenHub) -> Key:
    """The base that an adapter was trained on; a question where its configuration cannot tell, or tells wrong."""
    named = str(adapter.config.get("base_model_name_or_path") or "")
    found = list(_by_shape(adapter))
    alike = " or ".join(family.id(shape) for family, shape in found)
    if not REPO_ID.fullmatch(named):
        last = PurePath(named.replace("\\", "/")).name
        said = f"the adapter names {last}, a folder on another disk" if last else "the adapter names no base"
        shapes = f"; its shapes are those of {alike}" if alike else ""
        template = ", with a chat template" if has_chat_template(adapter.folder) else ""
        return Key("base", question(f"{said}{shapes}{template}: write its Hub id, owner/name"))
    meant = next(mentions(named), None)
    if meant and meant.shape and found and meant.shape not in [shape for _, shape in found]:
        return Key("base", question(f"the adapter names {named}, and its shapes are those of {alike}"))
    revision = adapter.config.get("revision")
    return pinned(Key("base", named), open_hub, revision if isinstance(revision, str) else None)


def pinned(base: Key, open_hub: OpenHub, revision: str | None = None) -> Key:
    """A base with the commit that its `main` has now; a question where the Hub knows no such model."""
    named = str(base.value)
    if revision:
        return Key(base.name, f"{named}@{revision}", base.above, "the revision that it was trained on")
    try:
        hub = open_hub()
        state = hub.state(RepoRef(named))
    except HubpubError as fault:
        return Key(base.name, named, base.above, f"not pinned: {fault.what}; pin it: {named}@<commit>")
    if state is None:
        return Key(base.name, question(f"{named} is not on {hub.endpoint}, or may not be seen"), base.above)
    if state.head is None:
        return Key(base.name, question(f"{named} is empty on {hub.endpoint}"), base.above)
    return Key(base.name, f"{named}@{state.head}", base.above, "its main as it is now")


def _by_shape(adapter: Adapter) -> Iterator[tuple[Family, Shape]]:
    """Known models with as many layers as the adapter, and as wide."""
    layers, widths = set(), set()
    for pair in adapter.pairs:
        match = LAYER.search(pair.module)
        if match is None or any(word in pair.module for word in TOWER):
            continue
        layers.add(int(match[1]))
        if pair.module.endswith((".q_proj", ".gate_proj")) and len(pair.down.shape) == 2:
            widths.add(pair.down.shape[1])
    for family in families():
        for shape in family.shapes:
            if layers and shape.layers == max(layers) + 1 and widths == {shape.hidden}:
                yield family, shape
