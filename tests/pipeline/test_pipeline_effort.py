"""What a release would take: the operations of a training, and a rate that is measured here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from publisher.hub.remote import RemoteHub
from publisher.manifest.training import TrainSettings
from publisher.pipeline.effort import effort_of, training_flops
from publisher.pipeline.machine import Machine, look_at_machine
from publisher.pipeline.opened import Release
from publisher.pipeline.steps.train import job_of
from publisher.records.runs import Pins
from publisher.weights.shape import decoder

MANIFEST = """
manifest: 1
owner: alice
base: {model: alice/base, folder: base}
dataset: {folder: data}
train: {method: lora, steps: 2, batch_size: 1, gradient_accumulation: 3, max_length: 16}
artifacts: [adapter]
"""
CONFIG = {
    "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 512, "tie_word_embeddings": True,
}  # fmt: skip


@pytest.fixture
def small(tmp_path: Path, open_release: Callable[..., Release]) -> Release:
    release = open_release(MANIFEST)
    (release.paths.folder / "base" / "config.json").write_text(json.dumps(CONFIG))
    return release


@pytest.fixture(scope="module")
def machine() -> Machine:
    return replace(look_at_machine(Path.cwd()), gpus=())


def test_recomputed_activations_cost_half_as_much_again() -> None:
    """Forth and back are two passes, forth again a third; the adapter's own are six operations a weight."""
    shape = decoder(layers=2, hidden=64, intermediate=128, queries=64, keys=32, vocabulary=512, tied=True)
    nowhere = Path()
    job = job_of(
        TrainSettings(method="qlora"), 0, base=nowhere, data=nowhere, out=nowhere, pins=Pins("", None)
    )
    kept = replace(job, gradient_checkpointing=False)
    weights = 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 128) + 512 * 64
    adapter = 2 * job.r * (2 * (64 + 64) + 2 * (64 + 32))

    assert 2 * 2 * weights + 6 * adapter == training_flops(kept, shape)
    assert 3 * 2 * weights + 6 * adapter == training_flops(job, shape)


@pytest.mark.models
def test_the_time_is_what_the_measured_rate_makes_of_it(
    small: Release, alice: RemoteHub, machine: Machine
) -> None:
    """Two steps of three examples of 16 tokens."""
    effort = effort_of(small, alice, machine)
    assert effort is not None
    assert effort.time is not None
    assert effort.time.flops_per_second is not None

    assert 2 * 3 * 16 == effort.time.tokens
    assert effort.time.flops / effort.time.flops_per_second == effort.time.seconds


def test_a_machine_that_holds_less_than_the_training_needs_is_told_so(
    small: Release, alice: RemoteHub, machine: Machine
) -> None:
    manifest = small.manifest.model_copy(update={"train": TrainSettings(method="lora", epochs=1.0)})
    tight = effort_of(replace(small, manifest=manifest), alice, replace(machine, memory_bytes=500_000_000))
    roomy = effort_of(replace(small, manifest=manifest), alice, replace(machine, memory_bytes=64_000_000_000))
    assert tight is not None
    assert tight.problem is not None
    assert roomy is not None

    assert ("HP-X02", None, None) == (tight.problem.code, roomy.problem, roomy.time)


def test_a_gpu_s_own_memory_counts_where_there_is_one(
    small: Release, alice: RemoteHub, machine: Machine
) -> None:
    """As nvidia-smi writes it."""
    manifest = small.manifest.model_copy(update={"train": TrainSettings(epochs=1.0)})
    effort = effort_of(replace(small, manifest=manifest), alice, replace(machine, gpus=("A GPU, 40960 MiB",)))
    assert effort is not None

    assert ("GPU", 40960 * 2**20) == (effort.place, effort.held_bytes)
