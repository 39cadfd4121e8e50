"""What a person reads: first what it is, then what is wrong, then what to type."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from checks_samples import safetensors

from publisher.checks.run import check_card, check_folder
from publisher.checks.screen import Screen, to_text
from publisher.checks.source import FolderSource
from publisher.records.findings import Finding, Outcome, Recognised, Report, Severity, SkippedRule, Statement

FINDING = Finding("CARD005", Severity.WARNING, "placeholder text `X`", "README.md", 2, 3, "write it")
BARE = ("SNIP140", "SNIP141", "SNIP142")


def details(report: Report) -> dict[str, str]:
    return dict(report.recognised[0].details)


def adapter(folder: Path, modules: str, **settings: object) -> Path:
    """An adapter of those modules, a line each: name, size before, size after."""
    rank = 8
    config = {
        "peft_type": "LORA", "r": rank, "lora_alpha": 16, "lora_dropout": 0.05, "target_modules": ["q_proj"],
        "base_model_name_or_path": "google/gemma-2-2b-it",
    }  # fmt: skip
    lines = []
    for line in modules.splitlines():
        name, before, after = line.split()
        key = f"base_model.model.model.layers.{name}"
        lines += [f"{key}.lora_A.weight F32 {rank}x{before}", f"{key}.lora_B.weight F32 {after}x{rank} ones"]
    (folder / "adapter_config.json").write_text(json.dumps(config | settings), "utf-8")
    (folder / "adapter_model.safetensors").write_bytes(safetensors("\n".join(lines), {"format": "pt"}))
    return folder


def test_the_screen_says_what_it_is_what_is_wrong_and_what_to_type(tmp_path: Path) -> None:
    """Snapshot of what a person reads: the worst finding first, however the file orders them."""
    (tmp_path / "README.md").write_text("# A\n- X is here\nlast\n", "utf-8")
    error = Finding("META010", Severity.ERROR, "no licence", "README.md", 3, hint="add one", fixable=True)
    seen = Recognised("here", "adapter", "a LoRA adapter", (("settings", "rank 8"),))
    skipped = (
        *(SkippedRule(code, "only a card was given") for code in BARE),
        SkippedRule("WGT042", "no shard index", missing=True),
        SkippedRule("META011", "README.md:2 ignored by its author: agreed"),
        SkippedRule("SNIP152", "give --run-code"),
    )
    report = Report("here", (FINDING, error), skipped, recognised=(seen,), baselined=4)

    assert (
        "here: a LoRA adapter\n"
        "  settings  rank 8\n"
        "\n"
        "error[META010]: no licence\n"
        "  --> README.md:3\n"
        "  |\n"
        "3 | last\n"
        "  hint: add one (--fix does it)\n"
        "\n"
        "warning[CARD005]: placeholder text `X`\n"
        "  --> README.md:2:3\n"
        "  |\n"
        "2 | - X is here\n"
        "  |   ^\n"
        "  hint: write it\n"
        "\n"
        "here: 1 error, 1 warning; 4 more in old.json\n"
        "  fixable   1: hubpub check here --fix\n"
        "  unchecked 3 rules: only a card was given\n"
        "            SNIP152: give --run-code\n"
        "  not here  WGT042: no shard index\n"
        "  ignored   META011: README.md:2 ignored by its author: agreed\n"
    ) == to_text(report, FolderSource(tmp_path), Screen(fix="hubpub check here --fix", baseline="old.json"))


def test_the_codes_of_a_long_list_are_shown_on_demand_only() -> None:
    """Fifty-five codes in a row hide the one line that matters."""
    report = Report("here", (), tuple(SkippedRule(code, "only a card was given") for code in BARE))

    assert "SNIP141" not in to_text(report)
    assert "3 rules (SNIP140, SNIP141, SNIP142): only a card was given" in to_text(
        report, screen=Screen(verbose=True)
    )


def test_many_reasons_are_cut_and_counted() -> None:
    """And every rule is in the count: none is silently passed."""
    skipped = tuple(SkippedRule(f"WGT{n:03}", f"reason {n}") for n in range(9))
    text = to_text(Report("here", (), skipped))

    assert "  unchecked WGT000: reason 0\n" in text
    assert "            4 rules for 4 other reasons (-v lists them)\n" in text
    assert "reason 8" in to_text(Report("here", (), skipped), screen=Screen(verbose=True))


def test_a_statement_that_a_finding_has_told_is_not_told_twice() -> None:
    """The seed card's longest message stood there two times."""
    statement = Statement("README.md:2 layers", "42", None, Outcome.FAILS, FINDING.message)
    report = Report("here", (FINDING,), statements=(statement,))

    assert "  ✗ README.md:2 layers: 42 (CARD005 above)\n" in to_text(report)
    assert 1 == to_text(report).count(FINDING.message)


def test_colour_changes_no_word(tmp_path: Path) -> None:
    """What is copied out of a terminal is the same as what is in a log."""
    (tmp_path / "README.md").write_text("# A\n- X is here\n", "utf-8")
    report = Report("here", (FINDING,), (SkippedRule("WGT042", "none", missing=True),), recognised=(
        Recognised("here", "card", "a card", (("base", "x"),)),
    ))  # fmt: skip
    plain = to_text(report, FolderSource(tmp_path))
    coloured = to_text(report, FolderSource(tmp_path), Screen(colour=True))

    assert "\x1b[1;33mwarning[CARD005]\x1b[0m" in coloured
    assert plain == re.sub(r"\x1b\[[0-9;]*m", "", coloured)


