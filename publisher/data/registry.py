"""Which source a recipe means. The one place of this room that knows the aerial plug-in."""

from __future__ import annotations

from pathlib import Path

from publisher.data.aerial.open import open_scenes
from publisher.data.sample import Source
from publisher.data.sources.rows import open_rows
from publisher.manifest.dataset import BuildSettings, HubSettings, JsonlSettings, ParquetSettings


def open_source(settings: BuildSettings, root: Path) -> Source:
    """Open what a recipe names, nothing of it read yet.

    Args:
        settings: the recipe.
        root: what its paths are relative to; of a Hub's dataset, the folder that its files were fetched to.

    Raises:
        HubpubError: HP-D01, nothing is there; what the source itself refuses.
    """
    if isinstance(settings, JsonlSettings | ParquetSettings | HubSettings):
        return open_rows(settings, root)
    return open_scenes(settings, root)
