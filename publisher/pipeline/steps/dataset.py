"""dataset: build the training data, or take a Parquet folder in."""

from __future__ import annotations

from pathlib import Path

from publisher.data.build import SceneSettings, build_scenes
from publisher.data.rows import columns, count_rows
from publisher.errors import HubpubError
from publisher.evidence.files import inventory
from publisher.evidence.record import record
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import DatasetSettings, ScenesSettings
from publisher.pipeline.folders import adopt, made_aside
from publisher.pipeline.inputs import GivenDataset
from publisher.pipeline.services import Listener
from publisher.records.artifacts import Artifact
from publisher.records.facts import Measurement
from publisher.records.runs import Dataset


def dataset(
    paths: ReleasePaths, listener: Listener, settings: DatasetSettings, given: GivenDataset | None
) -> Dataset:
    """Put `data/train-*.parquet` and `data/validation-*.parquet` into the workspace.

    Raises:
        HubpubError: HP-D01 no rows, HP-D02 columns missing, HP-D03 a malformed scene.
    """
    folder = paths.artifact("dataset")
    with made_aside(folder) as aside:
        if settings.build is not None:
            scenes = _scenes(settings.build)
            measured = build_scenes(scenes, aside, lambda done, of: listener.progress(done, of, "scenes"))
        else:
            source = paths.folder / (given.place if given else "")
            if not source.is_dir():
                raise HubpubError(
                    "HP-D01",
                    "the dataset folder does not exist",
                    where=str(source),
                    hint="point dataset.folder at a folder with data/train-*.parquet",
                )
            adopt(source, aside)
            for file in aside.glob("*.parquet"):  # both layouts load; training and the card know one
                (aside / "data").mkdir(exist_ok=True)
                file.rename(aside / "data" / file.name)
            measured = _describe(aside)
        files = inventory(aside)
    size = sum(file.size for file in files)
    known = {m.id for m in measured}
    if "dataset.size_bytes" not in known:
        measured = (*measured, Measurement("dataset.size_bytes", size, "bytes"))
    facts = record("dataset", measured, paths.evidence)
    return Dataset(Artifact("dataset", str(folder), files), facts)


def _describe(folder: Path) -> tuple[Measurement, ...]:
    """What a folder that somebody else made says about itself."""
    rows = count_rows(folder)
    return (
        Measurement("dataset.rows", sum(rows.values()), "rows"),
        *(Measurement(f"dataset.{split}.rows", count, "rows") for split, count in sorted(rows.items())),
        Measurement("dataset.columns", columns(folder)),
    )


def _scenes(settings: ScenesSettings) -> SceneSettings:
    return SceneSettings(
        scenes=settings.scenes, seed=settings.seed, validation_share=settings.validation_share
    )
