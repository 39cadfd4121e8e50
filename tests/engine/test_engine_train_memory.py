"""Advice on memory: with numbers, and in the order of what helps most."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from publisher.engine.jobs import Train
from publisher.engine.train_memory import advice_on, needs_of
from publisher.weights.describe import read_config
from publisher.weights.shape import ModelShape, shape_of_shards
from publisher.weights.shards import read_shards

pytestmark = pytest.mark.models


@pytest.fixture
def job(tiny_base: Path, tmp_path: Path) -> Train:
    return Train(
        base=str(tiny_base), data="", out=str(tmp_path), method="lora", r=8, alpha=8, dropout=0.0,
        target_modules=("q_proj", "v_proj"), learning_rate=1e-3, schedule="constant", warmup_ratio=0.0,
        batch_size=4, gradient_accumulation=2, max_grad_norm=1.0, steps=1, max_length=512, seed=1,
    )  # fmt: skip


def test_the_advice_names_settings_and_what_each_would_save(job: Train) -> None:
    advice = advice_on(job, gpu=True)
    assert advice is not None
    sizes = [float(size) for size in re.findall(r"takes ([\d.]+) MB less", advice.text)]

    assert "`batch_size: 1` with `gradient_accumulation: 8` (the same steps)" in advice.text
    assert "gradient_checkpointing" in advice.text
    assert 4 == len(sizes)
    assert sorted(sizes, reverse=True) == sizes
    assert all(1e6 * size < advice.bytes_needed for size in sizes)


def test_what_is_done_already_is_not_advised(job: Train) -> None:
    small = dataclasses.replace(job, batch_size=1, method="qlora", gradient_checkpointing=True, r=1)
    advice = advice_on(small, gpu=False)
    assert advice is not None

    assert "checkpointing" not in advice.text
    assert "batch_size" not in advice.text
    assert "lora: {r" not in advice.text


@pytest.fixture
def shape(tiny_base: Path) -> ModelShape:
    found = shape_of_shards(read_config(tiny_base), read_shards(tiny_base))
    assert found is not None
    return found


def test_the_adapter_s_share_is_that_of_its_matrices_and_of_adam_w(job: Train, shape: ModelShape) -> None:
    """Rank 8 on q (64 to 64) and v (64 to 32) of two layers; 16 bytes a parameter."""
    needs = needs_of(job, shape, gpu=False)

    assert 16 * 2 * 8 * ((64 + 64) + (64 + 32)) == needs.trained
    assert needs.total == needs.base + needs.trained + needs.batch + needs.program


def test_a_batch_costs_in_proportion_to_its_tokens(job: Train, shape: ModelShape) -> None:
    one, four = (
        needs_of(dataclasses.replace(job, batch_size=size), shape, gpu=False).batch for size in (1, 4)
    )

    assert 4 * one == four


def test_a_gpu_computes_a_4_bit_base_in_half_of_the_width(job: Train, shape: ModelShape) -> None:
    job = dataclasses.replace(job, method="qlora", gradient_checkpointing=False)
    gpu, cpu = (needs_of(job, shape, gpu=gpu).batch for gpu in (True, False))

    assert 0.5 * cpu < gpu < 0.75 * cpu
