"""merge: fold the adapter into the base: its full weights, their 4-bit round trip, or whichever measures better."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from publisher.engine.jobs import Evaluate, JobResult, Merge
from publisher.evidence.files import inventory
from publisher.evidence.record import record
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import Manifest
from publisher.pipeline.services import Engine
from publisher.records.artifacts import Artifact, FileRecord
from publisher.records.facts import Measurement
from publisher.records.runs import Adapter, Base, Dataset, Merged

ROWS = 64  # held-out rows that two merges are compared on, where the manifest says nothing


@dataclass(frozen=True)
class Merging:
    """How the manifest wants it merged. `double_quant` is the training's: the round trip must be the same."""

    base: Literal["full", "nf4", "best"] = "full"
    double_quant: bool = True
    rows: int = ROWS

    @classmethod
    def of(cls, manifest: Manifest) -> Merging:
        """What a manifest says of it."""
        merged = manifest.artifacts.get("merged")
        double_quant = manifest.train is None or manifest.train.quantization.double_quant
        rows = manifest.evaluate.rows if manifest.evaluate else ROWS
        return cls((merged and merged.merge_base) or "full", double_quant, rows)


def is_merged(manifest: Manifest) -> bool:
    """Whether base and adapter become one: to be released, or for what is made of that."""
    adapted = manifest.train is not None or manifest.adapter is not None
    return adapted and bool({"merged", "nf4", "gguf"} & set(manifest.artifacts))


def merge(
    paths: ReleasePaths,
    engine: Engine,
    merging: Merging,
    base: Base,
    adapter: Adapter,
    dataset: Dataset | None,
) -> Merged:
    """Write the merged checkpoint: the base's dtype, layout, configuration and tokenizer.

    Raises:
        HubpubError: HP-A05 an adapter tensor finds no weight, HP-A06 the adapter cannot be merged here.
    """
    folder = paths.artifact("merged")
    if merging.base == "best" and dataset is not None:
        result, compared = _better(folder, engine, merging, base, adapter, dataset)
    else:
        result = engine.run(_job(base, adapter, folder, "nf4" if merging.base == "nf4" else "full", merging))
        compared = ()
    facts = record("merge", (*result.measured, *compared), paths.evidence)
    return Merged(Artifact("merged", str(folder), _inventory(folder, base, result)), facts)


def _better(
    folder: Path, engine: Engine, merging: Merging, base: Base, adapter: Adapter, dataset: Dataset
) -> tuple[JobResult, Sequence[Measurement]]:
    """Make both, keep the one with the lower held-out loss, the full one where they are equal."""
    results, losses = {}, {}
    for kind in ("full", "nf4"):
        made = folder.with_name(f"merged-{kind}.tmp")
        results[kind] = engine.run(_job(base, adapter, made, kind, merging))
        rows = Evaluate(str(Path(dataset.artifact.folder) / "data"), str(made), max_rows=merging.rows)
        measured = {fact.id: fact.value for fact in engine.run(rows).measured}
        losses[kind] = measured["evaluate.base.loss"]
    chosen = "nf4" if float(str(losses["nf4"])) < float(str(losses["full"])) else "full"
    if folder.exists():
        shutil.rmtree(folder)
    folder.with_name(f"merged-{chosen}.tmp").rename(folder)
    shutil.rmtree(folder.with_name(f"merged-{'full' if chosen == 'nf4' else 'nf4'}.tmp"))
    return results[chosen], [
        Measurement(f"merged.{kind}_base.loss", loss, "nats/token") for kind, loss in losses.items()
    ]


def _job(base: Base, adapter: Adapter, out: Path, kind: str, merging: Merging) -> Merge:
    how: Literal["full", "nf4"] = "nf4" if kind == "nf4" else "full"
    return Merge(base.artifact.folder, adapter.artifact.folder, str(out), how, merging.double_quant)


def _inventory(folder: Path, base: Base, result: JobResult) -> tuple[FileRecord, ...]:
    """The files with their digests; a shard that was copied whole has the base's, and is not read once more."""
    untouched = result.details.get("untouched")
    names = set(untouched) if isinstance(untouched, list) else set()
    known = {file.path: file.sha256 for file in base.artifact.files if file.path in names}
    return inventory(folder, known=known)
