"""What W&B and trackio hand out: histories by step or by entry, summaries, configurations."""

from __future__ import annotations

from pathlib import Path

import pytest
from imported_files import ARGUMENTS, told, write

from publisher.errors import HubpubError
from publisher.evidence.imported.run import read_run
from publisher.records.facts import Json

# transformers' callback files its entries under train/ and eval/, and says the optimizer's step beside.
WANDB_ROWS: list[dict[str, Json]] = [
    {
        "_step": 0,
        "_runtime": 3,
        "_timestamp": 1764000000.5,
        "train/loss": 2.5,
        "train/learning_rate": 2e-4,
        "train/global_step": 10,
    },
    {"_step": 1, "_runtime": 5, "_timestamp": 1764000002.5, "eval/loss": 1.9, "train/global_step": 10},
    {
        "_step": 2,
        "_runtime": 9,
        "_timestamp": 1764000006.5,
        "train/loss": 1.5,
        "train/learning_rate": 1e-5,
        "train/global_step": 20,
    },
    {
        "_step": 3,
        "_runtime": 9,
        "_timestamp": 1764000007.5,
        "train/train_loss": 2.0,
        "train/train_runtime": 9.5,
        "train/global_step": 20,
    },
]
WANDB_TOLD = {
    "eval_log": [{"step": 10, "eval_loss": 1.9}],
    "final_eval_loss": 1.9,
    "final_loss": 1.5,
    "first_loss": 2.5,
    "log": [{"step": 10, "loss": 2.5, "learning_rate": 2e-4}, {"step": 20, "loss": 1.5, "learning_rate": 1e-5}],
    "log_counts": "optimizer steps",
    "log_rows": 2,
    "mean_loss": 2.0,
    "seconds": 9.5,
    "steps": 20,
}  # fmt: skip
SUMMARY = {
    "_runtime": 9,
    "_step": 3,
    "_timestamp": 1764000007.5,
    "_wandb": {"runtime": 9},
    "train/loss": 1.5,
    "train/learning_rate": 0,
    "train/global_step": 20,
    "train/train_loss": 2.0,
    "train/train_runtime": 9.5,
}
CONFIG = """\
_wandb:
    value:
        cli_version: 0.19.1
        python_version: 3.11.4
learning_rate:
    desc: null
    value: 0.0002
per_device_train_batch_size:
    value: 8
output_dir:
    value: /home/anna/out
hub_token:
    value: hf_s3cr3t
peft_config:
    value:
        default:
            r: 2
            lora_alpha: 4
            target_modules:
                - v_proj
                - q_proj
            base_model_name_or_path: /home/anna/llama
"""


def _csv(rows: list[dict[str, Json]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [[str(n), *(str(row.get(column, "")) for column in columns)] for n, row in enumerate(rows)]
    return "\n".join(",".join(line) for line in [["", *columns], *lines]) + "\n"  # as pandas writes its index


def _columns(rows: list[dict[str, Json]]) -> Json:
    names = dict.fromkeys(column for row in rows for column in row)
    return {name: {str(n): row.get(name) for n, row in enumerate(rows)} for name in names}


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "columns.json"])
def test_a_history_is_read_in_every_form_that_wandb_gives_it(tmp_path: Path, form: str) -> None:
    """`run.history().to_csv()`, `.to_json()`, and rows of `run.scan_history()` as a list or a line each."""
    import json

    lines = "\n".join(json.dumps(row) for row in WANDB_ROWS)
    content = {
        "csv": _csv(WANDB_ROWS),
        "json": WANDB_ROWS,
        "jsonl": lines,
        "columns.json": _columns(WANDB_ROWS),
    }
    write(tmp_path, f"history.{form}", content[form])

    assert WANDB_TOLD == told(tmp_path, f"history.{form}")


def test_a_summary_tells_how_the_run_ended_and_not_what_came_last(tmp_path: Path) -> None:
    """Its learning rate is that of the last step, which is no setting of the training."""
    write(tmp_path, "wandb-summary.json", SUMMARY)

    assert {"mean_loss": 2.0, "seconds": 9.5, "steps": 20} == told(tmp_path, "wandb-summary.json")