def test_an_adapter_is_told_with_its_settings_and_whether_it_fits_its_base(tmp_path: Path) -> None:
    """The first thing that a colleague would look at."""
    report = check_folder(adapter(tmp_path, "0.self_attn.q_proj 2304 2048\n25.self_attn.o_proj 2048 2304"))

    assert ("adapter", "a LoRA adapter") == (report.recognised[0].kind, report.recognised[0].title)
    assert {
        "settings": "rank 8, alpha 16 (a factor of 2), dropout 0.05",
        "targets": "q_proj",
        "weights": "4 tensors, 69,632 parameters in F32, 278.5 kB",
        "base": "google/gemma-2-2b-it: all 2 modules compared have the shapes of gemma-2-2b",
    } == details(report)


def test_an_adapter_of_another_size_does_not_fit(tmp_path: Path) -> None:
    """Loading it would fail, or worse."""
    wide = check_folder(adapter(tmp_path, "0.self_attn.q_proj 3584 4096\n1.self_attn.q_proj 2304 2048"))
    deep = check_folder(adapter(tmp_path, "26.self_attn.q_proj 2304 2048"))
    tower = check_folder(adapter(tmp_path, "0.vision_tower.q_proj 1152 1152"))

    assert (
        "google/gemma-2-2b-it: 1 of 2 modules do not have the shapes of gemma-2-2b, "
        "model.layers.0.self_attn.q_proj first"
    ) == details(wide)["base"]
    assert details(deep)["base"].endswith("layer 26 is adapted, and gemma-2-2b has 26 layers")
    assert details(tower)["base"].endswith("no module whose shape is known here")


def test_what_cannot_be_told_of_an_adapter_is_said(tmp_path: Path) -> None:
    """A base of one's own is no fault."""
    unknown = check_folder(
        adapter(tmp_path, "0.q_proj 8 8", base_model_name_or_path="me/mine", use_rslora=True, r=4)
    )
    (tmp_path / "adapter_model.safetensors").unlink()
    missing = check_folder(tmp_path)

    assert "me/mine: its shapes are not known here" == details(unknown)["base"]
    assert "rank 4, alpha 16 (a factor of 8), dropout 0.05, rsLoRA" == details(unknown)["settings"]
    assert "unknown: no safetensors file" == details(missing)["weights"]


def test_weights_are_told_with_parameters_types_and_shards(tmp_path: Path) -> None:
    """Packed numbers are not parameters, and are not called so."""
    config = {"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 26, "hidden_size": 2304}
    card = "---\nlicense: gemma\nbase_model: google/gemma-2-2b\n---\n# A\n"
    (tmp_path / "README.md").write_text(card, "utf-8")
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(safetensors("a F32 2x2\nb BF16 4"))
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(safetensors("c F32 3"))
    whole = check_folder(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(safetensors("c U8 3"))
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 42}), "utf-8")
    packed = check_folder(tmp_path)

    assert "a model, LlamaForCausalLM" == whole.recognised[0].title
    assert {
        "licence": "gemma",
        "base": "google/gemma-2-2b: layers and hidden size are those of gemma-2-2b",
        "weights": "3 tensors, 11 parameters in F32 and BF16, 36 bytes, 2 files",
    } == details(whole)
    assert (
        "google/gemma-2-2b: config.json has 42 for layers, and gemma-2-2b has 26" == details(packed)["base"]
    )
    assert "11 numbers, packed ones among them, in F32, BF16 and U8" in details(packed)["weights"]


def test_a_dataset_is_told_with_rows_and_files(tmp_path: Path) -> None:
    """Rows as the card counts them, where no footer tells."""
    (tmp_path / "README.md").write_text(
        "---\nlicense: mit\ndataset_info:\n  splits:\n  - name: train\n    num_examples: 1200\n"
        "  - name: test\n    num_examples: 34\n---\n# A\n",
        "utf-8",
    )
    (tmp_path / "train.jsonl").write_text('{"a": 1}\n', "utf-8")

    report = check_folder(tmp_path)

    assert "dataset" == report.recognised[0].kind
    assert {
        "rows": "1,234 by its card (train 1,200, test 34)",
        "data": "1 file (1 jsonl), 9 bytes",
    } == details(report)


def test_a_card_alone_is_said_to_be_one_with_a_base_that_does_not_exist(tmp_path: Path) -> None:
    """Else its reader would think that the files had been looked at."""
    path = tmp_path / "README.md"
    path.write_text("---\nlicense: mit\n---\n- **Base model**: google/gemma-2-12b-it\n", "utf-8")

    seen = check_card(path).recognised[0]

    assert ("card", "a card alone, without the files of its repo") == (seen.kind, seen.title)
    assert {"licence": "mit", "base": "google/gemma-2-12b: there is no such size"} == dict(seen.details)


def test_what_is_recognised_carries_no_escape_sequence(tmp_path: Path) -> None:
    """A configuration may be a stranger's."""
    adapter(tmp_path, "0.q_proj 8 8", base_model_name_or_path="me/\x1b[2Jmine", peft_type="\x1b[2J")

    report = check_folder(tmp_path)

    assert "\x1b" not in to_text(replace(report, findings=()))


def test_absurd_numbers_in_a_strangers_files_end_no_check(tmp_path: Path) -> None:
    """JSON holds integers of thousands of digits; a header of an unknown type may claim any shape."""
    adapter(tmp_path, "0.q_proj 8 8", r=10**4000, lora_alpha=10**4000, lora_dropout=1e400)
    header = {"x": {"dtype": "Q9", "shape": [2**62] * 300, "data_offsets": [0, 0]}}
    raw = json.dumps(header).encode()
    (tmp_path / "adapter_model.safetensors").write_bytes(len(raw).to_bytes(8, "little") + raw)

    seen = details(check_folder(tmp_path, select=["META010"]))

    assert "settings" not in seen
    assert seen["weights"].startswith("1 tensor, 9,223,372,036,854,775,808 numbers")
