"""version: decide which version this is before words are written that name it."""

from __future__ import annotations

import json
from pathlib import Path

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.schema import Manifest
from publisher.pipeline.packages import pack
from publisher.pipeline.services import LastVersion, Wishes
from publisher.records.receipts import Version
from publisher.records.runs import (
    Adapter,
    Base,
    Dataset,
    Ggufs,
    Identity,
    Merged,
    Quantized,
    Variants,
    each_of,
)
from publisher.release.version import decide_version


def version(
    hub: Hub,
    manifest: Manifest,
    wishes: Wishes,
    last: LastVersion,
    identity: Identity,
    base: Base | None,
    dataset: Dataset | None,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
    ggufs: Ggufs | None,
    variants: Variants | None,
) -> Version:
    """Hold what was made against the tags of the Hub.

    Raises:
        HubpubError: HP-M07 where the version was released with other contents, or where the adapter is pinned to
            a version of its base that neither exists nor is being made.
    """
    packages = pack(identity, (base, dataset, adapter, merged, quantized, ggufs, *each_of(variants)))
    asked = wishes.version or manifest.version
    found = decide_version(
        hub, packages, asked=asked, last=last.number, name=identity.name, former=last.repos
    )
    if adapter is not None and "base" in identity.refs:
        _hold_pin(hub, identity, adapter, found)
    return found


def _hold_pin(hub: Hub, identity: Identity, adapter: Adapter, version: Version) -> None:
    config = json.loads((Path(adapter.artifact.folder) / "adapter_config.json").read_text(encoding="utf-8"))
    pinned = config.get("revision")
    state = hub.state(identity.refs["base"])
    if pinned not in (None, version.tag, *(state.tags if state else {})):
        raise HubpubError(
            "HP-M07",
            f"the adapter is pinned to {pinned} of its base, which was never released; this is {version.number}",
            where="adapter_config.json",
            hint=f"release it as {pinned.removeprefix('v')}, or train again: --train",
        )
