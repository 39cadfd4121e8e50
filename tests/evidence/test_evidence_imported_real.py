"""A real Trainer on a model of a few numbers: what it writes today is what is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from imported_files import told

pytestmark = pytest.mark.models


def test_what_a_real_trainer_saves_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shapes in the other tests are copies; this one moves with transformers."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=16, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    torch.manual_seed(0)
    rows = [{"input_ids": [n % 16, 2, 3, 4], "labels": [n % 16, 2, 3, 4]} for n in range(8)]
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"),
        max_steps=4,
        per_device_train_batch_size=2,
        learning_rate=1e-3,
        logging_steps=2,
        eval_strategy="steps",
        eval_steps=2,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        hub_token="hf_s3cr3t",
        seed=3,
    )
    trainer = transformers.Trainer(
        transformers.LlamaForCausalLM(config), arguments, train_dataset=rows, eval_dataset=rows[:2]
    )
    trainer.train()
    trainer.save_state()
    (tmp_path / "out" / "training_args.json").write_text(arguments.to_json_string())
    history = json.loads((tmp_path / "out" / "trainer_state.json").read_text())["log_history"]
    losses = [row["loss"] for row in history if "loss" in row]
    found = told(tmp_path, "out")

    assert ([2, 4], losses) == ([r["step"] for r in found["log"]], [r["loss"] for r in found["log"]])
    assert (losses[-1], 4, 4) == (found["final_loss"], found["steps"], found["steps_planned"])
    assert (1e-3, 2, 3, "linear") == tuple(
        found[key] for key in ("learning_rate", "batch_size", "seed", "schedule")
    )
    assert [2, 4] == [row["step"] for row in found["eval_log"]]
    assert found["seconds"] > 0
    assert history[-1]["train_loss"] == found["mean_loss"]
