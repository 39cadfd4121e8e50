"""`hubpub dataset build`: the one stage alone, or a look at what it would make and cost, nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publisher.data.build import draft, enhancement_cost
from publisher.data.enhance.estimate import Estimate
from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.dataset import BuildSettings
from publisher.pipeline.dataset_source import places_of
from publisher.pipeline.opened import Release
from publisher.pipeline.release import run_release
from publisher.pipeline.services import Listener, Source, Wishes
from publisher.records.facts import Facts
from publisher.records.runs import Dataset

SPLITS = ("train", "validation", "test")
DROPPED = "dataset.dropped."


@dataclass(frozen=True)
class DatasetDraft:
    """What a build gives, or would give.

    Attributes:
        rows: by split; before it is built, without what a language model would add.
        made: expressions or rows before any was dropped; None where somebody else built it.
        dropped: why how many were.
        cost: of the language model; None where none is asked.
    """

    rows: Mapping[str, int]
    made: int | None
    dropped: Mapping[str, int]
    cost: Estimate | None = None


def build_dataset(release: Release, hub: Hub, source: Hub, listener: Listener) -> Facts:
    """Build the dataset of a release, or find it built; nothing else of the release is touched.

    Raises:
        HubpubError: HP-M09, the manifest names no dataset that is built; whatever the build refuses.
    """
    settings = release.manifest.dataset
    if settings is None or settings.link:
        raise _nothing_to_build(release)
    results = run_release(release, hub, source, Wishes(), listener, only="dataset")
    made: Dataset = results.made[Dataset]
    return Facts(made.facts)


def draft_dataset(release: Release, source: Hub, listener: Listener) -> DatasetDraft:
    """Read, describe, filter and split, and count what a language model would be asked. Writes no data, asks nothing.

    Raises:
        HubpubError: HP-M09, the manifest has no recipe for a dataset; whatever the build refuses before it writes.
    """
    recipe: BuildSettings | None = release.manifest.dataset.build if release.manifest.dataset else None
    if recipe is None:
        raise _nothing_to_build(release)
    with places_of(recipe, release.paths, Source(source), listener) as places:
        drafted = draft(recipe, places, lambda done, of: listener.progress(done, of, "items"), ask=False)
        cost = enhancement_cost(recipe, places, drafted)
    rows = {split: len(samples) for split, samples in drafted.splits.items()}
    return DatasetDraft(rows, drafted.made, drafted.dropped, cost)


def built(facts: Facts) -> DatasetDraft:
    """The same of a dataset that is there, from its facts."""
    rows = {split: facts.value(f"dataset.{split}.rows") for split in SPLITS}
    made = facts.value("dataset.expressions_generated", facts.value("dataset.rows_read"))
    dropped = {
        key.removeprefix(DROPPED): fact.value for key, fact in facts.items() if key.startswith(DROPPED)
    }
    return DatasetDraft({split: count for split, count in rows.items() if count is not None}, made, dropped)


def _nothing_to_build(release: Release) -> HubpubError:
    return HubpubError(
        "HP-M09",
        "the manifest has no dataset that is built",
        where=str(release.paths.manifest),
        hint="dataset: {build: {from: jsonl, file: rows.jsonl}}; from: takes scenes, aeriald, coco, parquet and hub too",
    )
