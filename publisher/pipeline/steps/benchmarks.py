"""benchmarks: read what lm-evaluation-harness measured, and hold it against the models that it is said to be of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from publisher.evidence.imported.benchmarks import measurements, read_benchmarks, refuse_other_weights
from publisher.evidence.record import record
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import BaseSettings
from publisher.pipeline.inputs import GivenBenchmarks
from publisher.records.facts import Facts
from publisher.records.metrics import GGUF
from publisher.records.runs import (
    Adapter,
    Base,
    Benchmarks,
    Ggufs,
    Made,
    Merged,
    Quantized,
    Variants,
    each_of,
)
from publisher.weights.gguf_files import models_of


def benchmarks(
    paths: ReleasePaths,
    settings: BaseSettings,
    given: GivenBenchmarks,
    base: Base,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
    ggufs: Ggufs | None,
    variants: Variants | None,
) -> Benchmarks:
    """Read the files that the manifest names. Nothing is run: which weights they are of is held against what can be told.

    Raises:
        HubpubError: HP-A08 a file that cannot be read, HP-A09 results of other weights, or of other questions.
    """
    made = [each for each in (base, adapter, merged, quantized, *each_of(variants)) if each]
    found = read_benchmarks(paths.folder, given.places, settings.model)
    weights = _of_ggufs(ggufs)
    for each in made:
        weights[each.artifact.kind] = _weights(each)
    refuse_other_weights(found, Facts([fact for each in made for fact in each.facts]), weights, given.before)
    return Benchmarks(record("benchmarks", measurements(found, weights), paths.evidence))


def _weights(made: Made) -> Sequence[str]:
    """Sha256 of the files that hold its weights."""
    return [file.sha256 for file in made.artifact.files if file.path.endswith(".safetensors")]


def _of_ggufs(ggufs: Ggufs | None) -> dict[str, Sequence[str]]:
    """Likewise of each GGUF file, which is a model by itself."""
    if ggufs is None:
        return {}
    sha256 = {file.path: file.sha256 for file in ggufs.artifact.files}
    models = models_of(Path(ggufs.artifact.folder) / name for name in sha256)
    return {f"{GGUF}{model.kind}": [sha256[file.name] for file in model.files] for model in models}
