"""Recipes as a manifest writes them, and a build in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from publisher.data.build import Places, build
from publisher.manifest.dataset import BuildSettings
from publisher.records.facts import Measurement


def recipe(source: str, **settings: Any) -> BuildSettings:
    """`dataset.build` with `from: source`."""
    made: BuildSettings = TypeAdapter(BuildSettings).validate_python({"from": source, **settings})
    return made


def build_in(
    out: Path,
    settings: BuildSettings,
    *,
    root: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Measurement]:
    """Build a recipe whose paths are relative to `root`; what was measured, by id."""
    place = root or out
    measured = build(settings, Places(place, place, out.parent / f"{out.name}-answers"), out, on_progress)
    return {one.id: one for one in measured}
