"""Results files as lm-evaluation-harness 0.4.13 writes them (layout as measured); what must not travel is planted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SECRETS = ("anna", "gpu-box-7", "/home", "1796134476")


def results(**changes: Any) -> dict[str, Any]:
    """Two tasks, one of them a group of two, on 100 of 1,000 questions each; `changes` replace top-level keys."""
    tasks = ("where", "who", "say")
    return {
        "results": {
            "where": {
                "name": "where",
                "alias": "where",
                "sample_len": 100,
                "acc,none": 0.25,
                "acc_stderr,none": 0.0435,
                "acc_norm,none": 0.75,
                "acc_norm_stderr,none": "N/A",
            },
            "both": {"name": "both", "alias": "both", "acc,none": 0.5, "acc_stderr,none": 0.0354},
            "who": {"name": "who", "alias": " - who", "acc,none": 0.4, "acc_stderr,none": 0.049},
            "say": {
                "name": "say",
                "alias": " - say",
                "acc,none": 0.6,
                "perplexity,none": 12.5,
                "exact_match,strict-match": 0.125,
                "exact_match_stderr,strict-match": 0.033,
            },
        },
        "group_subtasks": {"both": ["who", "say"]},
        "configs": {
            "where": {"task": "where", "dataset_path": "acme/where", "num_fewshot": 0},
            "who": {
                "task": "who",
                "dataset_path": "json",
                "dataset_kwargs": {"data_files": "/home/anna/who.jsonl"},
            },
        },
        "versions": {"where": 2.0, "both": "1.0", "who": 1.0, "say": 1.0},
        "n-shot": dict.fromkeys((*tasks, "both"), 5),
        "higher_is_better": {
            "where": {"acc": True, "acc_norm": True},
            "both": {"acc": True, "perplexity": False},
            "who": {"acc": True},
            "say": {"acc": True, "perplexity": False, "exact_match": True},
        },
        "n-samples": {name: {"original": 1000, "effective": 100} for name in tasks},
        "config": {
            "model": "hf",
            "model_args": {"pretrained": "/home/anna/merged", "dtype": "float32"},
            "model_num_parameters": 1000,
            "model_revision": "main",
            "device": "gpu-box-7:0",
            "limit": 100.0,
        },
        "date": 1796134476.8995452,
        "pretty_env_info": "gpu-box-7",
        "transformers_version": "5.24.0",
        "lm_eval_version": "0.4.13",
        "model_name": "/home/anna/merged",
        "system_instruction": None,
        "chat_template": "{{ messages }}",
        **changes,
    }


def scored(value: float, *, task: str = "where", better: bool = True, **changes: Any) -> dict[str, Any]:
    """One task, one metric."""
    return results(
        **{
            "results": {task: {"alias": task, "acc,none": value, "acc_stderr,none": 0.01}},
            "group_subtasks": {task: []},
            "higher_is_better": {task: {"acc": better}},
            **changes,
        }
    )


def named(model: str, *, peft: str | None = None, parameters: int = 1000) -> dict[str, Any]:
    """`config` of a model that was named in this way."""
    arguments = {"pretrained": model, **({"peft": peft} if peft else {})}
    return {"config": {"model": "hf", "model_args": arguments, "model_num_parameters": parameters}}


def write(file: Path, content: dict[str, Any]) -> Path:
    """The file, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return file
