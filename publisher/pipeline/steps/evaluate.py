"""evaluate: held-out numbers of base, adapter, merged and quantized, on the same rows."""

from __future__ import annotations

from pathlib import Path

from publisher.engine.jobs import Evaluate
from publisher.evidence.record import record
from publisher.manifest.evaluation import EvaluateSettings
from publisher.manifest.project import ReleasePaths
from publisher.pipeline.services import Engine
from publisher.records.runs import Adapter, Base, Dataset, Evaluation, Merged, Quantized


def evaluate(
    paths: ReleasePaths,
    engine: Engine,
    settings: EvaluateSettings,
    base: Base,
    dataset: Dataset,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
) -> Evaluation:
    """Loss in nats per answer token and perplexity, on at most so many held-out rows."""
    job = Evaluate(
        data=str(Path(dataset.artifact.folder) / "data"),
        base=base.artifact.folder,
        adapter=adapter.artifact.folder if adapter else None,
        merged=merged.artifact.folder if merged else None,
        nf4=quantized.artifact.folder if quantized else None,
        max_rows=settings.rows,
    )
    return Evaluation(record("evaluate", engine.run(job).measured, paths.evidence))
