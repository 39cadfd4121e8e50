"""Proving a dataset: `datasets.load_dataset` reads every split, and a row decodes."""

from __future__ import annotations

import errno
import tempfile
import time

from publisher.engine.jobs import Emit, Probe
from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement


def probe_dataset(job: Probe, emit: Emit) -> tuple[list[Measurement], dict[str, Json]]:
    """Load a dataset's folder as its users do; the card's front matter, where it has one, names the splits.

    Raises:
        HubpubError: HP-D05, it does not load, a split has no rows (`datasets` refuses those), or a first row does
            not decode.
    """
    import datasets

    # A cache of its own: one left over from an earlier run would hide what is broken now.
    with tempfile.TemporaryDirectory(prefix="dataset-cache-", ignore_cleanup_errors=True) as cache:
        started = time.perf_counter()
        try:
            splits = datasets.load_dataset(job.folder, cache_dir=cache)
            for split in splits.values():
                split[0]  # decodes a row: an image column that is no image shows only now
        except (datasets.exceptions.DatasetsError, OSError, ValueError, TypeError, KeyError) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise  # this machine's fault, not the data's
            reason = error.__cause__ or error  # the builder wraps what really went wrong
            raise HubpubError(
                "HP-D05",
                f"the dataset does not load: {type(reason).__name__}: {str(reason).strip().splitlines()[0]}",
                hint="check the Parquet files, and that the `configs:` of the card's front matter name them",
                where=job.folder,
            ) from error
        seconds = round(time.perf_counter() - started, 3)
        rows = {str(name): len(split) for name, split in splits.items()}
        columns = {str(name): list(split.column_names) for name, split in splits.items()}
    emit({"step": "load", "kind": job.kind, "seconds": seconds, "rows": sum(rows.values())})
    measured = [
        Measurement("validate.dataset.loads_clean", True),
        Measurement("validate.dataset.load_seconds", seconds, "s"),
        Measurement("validate.dataset.rows", sum(rows.values()), "rows"),
    ]
    return measured, {"kind": job.kind, "stand_in": job.stand_in, "rows": rows, "columns": columns}
