"""imported: read what another trainer wrote down of the training that made the adapter."""

from __future__ import annotations

from publisher.evidence.imported.run import read_run, refuse_other_adapter
from publisher.evidence.record import record
from publisher.manifest.project import ReleasePaths
from publisher.pipeline.inputs import GivenRun
from publisher.records.facts import Facts
from publisher.records.runs import Adapter, Imported


def imported(paths: ReleasePaths, run: GivenRun, adapter: Adapter) -> Imported:
    """Read the files that the manifest names, and hold them against each other and against the adapter.

    Raises:
        HubpubError: HP-A08 a file that cannot be read, HP-A09 a contradiction.
    """
    found = read_run(paths.folder, run.places)
    refuse_other_adapter(found, Facts(adapter.facts))
    return Imported(record("imported", found.measured, paths.evidence))
