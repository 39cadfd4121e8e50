from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from publisher.engine.jobs import Train
from publisher.errors import HubpubError

pytestmark = pytest.mark.models
pytest.importorskip("torch")

from publisher.engine import chat, train  # noqa: E402
from publisher.engine.trainset import deal  # noqa: E402


@pytest.fixture
def job(tiny_base, tiny_data, tmp_path):
    """Six steps of LoRA with dropout: the random state matters."""
    return Train(
        base=str(tiny_base),
        data=str(tiny_data),
        out=str(tmp_path / "run"),
        method="lora",
        r=4,
        alpha=8,
        dropout=0.1,
        target_modules=("q_proj", "v_proj", "k_proj", "o_proj"),
        learning_rate=1e-2,
        schedule="cosine",
        warmup_ratio=0.1,
        batch_size=2,
        gradient_accumulation=2,
        max_grad_norm=1.0,
        steps=6,
        max_length=64,
        seed=3,
        base_repo="acme/tiny",
        base_revision="c" * 40,
    )


def facts(result):
    return {fact.id: fact.value for fact in result.measured}


def losses(result):
    return [row["loss"] for row in facts(result)["train.log"]]


def quiet(event):
    """No one listens."""


class Killed(Exception):
    """The process dies, as far as the loop can tell."""


def die_after(step):
    def emit(event):
        if event.get("step") == step and event["event"] == "step":
            raise Killed

    return emit


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_training_lowers_the_loss_and_writes_a_clean_adapter(job, method):
    """The adapter's configuration names the base's repo and revision, not a path of this machine."""
    result = train.run(dataclasses.replace(job, method=method), quiet)
    folder = Path(job.out) / "adapter"
    config = json.loads((folder / "adapter_config.json").read_text())

    assert losses(result)[-1] < 0.9 * losses(result)[0]
    expected = ("acme/tiny", "c" * 40, ["k_proj", "o_proj", "q_proj", "v_proj"], True)
    actual = tuple(
        config[key] for key in ("base_model_name_or_path", "revision", "target_modules", "inference_mode")
    )
    assert expected == actual
    assert ["adapter_config.json", "adapter_model.safetensors"] == sorted(os.listdir(folder))
    assert {0o644} == {file.stat().st_mode & 0o777 for file in folder.iterdir()}


def test_the_adapter_loads_in_peft_and_changes_what_it_was_trained_for(job, tiny_base):
    """Our own writing of the folder against peft's own reading."""
    from publisher.engine.load import load_adapter, load_model
    from publisher.weights.adapter import check_adapter

    train.run(job, quiet)
    adapter = Path(job.out) / "adapter"

    assert check_adapter(adapter, tiny_base) is None
    assert load_adapter(load_model(tiny_base), adapter).peft_config["default"].r == 4


def test_a_run_measures_every_fact_that_the_cards_may_quote(job):
    """docs/facts.md is the contract with cards; a fact that is missing there fails a release at its end."""
    table = (Path(train.__file__).parents[2] / "docs" / "facts.md").read_text()
    promised = {
        word.strip("`")
        for line in table.splitlines()
        if line.startswith(("| train |", "| train, or"))
        for word in line.split("|")[2].split()
        if word.startswith(("`train.", "`adapter."))
    } - {"train.versions.<package>"}

    assert set() == promised - set(facts(train.run(job, quiet)))


def test_the_counts_are_those_of_the_rows(job):
    """6 steps of 2 × 2 examples; LoRA of rank 4 on q, k, v, o of two layers of width 64."""
    measured = facts(train.run(job, quiet))

    expected = {"micro_batches": 12, "examples_seen": 24, "effective_batch_size": 4, "warmup_steps": 1}
    expected |= {"trainable_parameters": 2 * 4 * (2 * (64 + 64) + 2 * (64 + 32))}
    assert expected == {key: measured[f"train.{key}"] for key in expected}
    assert measured["train.total_parameters"] - measured["train.trainable_parameters"] > 90_000
    assert "transformers" in {key.rpartition(".")[2] for key in measured if key.startswith("train.versions.")}


