"""train: fine-tune the adapter; or load: take an existing one in."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from publisher.engine.jobs import Fsdp, Train
from publisher.engine.train_memory import advice_on
from publisher.errors import HubpubError
from publisher.evidence.files import inventory
from publisher.evidence.record import record
from publisher.hub.port import Hub
from publisher.manifest.project import ReleasePaths
from publisher.manifest.training import TrainSettings
from publisher.pipeline.fetch import fetch_listed
from publisher.pipeline.folders import made_aside
from publisher.pipeline.inputs import GivenAdapter
from publisher.pipeline.machine import gpus
from publisher.pipeline.services import Engine, Source, Wishes
from publisher.records.artifacts import Artifact, RepoRef
from publisher.records.digest import digest
from publisher.records.facts import Measurement
from publisher.records.runs import Adapter, Base, Dataset, Pins
from publisher.weights.adapter import check_adapter, describe_adapter
from publisher.weights.stand_in import is_stand_in, mark_weights

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
# What an adapter's users need besides: the base's tokenizer, processor and chat template, byte for byte.
COMPANIONS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "preprocessor_config.json",
    "processor_config.json",
)


def train(
    paths: ReleasePaths,
    engine: Engine,
    source: Source,
    settings: TrainSettings | None,
    existing: GivenAdapter | None,
    base: Base,
    dataset: Dataset | None,
    pins: Pins,
    wishes: Wishes,
) -> Adapter:
    """Train the adapter that the manifest describes, or load the one that it names, and hold it against the base.

    A training that was killed goes on from its last checkpoint. Its run folder is named after what it depends on,
    so that a checkpoint never continues another training.

    Raises:
        HubpubError: HP-A01 … HP-A07 for an adapter that does not fit or does nothing, HP-E07 for a NaN loss, HP-X02
            where memory does not do, HP-X05 where the processes that were asked for cannot run.
    """
    base_folder = Path(base.artifact.folder)
    folder = paths.artifact("adapter")
    measured: tuple[Measurement, ...]
    if settings is not None and dataset is not None:
        run = (
            paths.scratch
            / f"train-{digest([settings.model_dump(mode='json'), base.digest, dataset.digest])[:12]}"
        )
        rows = next((fact.value for fact in dataset.facts if fact.id == "dataset.train.rows"), 0)
        data = Path(dataset.artifact.folder) / "data"
        job = job_of(settings, rows, base=base_folder, data=data, out=run, pins=pins)
        job = replace(job, processes=wishes.processes)
        measured = _train(engine, job)
        _assemble(run / "adapter", base_folder, folder)
        shutil.rmtree(run / "checkpoints", ignore_errors=True)
    else:
        with _found(existing.place if existing else "", paths, source.hub) as folder_given:
            check_adapter(folder_given, base_folder)
            _assemble(folder_given, base_folder, folder)
        _pin(folder / "adapter_config.json", pins)
        measured = ()
    check_adapter(folder, base_folder)
    described = {m.id: m for m in (*measured, *describe_adapter(folder))}
    facts = record("train", tuple(described.values()), paths.evidence)
    return Adapter(Artifact("adapter", str(folder), inventory(folder)), facts)


def _train(engine: Engine, job: Train) -> tuple[Measurement, ...]:
    """Run the training; where memory did not do, say what takes it and what would take less."""
    try:
        return engine.run(job).measured
    except HubpubError as error:
        short = error.code == "HP-X02" or error.data.get("returncode") == -signal.SIGKILL
        if not short or (advice := advice_on(job, gpu=bool(gpus()))) is None:
            raise
        data = {**error.data, "bytes_needed": advice.bytes_needed}
        raise HubpubError("HP-X02", error.what, hint=advice.text, where=error.where, **data) from error


def job_of(settings: TrainSettings, rows: int, *, base: Path, data: Path, out: Path, pins: Pins) -> Train:
    """The training that a manifest describes, on so many rows."""
    return Train(
        base=str(base),
        data=str(data),
        out=str(out),
        method=settings.method,
        r=settings.lora.r,
        alpha=settings.lora.alpha,
        dropout=settings.lora.dropout,
        target_modules=settings.lora.target_modules,
        learning_rate=settings.learning_rate,
        schedule=settings.schedule,
        warmup_ratio=settings.warmup_ratio,
        batch_size=settings.batch_size,
        gradient_accumulation=settings.gradient_accumulation,
        max_grad_norm=settings.max_grad_norm,
        steps=settings.steps_over(rows),
        max_length=settings.max_length,
        seed=settings.seed,
        gradient_checkpointing=settings.gradient_checkpointing,
        double_quant=settings.quantization.double_quant,
        compute_dtype=settings.quantization.compute_dtype,
        vision_tower=settings.lora.vision_tower,
        eval_every=settings.eval_every,
        eval_rows=settings.eval_rows,
        report_to=settings.report_to,
        fsdp=Fsdp(settings.fsdp.reshard_after_forward, settings.fsdp.offload) if settings.fsdp else None,
        base_repo=pins.base_repo,
        base_revision=pins.base_revision or "",
    )


def _assemble(adapter: Path, base: Path, folder: Path) -> None:
    with made_aside(folder) as aside:
        for name in ADAPTER_FILES:
            if not (adapter / name).is_file():
                raise HubpubError(
                    "HP-A07",
                    f"the adapter has no {name}",
                    where=str(adapter),
                    hint="point adapter: at the folder that peft's save_pretrained wrote",
                )
            shutil.copyfile(adapter / name, aside / name)
        for name in COMPANIONS:
            own, inherited = adapter / name, base / name
            source = own if own.is_file() else inherited
            if source.is_file():
                shutil.copyfile(source, aside / name)
        if is_stand_in(base):
            mark_weights(aside / "adapter_model.safetensors")


@contextmanager
def _found(place: str, paths: ReleasePaths, hub: Hub) -> Iterator[Path]:
    """The adapter's folder: a local one as it is, a Hub one fetched."""
    local = paths.folder / place
    if local.is_dir():  # what else a trainer left in it, pickles among it, is neither read nor taken along
        yield local
        return
    repo_id, _, revision = place.partition("@")
    ref = RepoRef(repo_id)
    state = hub.state(ref) if "/" in repo_id else None
    if state is None or state.head is None:
        raise HubpubError(
            "HP-A07",
            f"there is no adapter at {place}: neither a folder nor a repo on this Hub",
            where=str(local),
            hint="adapter: takes a folder relative to the manifest, or owner/repo@revision",
        )
    at = revision or state.head
    target = paths.scratch / f"adapter-{at[:12]}"
    with made_aside(target) as aside:
        for file in hub.tree(ref, at):
            if file.path in (*ADAPTER_FILES, *COMPANIONS):
                fetch_listed(hub, ref, at, file, aside)
    yield target
    shutil.rmtree(target)


def _pin(config_file: Path, pins: Pins) -> None:
    """Name the base as the Hub knows it: trainers leave a local path and no revision."""
    config = json.loads(config_file.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = pins.base_repo
    config["revision"] = pins.base_revision
    config_file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
