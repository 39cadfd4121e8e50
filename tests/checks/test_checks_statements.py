"""Statements over folders: merged and quantized weights, odd evidence, and what a Hub was asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checks_samples import safetensors

from publisher.checks.observe.statements import Elsewhere
from publisher.checks.observe.target import RepoView
from publisher.checks.registry import choose
from publisher.checks.report import to_json
from publisher.checks.run import check_folder, check_view
from publisher.checks.screen import Screen, to_text
from publisher.checks.source import FolderSource
from publisher.records.findings import Outcome, Report, Severity, together

LLAMA = {"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 1, "tie_word_embeddings": True}
PLAIN = "model.embed_tokens.weight BF16 10x8\nlm_head.weight BF16 10x8\nmodel.layers.0.mlp.up_proj.weight BF16 8x8"
NF4 = """\
model.embed_tokens.weight BF16 10x8
model.layers.0.mlp.up_proj.weight U8 32x1
model.layers.0.mlp.up_proj.weight.absmax U8 1
model.layers.0.mlp.up_proj.weight.quant_map F32 16
model.layers.0.mlp.up_proj.weight.nested_absmax F32 1
model.layers.0.mlp.up_proj.weight.nested_quant_map F32 256
model.layers.0.mlp.up_proj.weight.quant_state.bitsandbytes__nf4 U8 80
"""


def write(folder: Path, facts: dict[str, Any], **files: Any) -> Path:
    """A repo with facts that were stated by hand."""
    listed = [
        {"id": name, "value": value, "status": "known", "source": {"stated": "by hand"}}
        for name, value in facts.items()
    ]
    files["evidence/facts.json"] = {"schema": "hubpub/facts/1", "facts": listed}
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        raw = json.dumps(content).encode() if isinstance(content, dict) else content
        file.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return folder


def outcomes(report: Report) -> dict[str, tuple[Outcome, Any]]:
    return {each.fact: (each.status, each.found) for each in report.statements}


def test_merged_weights_are_told_from_the_base_by_the_card(tmp_path: Path) -> None:
    """Both are whole models, and each has facts of its own; a tied head that is stored all the same counts once."""
    facts = {
        "base.repo": "acme/base",
        "merged.parameters": 144,
        "merged.tensors": 3,
        "merged.dtype": "bfloat16",
    }
    files = {"config.json": LLAMA, "model.safetensors": safetensors(PLAIN)}
    write(
        tmp_path,
        facts | {"base.parameters": 99},
        **files,
        **{"README.md": "---\nbase_model: acme/base\n---\n"},
    )
    found = outcomes(check_folder(tmp_path))

    assert (Outcome.HOLDS, 144) == found["merged.parameters"]
    assert {Outcome.HOLDS} == {found[f"merged.{fact}"][0] for fact in ("tensors", "dtype")}
    assert (Outcome.UNKNOWN, None) == found["base.parameters"], "the base's own weights are elsewhere"


def test_shards_are_counted_together_and_what_lies_beside_them_is_not(tmp_path: Path) -> None:
    """The index says which files are the model."""
    names = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    weight_map = {"a": names[0], "b": names[1]}
    write(
        tmp_path,
        {"base.parameters": 80, "base.size_bytes": 1},
        **{
            "config.json": LLAMA,
            "model.safetensors.index.json": {"metadata": {}, "weight_map": weight_map},
            names[0]: safetensors("a F32 8x8"),
            names[1]: safetensors("b F32 4x4"),
            "extra.safetensors": safetensors("c F32 2x2"),
        },
    )
    found = outcomes(check_folder(tmp_path))
    size = sum((tmp_path / name).stat().st_size for name in names)

    assert ((Outcome.HOLDS, 80), (Outcome.FAILS, size)) == (
        found["base.parameters"],
        found["base.size_bytes"],
    )


def test_quantized_weights_are_counted_as_what_they_were(tmp_path: Path) -> None:
    """Two parameters share a byte, and the tables beside them are none."""
    quantized = {
        "quant_method": "bitsandbytes",
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_compute_dtype": "bfloat16",
    }
    facts = {
        "nf4.parameters": 144, "nf4.quantized_layers": 1, "nf4.double_quant": False,
        "nf4.compute_dtype": "bfloat16", "base.layers": 1, "nf4.skipped_modules": [],
    }  # fmt: skip
    write(
        tmp_path,
        facts,
        **{"config.json": LLAMA | {"quantization_config": quantized}, "model.safetensors": safetensors(NF4)},
    )
    found = outcomes(check_folder(tmp_path))

    assert {Outcome.HOLDS} == {
        found[f"nf4.{fact}"][0] for fact in ("parameters", "quantized_layers", "compute_dtype")
    }
    assert (Outcome.FAILS, True) == found["nf4.double_quant"]
    assert (Outcome.HOLDS, 1) == found["base.layers"]
    assert Outcome.UNKNOWN is found["nf4.skipped_modules"][0]


def test_damaged_weights_tell_nothing(tmp_path: Path) -> None:
    """A number that was counted from half a file is neither right nor wrong."""
    write(
        tmp_path,
        {"base.parameters": 1},
        **{"config.json": LLAMA, "model.safetensors": safetensors(PLAIN)[:-4]},
    )

    assert (Outcome.UNKNOWN, None) == outcomes(check_folder(tmp_path))["base.parameters"]


def test_a_split_that_is_stated_and_not_there_has_no_rows(tmp_path: Path) -> None:
    """Else a test split could be promised and never uploaded."""
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    facts = {"dataset.train.rows": 3, "dataset.test.rows": 5, "dataset.columns": ["b"]}
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "data" / "train-00000-of-00001.parquet")
    found = outcomes(check_folder(write(tmp_path, facts)))

    assert (Outcome.HOLDS, 3) == found["dataset.train.rows"]
    assert (Outcome.FAILS, 0) == found["dataset.test.rows"]
    assert (Outcome.FAILS, ["a"]) == found["dataset.columns"]


def test_data_that_is_no_parquet_leaves_its_numbers_unknown(tmp_path: Path) -> None:
    """The footer of a stranger's file may say anything."""
    for content in (b"", b"PAR1", b"PAR1" + b"\xff" * 4 + b"PAR1", b"x" * 100 + b"\x10\0\0\0PAR1"):
        files = {"data/train-00000-of-00001.parquet": content}
        found = outcomes(check_folder(write(tmp_path, {"dataset.rows": 1}, **files)))

        assert (Outcome.UNKNOWN, None) == found["dataset.rows"]