@pytest.mark.parametrize("method", ["lora", "qlora"])
@pytest.mark.parametrize("killed_after", [1, 2, 5])
def test_a_killed_training_goes_on_and_gives_the_same_losses(job, tmp_path, method, killed_after):
    """Whether a run was disturbed must not be visible in its numbers, nor in its adapter."""
    job = dataclasses.replace(job, method=method)
    undisturbed = train.run(dataclasses.replace(job, out=str(tmp_path / "undisturbed")), quiet)
    with pytest.raises(Killed):
        train.run(job, die_after(killed_after))
    resumed = train.run(job, quiet)

    saved = (
        killed_after - 1 if killed_after % 2 else killed_after - 2
    )  # killed before the checkpoint was written
    assert saved == resumed.details["resumed_from_step"]
    assert losses(undisturbed) == losses(resumed)
    assert (saved > 0) is facts(resumed)["train.resumed"]
    first, second = (
        (tmp_path / name / "adapter" / "adapter_model.safetensors").read_bytes()
        for name in ("undisturbed", "run")
    )
    assert first == second


def test_a_finished_training_is_not_run_again(job):
    """A second call reads the last checkpoint and writes the same adapter."""
    first = train.run(job, quiet)
    second = train.run(job, quiet)

    assert (losses(first), 6) == (losses(second), second.details["resumed_from_step"])


def test_a_checkpoint_of_other_settings_is_not_gone_on_with(job):
    """Half a run with one rank and half with another is a model that no record describes."""
    with pytest.raises(Killed):
        train.run(job, die_after(5))
    events = []
    other = train.run(dataclasses.replace(job, learning_rate=5e-3), events.append)

    assert ("restart", 0) == (events[1]["event"], other.details["resumed_from_step"])


def test_sigterm_ends_a_training_at_a_checkpoint(job):
    """Ctrl-C loses no finished step, whatever `save_every` says."""

    def interrupt(event):
        if event.get("step") == 3:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(HubpubError) as caught:
        train.run(dataclasses.replace(job, save_every=100), interrupt)
    resumed = train.run(dataclasses.replace(job, save_every=100), quiet)

    assert ("HP-I01", 3, 3) == (
        caught.value.code,
        caught.value.data["step"],
        resumed.details["resumed_from_step"],
    )


def test_only_one_checkpoint_is_kept(job):
    """Optimizer states are twice the adapter's size."""
    train.run(job, quiet)

    assert ["step-000006"] == os.listdir(f"{job.out}/checkpoints")


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_checkpoint(job):
    """A NaN in the weights goes on for ever; the last good step is worth keeping."""
    with pytest.raises(HubpubError) as caught:
        train.run(dataclasses.replace(job, learning_rate=1e30, max_grad_norm=1e30, save_every=1), quiet)

    assert caught.value.code == "HP-E07"
    assert ["step-000001"] == os.listdir(f"{job.out}/checkpoints")


def test_a_long_example_is_refused_with_its_row(job):
    """Cutting it would teach the model to stop in the middle."""
    with pytest.raises(HubpubError) as caught:
        train.run(dataclasses.replace(job, max_length=8), quiet)

    assert ("HP-D04", 1) == (caught.value.code, caught.value.data["row"])
    assert caught.value.where.endswith("row 1")


@pytest.mark.parametrize(
    ("change", "code"),
    [({"schedule": "sawtooth"}, "HP-M10"), ({"target_modules": ("q_proj", "nonesuch")}, "HP-A05")],
)
def test_what_cannot_be_trained_is_refused_before_the_first_step(job, change, code):
    """peft is silent about a target that does not exist as long as another does."""
    with pytest.raises(HubpubError) as caught:
        train.run(dataclasses.replace(job, **change), quiet)

    assert caught.value.code == code


def test_accumulation_does_not_change_the_loss(job, tmp_path):
    """2 × 2 examples are 4 × 1 examples: the mean is over tokens, not over micro-batches."""
    job = dataclasses.replace(job, dropout=0.0, steps=2)
    one = train.run(
        dataclasses.replace(job, batch_size=4, gradient_accumulation=1, out=str(tmp_path / "a")), quiet
    )
    four = train.run(
        dataclasses.replace(job, batch_size=1, gradient_accumulation=4, out=str(tmp_path / "b")), quiet
    )

    assert losses(one) == pytest.approx(losses(four), rel=2e-2)  # sums in another order, in bfloat16


