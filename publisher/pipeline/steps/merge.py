"""merge: fold the adapter into the full-precision base."""

from __future__ import annotations

from publisher.engine.jobs import Merge
from publisher.evidence.files import inventory
from publisher.evidence.record import record
from publisher.manifest.project import ReleasePaths
from publisher.pipeline.services import Engine
from publisher.records.artifacts import Artifact
from publisher.records.runs import Adapter, Base, Merged


def merge(paths: ReleasePaths, engine: Engine, base: Base, adapter: Adapter) -> Merged:
    """Write the merged checkpoint: the base's dtype, layout, configuration and tokenizer.

    Raises:
        HubpubError: HP-A05 an adapter tensor finds no weight, HP-A06 the adapter cannot be merged here.
    """
    folder = paths.artifact("merged")
    result = engine.run(Merge(base.artifact.folder, adapter.artifact.folder, str(folder)))
    facts = record("merge", result.measured, paths.evidence)
    return Merged(Artifact("merged", str(folder), inventory(folder)), facts)