def test_a_configuration_is_taken_by_the_same_allow_list(tmp_path: Path) -> None:
    """It holds all of the Trainer's arguments, the model's configuration, and the adapter's."""
    write(tmp_path, "config.yaml", CONFIG)

    assert {
        "batch_size": 8,
        "learning_rate": 0.0002,
        "lora.alpha": 4,
        "lora.r": 2,
        "lora.target_modules": ["q_proj", "v_proj"],
    } == told(tmp_path, "config.yaml")


CHART = """\
"Step","anna-on-gpu-box-7 - train/loss","anna-on-gpu-box-7 - train/loss__MIN","anna-on-gpu-box-7 - train/loss__MAX"
"0","2.5","2.5","2.5"
"1","NaN","",""
"2","1.5","1.4","1.6"
"""


def test_a_chart_counts_entries_and_does_not_name_its_run(tmp_path: Path) -> None:
    """Its steps are not the optimizer's, so nothing is said of how many those were."""
    write(tmp_path, "wandb_export.csv", CHART)

    assert {
        "final_loss": 1.5,
        "first_loss": 2.5,
        "log": [{"step": 0, "loss": 2.5}, {"step": 1, "loss": None}, {"step": 2, "loss": 1.5}],
        "log_counts": "log entries",
        "log_not_finite": {"loss": 1},
        "log_rows": 3,
    } == told(tmp_path, "wandb_export.csv")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('"Step","a - train/loss","b - train/loss"\n1,2,3\n', 1, "holds several runs"),
        ("_step,train/loss\n0,2.5\n1,2.5,9\n", 3, "has 3 cells where its header has 2"),
        ('_step,train/loss\n0,"2.5\n', 2, "is not CSV"),
        ("_step,train/loss\n0,2.5\n1,low\n", 3, "loss in h.csv is 'low', where a number belongs"),
    ],
)
def test_a_table_that_cannot_be_told_is_refused_at_its_line(
    tmp_path: Path, text: str, line: int, what: str
) -> None:
    file = write(tmp_path, "h.csv", text)
    with pytest.raises(HubpubError) as caught:
        read_run(tmp_path, ["h.csv"])

    assert ("HP-A08", f"{file}:{line}") == (caught.value.code, caught.value.where)
    assert what in caught.value.what


TRACKIO_RUN = {
    "project": "s3cr3t",
    "run": "anna-1",
    "num_logs": 3,
    "metrics": ["train/loss"],
    "config": {**ARGUMENTS, "_Username": "anna", "_Created": "2026-01-01T00:00:00", "_Group": None},
    "last_step": 2,
}


def test_trackio_tells_settings_and_one_metric_a_file(tmp_path: Path) -> None:
    """`trackio get run --json` and `trackio get metric --json`: the steps count what was logged."""
    metrics: dict[str, list[Json]] = {"train/loss": [2.5, 1.5], "train/learning_rate": [2e-4, 1e-5]}
    for name, values in metrics.items():
        rows = [{"step": n, "timestamp": "2026-01-01T00:00:00", "value": v} for n, v in enumerate(values)]
        document = {"project": "s3cr3t", "run": "anna-1", "metric": name, "values": rows}
        write(tmp_path, f"{name.partition('/')[2]}.json", document)
    write(tmp_path, "run.json", TRACKIO_RUN)
    found = told(tmp_path, "run.json", "loss.json", "learning_rate.json")

    assert (0.0002, 8, "cosine") == (found["learning_rate"], found["batch_size"], found["schedule"])
    assert ([2.5, 1.5], "log entries") == ([row["loss"] for row in found["log"]], found["log_counts"])
    assert "steps" not in found


@pytest.mark.parametrize("name", ["rows.json", "rows.csv"])
def test_trackio_rows_say_the_optimizers_step_where_the_trainer_logged_it(tmp_path: Path, name: str) -> None:
    rows: list[dict[str, Json]] = [
        {"step": 0, "timestamp": "2026-01-01T00:00:00", "train/loss": 2.5, "train/global_step": 10},
        {"step": 1, "timestamp": "2026-01-01T00:00:01", "train/loss": 1.5, "train/global_step": 20},
    ]
    write(tmp_path, name, rows if name.endswith("json") else _csv(rows))
    found = told(tmp_path, name)

    assert ([{"step": 10, "loss": 2.5}, {"step": 20, "loss": 1.5}], "optimizer steps") == (
        found["log"],
        found["log_counts"],
    )
