"""dataset: build the training data, or take a Parquet folder in."""

from __future__ import annotations

from pathlib import Path

from publisher.data.build import SceneSettings, build_scenes
from publisher.data.features import features, memory_bytes
from publisher.data.rows import columns, count_rows
from publisher.errors import HubpubError
from publisher.evidence.files import inventory
from publisher.evidence.record import record
from publisher.manifest.dataset import DatasetSettings, ScenesSettings
from publisher.manifest.project import ReleasePaths
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
        in_memory = _in_memory(aside)
        files = inventory(aside)
    size = sum(file.size for file in files)
    known = {m.id for m in measured}
    if "dataset.size_bytes" not in known:
        measured = (*measured, Measurement("dataset.size_bytes", size, "bytes"))
    downloads = sum(file.size for file in files if file.path.endswith(".parquet"))
    measured = (*measured, *in_memory, Measurement("dataset.download_bytes", downloads, "bytes"))
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


def _in_memory(folder: Path) -> tuple[Measurement, ...]:
    """What `datasets` makes of the files: the types of the columns, and how many bytes its tables have."""
    typed, sizes = features(folder), memory_bytes(folder)
    return (
        Measurement("dataset.features", typed, status="unknown" if typed is None else "known"),
        Measurement("dataset.memory_bytes", sum(sizes.values()), "bytes"),
        *(
            Measurement(f"dataset.{split}.memory_bytes", size, "bytes")
            for split, size in sorted(sizes.items())
        ),
    )


def _scenes(settings: ScenesSettings) -> SceneSettings:
    return SceneSettings(
        scenes=settings.scenes, seed=settings.seed, validation_share=settings.validation_share
    )
