"""quantize: write the pre-quantized 4-bit checkpoint."""

from __future__ import annotations

from publisher.engine.jobs import Quantize
from publisher.evidence.files import inventory
from publisher.evidence.record import record
from publisher.manifest.project import ReleasePaths
from publisher.pipeline.services import Engine
from publisher.records.artifacts import Artifact
from publisher.records.runs import Base, Merged, Quantized


def quantize(paths: ReleasePaths, engine: Engine, base: Base, merged: Merged | None) -> Quantized:
    """Quantize the merged model, or the base where nothing is merged. Saved before any forward: later is lossy."""
    folder = paths.artifact("nf4")
    source = merged or base
    result = engine.run(Quantize(source.artifact.folder, str(folder)))
    facts = record("quantize", result.measured, paths.evidence)
    return Quantized(Artifact("nf4", str(folder), inventory(folder)), facts)