def test_true_is_not_one_and_an_author_s_word_stays_his_word(tmp_path: Path) -> None:
    """JSON's `1` for a flag is a slip; what nothing can prove is told as stated."""
    files = {"config.json": LLAMA, "model.safetensors": safetensors(PLAIN)}
    report = check_folder(write(tmp_path, {"base.tied_embeddings": 1, "train.device": "A100"}, **files))
    said = {each.fact: each.reason for each in report.statements}

    assert (Outcome.FAILS, True) == outcomes(report)["base.tied_embeddings"]
    assert "its author says so: by hand" == said["train.device"]


def test_no_size_form_or_word_of_the_evidence_stops_a_check(tmp_path: Path) -> None:
    """The file is a stranger's."""
    odd: list[Any] = [
        [], {"facts": 3}, {"facts": [3]}, {"facts": [{"id": 4}]},
        {"facts": [{"id": "adapter.r", "value": {}, "status": "known", "source": {"path": 3, "sha256": []}}]},
        {"facts": [{"id": "base.architecture", "value": 1, "status": "known",
                    "source": {"path": "../../etc/passwd", "sha256": "x", "pointer": "/a/0/~2"}}]},
        {"facts": [{"id": "x", "value": 1, "status": "known",
                    "source": {"path": "config.json", "sha256": "x", "pointer": "/architectures/99999999999999999999"}}]},
    ]  # fmt: skip
    configs: list[dict[str, Any]] = [{"architectures": 5}, {"architectures": "x", "text_config": []}, LLAMA]
    for document in odd:
        for config in configs:
            for name in ("config.json", "adapter_config.json"):
                folder = tmp_path / "repo"
                write(folder, {}, **{name: config | {"target_modules": 4, "quantization_config": []}})
                (folder / "evidence" / "facts.json").write_text(json.dumps(document))
                (folder / "evidence" / "tensors.json").write_text(
                    json.dumps({"tensors": {"a": 1, "b": {"shape": [{}]}}})
                )
                (folder / "model.safetensors").write_bytes(safetensors("a F32 1x1"))
                report = check_folder(folder)
                to_text(report, screen=Screen(verbose=True))
                json.dumps(to_json(report))

                assert "passwd" not in {
                    each.found for each in report.statements if isinstance(each.found, str)
                }


