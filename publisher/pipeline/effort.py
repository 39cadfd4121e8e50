"""What a release would take of this machine's memory and time: an estimate from sizes alone, no weight is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from publisher.engine.jobs import MatmulRate, Train
from publisher.engine.memory import ROOM
from publisher.engine.train_memory import PROGRAM_BYTES, Needs, advice_for, needs_of, trained_parameters
from publisher.engine.worker import Limits, run_job
from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.pipeline.base_shape import shape_of_base
from publisher.pipeline.machine import Machine
from publisher.pipeline.opened import Release
from publisher.pipeline.steps.train import job_of
from publisher.records.runs import Pins
from publisher.weights.shape import ModelShape

OWN_BYTES = 2  # of a weight that is loaded as it is published, in 16 bits
MEASURED_S = 1.0
PATIENCE_S = 120.0  # for a child that measures a second
MIB = 1 << 20


@dataclass(frozen=True)
class TrainingTime:
    """How long a training would take.

    Attributes:
        tokens: that it reads, were every example as long as the manifest allows.
        flops: of all its steps.
        flops_per_second: measured here; None where that was not to be had, and `why` says what is missing.
    """

    tokens: int
    flops: float
    flops_per_second: float | None
    why: str = ""

    @property
    def seconds(self) -> float | None:
        """Time in matrix products alone."""
        return None if self.flops_per_second is None else self.flops / self.flops_per_second


@dataclass(frozen=True)
class Effort:
    """What the stages would take.

    Attributes:
        source: where the base's sizes were read.
        place: `GPU` or `CPU`: where models run, and whose memory is meant.
        held_bytes: that memory; None where unknown.
        peak_bytes: by stage, at its peak.
        training: of the training's peak, what takes how much; None without a training.
        time: of the training; None without one, or where it is not known on how many rows.
        problem: the training does not fit.
    """

    source: str
    place: str
    held_bytes: int | None
    peak_bytes: Mapping[str, int]
    training: Needs | None
    time: TrainingTime | None
    problem: HubpubError | None


def effort_of(release: Release, source: Hub, machine: Machine) -> Effort | None:
    """Estimate; None where nobody tells the base's sizes without handing out its files."""
    found = shape_of_base(release, source)
    if found is None:
        return None
    shape, gpu = found.shape, bool(machine.gpus)
    held = _gpu_bytes(machine) if gpu else machine.memory_bytes
    job = _job(release)
    training = needs_of(job, shape, gpu=gpu) if job is not None else None
    problem = None
    if job is not None and training is not None and held is not None and training.total > held:
        problem = _too_little(job, shape, held, gpu=gpu)
    return Effort(
        source=found.source,
        place="GPU" if gpu else "CPU",
        held_bytes=held,
        peak_bytes=dict(_peaks(release, shape, training)),
        training=training,
        time=_time(job, shape) if job is not None and job.steps else None,
        problem=problem,
    )


def training_flops(job: Train, shape: ModelShape) -> float:
    """Of one token: forward, back to the inputs, forward once more where activations are recomputed; and the adapter's own."""
    passes = 3 if job.method == "qlora" and job.gradient_checkpointing else 2
    return 2.0 * passes * shape.multiplied + 6.0 * trained_parameters(job, shape)


def _peaks(release: Release, shape: ModelShape, training: Needs | None) -> Iterator[tuple[str, int]]:
    manifest = release.manifest
    loaded = int(OWN_BYTES * shape.parameters * ROOM) + PROGRAM_BYTES
    if training is not None:
        yield "train", training.total
    if (manifest.train or manifest.adapter) and {"merged", "nf4", "gguf"} & set(manifest.artifacts):
        yield "merge", PROGRAM_BYTES
    if "nf4" in manifest.artifacts:
        yield "quantize", PROGRAM_BYTES
    yield "validate", loaded
    if manifest.evaluate is not None:
        yield "evaluate", loaded


def _job(release: Release) -> Train | None:
    """The manifest's training, on as many rows as the dataset had when it was last built; 0 steps where that is unknown."""
    settings = release.manifest.train
    if settings is None:
        return None
    facts = release.lock.facts if release.lock else ()
    rows = next((fact.value for fact in facts if fact.id == "dataset.train.rows"), None)
    nowhere = Path()
    job = job_of(settings, rows or 0, base=nowhere, data=nowhere, out=nowhere, pins=Pins("", None))
    return replace(job, steps=0) if settings.epochs is not None and rows is None else job


def _time(job: Train, shape: ModelShape) -> TrainingTime:
    tokens = job.steps * job.batch_size * job.gradient_accumulation * job.max_length
    flops = tokens * training_flops(job, shape)
    asked = MatmulRate(
        job.method, job.compute_dtype, job.batch_size * job.max_length, shape.of_a_layer, MEASURED_S
    )
    try:
        with TemporaryDirectory(prefix="hubpub-") as room:
            ran = run_job(
                asked, scratch=Path(room), on_event=lambda event: None, limits=Limits(wall_s=PATIENCE_S)
            )
    except HubpubError as error:
        return TrainingTime(tokens, flops, None, error.what)
    return TrainingTime(tokens, flops, ran.details["flops_per_second"])


def _gpu_bytes(machine: Machine) -> int | None:
    """Memory of the first GPU: `NVIDIA H200, 143771 MiB`."""
    told = re.search(r"(\d+) MiB", machine.gpus[0])
    return int(told[1]) * MIB if told else None


def _too_little(job: Train, shape: ModelShape, held: int, *, gpu: bool) -> HubpubError:
    advice = advice_for(job, shape, gpu=gpu)
    return HubpubError(
        "HP-X02",
        f"the training needs about {advice.bytes_needed / 1e9:.1f} GB of memory at its peak, {held / 1e9:.1f} GB are there",
        where="release.yaml: train",
        hint=advice.text,
        needed_bytes=advice.bytes_needed,
        held_bytes=held,
    )
