"""Several sources for one training, axolotl's settings among them: they agree, or the release stops."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from imported_files import ARGUMENTS, AXOLOTL, LOG, STATE, told, write

from publisher.errors import HubpubError
from publisher.evidence.imported.run import read_run, refuse_other_adapter
from publisher.records.facts import Fact, Facts, FileSource, Json


def _held(**values: Json) -> Facts:
    source = FileSource("evidence/train.json", "0" * 64)
    return Facts(
        Fact(f"adapter.{name}", value, None, "known", "train", source) for name, value in values.items()
    )


def _refused(folder: Path, *names: str) -> HubpubError:
    with pytest.raises(HubpubError) as caught:
        read_run(folder, names)
    return caught.value


def test_axolotl_settings_are_ours_under_other_names(tmp_path: Path) -> None:
    """Hub datasets by id; of the author's own files, only how many."""
    write(tmp_path, "config.yml", AXOLOTL)

    assert {
        "base_model": "NousResearch/Meta-Llama-3-8B",
        "batch_size": 2,
        "datasets": ["teknium/GPT4-LLM-Cleaned"],
        "epochs_planned": 3,
        "gradient_accumulation": 4,
        "learning_rate": 0.0002,
        "local_datasets": 1,
        "lora.alpha": 4,
        "lora.dropout": 0.05,
        "lora.r": 2,
        "lora.target_modules": ["k_proj", "o_proj", "q_proj", "v_proj"],
        "max_length": 2048,
        "method": "qlora",
        "optimizer": "paged_adamw_8bit",
        "packing": True,
        "quantization": "4-bit",
        "schedule": "cosine",
    } == told(tmp_path, "config.yml")


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("lora_r: 2", "lora_r: two", 13, "lora_r in config.yml is 'two', where a number belongs"),
        ("lora_r: 2", "lora_r: 2\n  x: [", 14, "is not YAML"),
        ("lora_r: 2", "lora_r: 2\nlora_r: 3", 14, "is not YAML"),
    ],
)
def test_a_malformed_configuration_is_refused_at_its_line(
    tmp_path: Path, old: str, new: str, line: int, what: str
) -> None:
    file = write(tmp_path, "config.yml", AXOLOTL.replace(old, new))
    refusal = _refused(tmp_path, "config.yml")

    assert ("HP-A08", f"{file}:{line}") == (refusal.code, refusal.where)
    assert what in refusal.what


def test_a_base_on_the_trainers_disk_is_not_told(tmp_path: Path) -> None:
    write(tmp_path, "config.yml", AXOLOTL.replace("NousResearch/Meta-Llama-3-8B", "/home/anna/llama"))

    assert "base_model" not in told(tmp_path, "config.yml")


def test_two_sources_that_differ_stop_with_both_values_and_both_files(tmp_path: Path) -> None:
    """One of them is of another run; which, only their author knows."""
    write(tmp_path, "args.json", {**ARGUMENTS, "learning_rate": 0.0001})
    write(tmp_path, "config.yml", AXOLOTL)
    refusal = _refused(tmp_path, "config.yml", "args.json")

    assert "HP-A09" == refusal.code
    assert "train.learning_rate is 0.0002 in config.yml and 0.0001 in args.json" == refusal.what


def test_logs_of_one_run_are_put_together_and_of_two_runs_refused(tmp_path: Path) -> None:
    """Trackers write the same float with fewer digits; another loss at the same step is another run."""
    rows = [
        {"_step": n, "train/global_step": row["step"], "train/loss": row["loss"] * (1 + 1e-9)}
        for n, row in enumerate(LOG)
        if "loss" in row
    ]
    state = copy.deepcopy(STATE)
    state["log_history"] = [LOG[0], LOG[3]]
    write(tmp_path, "trainer_state.json", state)
    write(tmp_path, "history.json", rows)
    together = told(tmp_path, "trainer_state.json", "history.json")
    rows[2]["train/loss"] = 1.25
    write(tmp_path, "history.json", rows)

    assert [10, 20, 30] == [row["step"] for row in together["log"]]
    assert (0.5, 1.5) == (together["log"][2]["grad_norm"], together["final_loss"])
    refusal = _refused(tmp_path, "trainer_state.json", "history.json")
    assert "HP-A09" == refusal.code
    assert "train.log at step 30, loss is 1.5 in trainer_state.json and 1.25 in history.json" == refusal.what


def test_a_log_that_counts_entries_says_nothing_beside_one_that_counts_steps(tmp_path: Path) -> None:
    """Entry 1 of a tracker is not step 1 of the optimizer."""
    write(tmp_path, "trainer_state.json", STATE)
    write(tmp_path, "chart.csv", '"Step","run - train/loss"\n0,2.5\n1,1.75\n2,1.5\n')
    found = told(tmp_path, "chart.csv", "trainer_state.json")

    assert ([10, 20, 30], "optimizer steps") == ([row["step"] for row in found["log"]], found["log_counts"])


@pytest.mark.parametrize(
    ("held", "what"),
    [
        ({"r": 16, "alpha": 4}, "train.lora.r is 2 in config.yml and 16 in the adapter's own configuration"),
        ({"r": 2, "alpha": 32}, "train.lora.alpha is 4 in config.yml and 32"),
        ({"target_modules": ["q_proj"]}, "train.lora.target_modules is"),
    ],
)
def test_settings_of_another_adapter_are_refused(tmp_path: Path, held: dict[str, Json], what: str) -> None:
    """A configuration from another run is the commonest mistake of a hand-written card."""
    write(tmp_path, "config.yml", AXOLOTL)
    run = read_run(tmp_path, ["config.yml"])
    with pytest.raises(HubpubError) as caught:
        refuse_other_adapter(run, _held(**held))

    assert "HP-A09" == caught.value.code
    assert what in caught.value.what


def test_settings_of_this_adapter_pass(tmp_path: Path) -> None:
    write(tmp_path, "config.yml", AXOLOTL)
    modules = ["q_proj", "k_proj", "v_proj", "o_proj"]

    refuse_other_adapter(read_run(tmp_path, ["config.yml"]), _held(r=2, alpha=4, target_modules=modules))