def test_every_epoch_deals_every_example_once_in_an_order_of_its_own():
    """An example that is dealt twice in an epoch is another one that is not."""
    stream = deal(5, 7, 0, 15)
    epochs = [stream[first : first + 5] for first in (0, 5, 10)]

    assert [[0, 1, 2, 3, 4]] * 3 == [sorted(epoch) for epoch in epochs]
    assert len({tuple(epoch) for epoch in epochs}) > 1
    assert stream[4:9] == deal(5, 7, 4, 5)


def test_the_rate_rises_from_more_than_nothing_and_falls(job):
    """A first step of rate zero is a step thrown away, and a tenth of a short run."""
    rates = [
        train.learning_rate(dataclasses.replace(job, steps=10, warmup_ratio=0.2), step) for step in range(10)
    ]

    assert rates[0] > 0
    assert max(rates) == rates[2] == job.learning_rate
    assert sorted(rates[2:], reverse=True) == rates[2:]


def test_only_the_answer_and_the_end_of_its_turn_are_learnt(tiny_base):
    """Loss on the prompt would teach the model to ask."""
    from publisher.engine.reader import load_reader
    from publisher.engine.rows import Row

    reader = load_reader(tiny_base)
    labels = reader.encode(Row.of("1+1=?", "2")).labels

    assert "2<|im_end|>" == reader.tokenizer.decode([label for label in labels if label != chat.IGNORED])


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_the_vision_tower_of_a_multimodal_base_is_left_alone(job, tiny_gemma, method):
    """Its layers have a q_proj as well; training it on text alone would be silent damage, and a wrong count."""
    from publisher.weights.lora import read_adapter

    result = train.run(dataclasses.replace(job, base=str(tiny_gemma), method=method, steps=1), quiet)
    adapter = read_adapter(Path(job.out) / "adapter")

    assert 7 * 4 == facts(result)["adapter.modules"]
    assert [] == [pair.module for pair in adapter.pairs if "vision" in pair.module]


def test_looking_at_held_out_rows_changes_nothing_of_a_training_in_4_bits(job, tmp_path):
    """On a CPU bitsandbytes rounds a layer's scales when it packs it for inference, and would train on with those."""
    job = dataclasses.replace(job, method="qlora", steps=2, batch_size=1)
    blind = train.run(dataclasses.replace(job, out=str(tmp_path / "blind")), quiet)
    seeing = train.run(dataclasses.replace(job, eval_every=1), quiet)

    assert losses(blind) == losses(seeing)


def test_the_adapter_has_the_weights_of_the_lowest_held_out_loss(job, tmp_path):
    """A training that goes too far must not cost the model that it had."""
    job = dataclasses.replace(job, learning_rate=0.5, schedule="constant", steps=4)
    result = train.run(dataclasses.replace(job, eval_every=1), quiet)
    measured = facts(result)
    best = measured["train.best_step"]
    until = dataclasses.replace(job, steps=best, out=str(tmp_path / "until"))
    train.run(until, quiet)
    first, second = (
        (tmp_path / name / "adapter" / "adapter_model.safetensors").read_bytes() for name in ("run", "until")
    )

    assert best < 4  # or this test shows nothing
    assert min(row["eval_loss"] for row in measured["train.eval_log"]) == measured["train.best_loss"]
    assert ([1, 2, 3, 4], 4) == (
        [row["step"] for row in measured["train.eval_log"]],
        measured["train.eval_rows"],
    )
    assert first == second
    assert {f"best-{best:06d}", "step-000004"} == set(os.listdir(f"{job.out}/checkpoints"))


def test_numbers_for_tensorboard_are_files_of_the_workspace(job):
    """Whoever watches trainings in TensorBoard finds every step there; nothing is sent anywhere."""
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    job = dataclasses.replace(job, steps=2, eval_every=2, report_to=("tensorboard",))
    result = train.run(job, quiet)
    events = event_accumulator.EventAccumulator(f"{job.out}/reports/tensorboard")
    events.Reload()

    assert losses(result) == pytest.approx([event.value for event in events.Scalars("train/loss")])
    assert [2] == [event.step for event in events.Scalars("train/eval_loss")]


def test_a_report_that_cannot_be_written_is_told_before_anything_is_loaded(job, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    events = []
    with pytest.raises(HubpubError) as caught:
        train.run(dataclasses.replace(job, report_to=("tensorboard",)), events.append)

    assert ("HP-E01", []) == (caught.value.code, events)
