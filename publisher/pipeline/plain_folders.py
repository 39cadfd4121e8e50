"""Merging and quantizing folders that belong to no release: what they hold is read, and a new folder is written."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from publisher.engine.jobs import Job, JobResult, Merge, Quantize
from publisher.engine.worker import Limits
from publisher.errors import HubpubError
from publisher.pipeline.services import Engine, Listener


def merge_folders(
    base: Path, adapter: Path, out: Path, merge_base: Literal["full", "nf4"], listener: Listener
) -> JobResult:
    """Fold an adapter's folder into a base's; a killed run goes on where it was when the same is asked again.

    Raises:
        HubpubError: HP-M09, a folder is missing or `out` exists; whatever the merge refuses.
    """
    job = Merge(str(base.resolve()), str(adapter.resolve()), str(out.resolve()), merge_base)
    return _run(job, {"--base": base, "--adapter": adapter}, out, listener)


def quantize_folder(model: Path, out: Path, listener: Listener) -> JobResult:
    """Write a model's folder as a pre-quantized NF4 checkpoint.

    Raises:
        HubpubError: HP-M09, the folder is missing or `out` exists; whatever quantizing refuses.
    """
    return _run(Quantize(str(model.resolve()), str(out.resolve())), {"--model": model}, out, listener)


def _run(job: Job, sources: dict[str, Path], out: Path, listener: Listener) -> JobResult:
    for option, folder in sources.items():
        if not folder.is_dir():
            raise HubpubError(
                "HP-M09", f"{option}: there is no folder {folder}", hint="name a folder of files"
            )
    refuse_existing(out)
    with tempfile.TemporaryDirectory(prefix="hubpub-") as scratch:
        return Engine(Path(scratch), listener, Limits()).run(job)


def refuse_existing(out: Path) -> None:
    """Refuse an output that is there already, and make the folder that it will lie in.

    Raises:
        HubpubError: HP-M09.
    """
    if out.exists():
        # It may hold anything; what hubpub did not make it does not replace.
        raise HubpubError(
            "HP-M09",
            f"--out: {out} exists already",
            hint="name a folder that is not there yet",
            where=str(out),
        )
    out.parent.mkdir(parents=True, exist_ok=True)
