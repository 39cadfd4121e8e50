"""`hubpub init` without a source: a manifest that validates, with every place to edit marked."""

from __future__ import annotations

from publisher.manifest.compose import Key
from publisher.pipeline.init.drafts import Model
from publisher.pipeline.init.from_adapter import artifacts

YOUR_NAME = "your-name"


def skeleton(name: str, owner: str | None) -> Model:
    """What a newcomer edits."""
    return Model(
        source="nothing: every line with `edit` is an example",
        base=Key(
            "base",
            "owner/base-model",
            note="edit: the model that was trained; pin it: owner/base-model@<commit>",
        ),
        adapter=Key("adapter", f"../../out/{name}", note="edit: a folder, or owner/repo@<commit>"),
        artifacts=artifacts({"adapter": None}, name, owner or YOUR_NAME),
    )
