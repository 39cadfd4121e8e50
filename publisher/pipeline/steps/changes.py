"""changes: hold what was made against the version before, so that card and tag can say what is other."""

from __future__ import annotations

from publisher.evidence.record import record
from publisher.hub.port import Hub
from publisher.manifest.project import ReleasePaths
from publisher.pipeline.packages import pack
from publisher.records.changes import Changes, Tensors
from publisher.records.facts import Facts, Measurement
from publisher.records.receipts import Version
from publisher.records.runs import (
    Adapter,
    Base,
    Dataset,
    Ggufs,
    Identity,
    Merged,
    Quantized,
    Variants,
    each_of,
)
from publisher.release.before import read_before
from publisher.release.changes import compare


def changes(
    paths: ReleasePaths,
    hub: Hub,
    identity: Identity,
    version: Version,
    facts: Facts,
    tensors: Tensors | None,
    base: Base | None,
    dataset: Dataset | None,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
    ggufs: Ggufs | None,
    variants: Variants | None,
) -> Changes:
    """Compare each repo with what it held at its version before. A first version has nothing to compare with."""
    measured: list[Measurement] = []
    digested = tensors.of if tensors else {}
    memo = paths.hub(hub.host) / "before"
    for package in pack(identity, (base, dataset, adapter, merged, quantized, ggufs, *each_of(variants))):
        earlier = version.earlier.get(package.kind)
        if earlier is not None:
            before = read_before(hub, earlier, package.kind, memo)
            measured += compare(hub, package, earlier, before, digested.get(package.kind), facts)
    return Changes(record("changes", measured, paths.evidence))