def test_a_base_that_its_hub_does_not_have_is_a_warning_and_on_a_rehearsal_unknown(tmp_path: Path) -> None:
    """A private base looks like none, so it is no error; an embedded Hub has no bases but those that were put there."""
    (tmp_path / "README.md").write_text("---\nlicense: mit\nbase_model: acme/bsae\n---\n# A\n")
    reports = {
        there: check_view(
            RepoView(FolderSource(tmp_path), Elsewhere("https://hub.example", {"acme/bsae": there})),
            choose(["CLAIM140"]),
            "x",
        )
        for there in (True, False, None)
    }

    status = {there: outcomes(report)["README.md:3 base_model"][0] for there, report in reports.items()}
    assert {True: Outcome.HOLDS, False: Outcome.FAILS, None: Outcome.UNKNOWN} == status
    assert [Severity.WARNING] == [finding.severity for finding in reports[False].findings]
    assert () == reports[True].findings + reports[None].findings


def test_a_card_without_evidence_is_held_against_its_files(tmp_path: Path) -> None:
    """Most repos have no evidence; their cards state numbers all the same. --select leaves none of them out."""
    config = {"peft_type": "LORA", "r": 8, "lora_alpha": 16}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    (tmp_path / "README.md").write_text(
        "---\nlicense: mit\n---\n## LoRA\n\n- Rank: 64\n- LoRA alpha: 16\n- LoRA dropout: 0.1\n"
    )
    (tmp_path / "LICENSE").write_text(
        "MIT License\n\nPermission is hereby granted, free of charge, to any person\n"
    )
    found = outcomes(check_folder(tmp_path, select=["META"]))

    assert {
        "README.md:2 license": (Outcome.HOLDS, "mit"),
        "README.md:6 rank": (Outcome.FAILS, 8),
        "README.md:7 alpha": (Outcome.HOLDS, 16),
        "README.md:8 dropout": (Outcome.UNKNOWN, None),
    } == found


def test_target_modules_have_no_order(tmp_path: Path) -> None:
    """A training made elsewhere lists them as its own configuration did."""
    config = {"peft_type": "LORA", "target_modules": ["v_proj", "q_proj"]}
    facts = {
        "train.lora.target_modules": ["v_proj", "q_proj"],
        "adapter.target_modules": ["k_proj", "q_proj"],
    }
    found = outcomes(check_folder(write(tmp_path, facts, **{"adapter_config.json": config})))

    assert (Outcome.HOLDS, ["q_proj", "v_proj"]) == found["train.lora.target_modules"]
    assert (Outcome.FAILS, ["q_proj", "v_proj"]) == found["adapter.target_modules"]


def test_statements_of_several_targets_say_whose_they_are(tmp_path: Path) -> None:
    """`hubpub check NAME` checks every artifact of a release in one document."""
    reports = [check_folder(write(tmp_path / name, {"train.steps": 1}), target=name) for name in "ab"]

    assert ["a: train.steps", "b: train.steps"] == [each.fact for each in together(reports).statements]
