"""dataset: build the training data, or take a Parquet folder in."""

from __future__ import annotations

from pathlib import Path

from publisher.data.build import build
from publisher.data.examples import example_rows
from publisher.data.features import features, memory_bytes
from publisher.data.rows import columns, count_rows
from publisher.errors import HubpubError
from publisher.evidence.files import inventory
from publisher.evidence.record import record
from publisher.manifest.dataset import DatasetSettings
from publisher.manifest.project import ReleasePaths
from publisher.pipeline.dataset_source import places_of
from publisher.pipeline.folders import adopt, made_aside
from publisher.pipeline.inputs import GivenDataset
from publisher.pipeline.services import Listener, Source
from publisher.records.artifacts import Artifact
from publisher.records.facts import Measurement
from publisher.records.runs import Dataset


def dataset(
    paths: ReleasePaths,
    source: Source,
    listener: Listener,
    settings: DatasetSettings,
    given: GivenDataset | None,
) -> Dataset:
    """Put `data/train-*.parquet` and `data/validation-*.parquet` into the workspace.

    Raises:
        HubpubError: HP-D01 no rows, HP-D02 columns missing, HP-D03 a malformed scene, HP-D06 malformed rows, HP-L01,
            HP-L02, HP-L03 the language model.
    """
    folder = paths.artifact("dataset")
    with made_aside(folder) as aside:
        if settings.build is not None:
            with places_of(settings.build, paths, source, listener) as places:
                measured = build(
                    settings.build, places, aside, lambda done, of: listener.progress(done, of, "items")
                )
        else:
            folder_given = paths.folder / (given.place if given else "")
            if not folder_given.is_dir():
                raise HubpubError(
                    "HP-D01",
                    "the dataset folder does not exist",
                    where=str(folder_given),
                    hint="point dataset.folder at a folder with data/train-*.parquet",
                )
            adopt(folder_given, aside)
            for file in aside.glob("*.parquet"):  # both layouts load; training and the card know one
                (aside / "data").mkdir(exist_ok=True)
                file.rename(aside / "data" / file.name)
            measured = _describe(aside)
        in_memory = _in_memory(aside)
        examples = len(example_rows(aside))
        files = inventory(aside)
    size = sum(file.size for file in files)
    downloads = sum(file.size for file in files if file.path.endswith(".parquet"))
    measured = (
        *measured,
        *in_memory,
        *((Measurement("dataset.examples", examples, "rows"),) if examples else ()),
        Measurement("dataset.size_bytes", size, "bytes"),
        Measurement("dataset.download_bytes", downloads, "bytes"),
    )
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
