"""Adapters that PEFT itself writes: each of its silent faults is found on them, and the sound ones are quiet."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.checks.run import check_folder
from publisher.records.findings import Severity

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]
pytest.importorskip("peft")

import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

TOP = "base_model.model."
FAMILIES = ("ADPT", "WGT", "CFG", "TOK", "FILE", "SEC", "META")
BASE = "acme/tiny-model"
COMMIT = "96b6f1eccf38110c56df3a15bffe176da04bfd80"
CARD = f"""\
---
license: apache-2.0
library_name: peft
pipeline_tag: text-generation
base_model: {BASE}
base_model_relation: adapter
language: [en]
---

# Tiny adapter

An adapter of {BASE}, trained to see what a linter says of the files that PEFT writes: LoRA, rsLoRA, DoRA, QLoRA and
others. It is random, so it is of no use to anybody; it is made anew by each test and is thrown away afterwards.
"""
TEXT = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
VISION = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}


def llama() -> Any:
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**TEXT))


def gemma2() -> Any:
    return transformers.Gemma2ForCausalLM(transformers.Gemma2Config(**TEXT))


def gemma3() -> Any:
    config = transformers.Gemma3Config(
        text_config=TEXT, vision_config=VISION, mm_tokens_per_image=4, image_token_index=5
    )
    return transformers.Gemma3ForConditionalGeneration(config)


def gpt2() -> Any:
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=64)
    )


def mixtral() -> Any:
    return transformers.MixtralForCausalLM(transformers.MixtralConfig(**TEXT, num_local_experts=2))


def train(folder: Path, config: Any, build: Callable[[], Any] = llama) -> Path:
    """A trained adapter as PEFT saves it: its base is a folder on this disk."""
    torch.manual_seed(0)
    model = build()
    base = folder.with_name(f"{folder.name}-base")
    model.config.save_pretrained(base)
    model.config._name_or_path = model.name_or_path = str(base)
    wrapped = peft.get_peft_model(model, config)
    with torch.no_grad():
        for parameter in wrapped.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.02)
    wrapped.save_pretrained(folder)
    return folder


def save(folder: Path, config: Any, build: Callable[[], Any] = llama, name: str = BASE) -> Path:
    """The same, as its author publishes it: the base's id and commit, a card, a tokenizer."""
    train(folder, config, build)
    card = CARD.replace(BASE, name)
    card = card.replace(": text-generation", ": image-text-to-text") if build is gemma3 else card
    (folder / "README.md").write_text(card, "utf-8")
    (folder / "tokenizer.json").write_text(
        '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}', "utf-8"
    )
    edit(folder, base_model_name_or_path=name, revision=COMMIT)
    return folder


def edit(folder: Path, **values: Any) -> Path:
    """Write other values into an adapter's configuration."""
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values, indent=2), "utf-8")
    return folder


def lora(**more: Any) -> Any:
    asked = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}
    return peft.LoraConfig(**{**asked, **more})


CAUSAL = {"task_type": "CAUSAL_LM"}
PROJECTIONS = {**CAUSAL, "target_modules": ["q_proj", "v_proj"]}
SOUND: dict[str, Callable[[], tuple[Any, Callable[[], Any]]]] = {
    "plain": lambda: (lora(), llama),
    "rslora": lambda: (lora(use_rslora=True), llama),
    "dora": lambda: (lora(use_dora=True), llama),
    "rank_pattern": lambda: (lora(rank_pattern={"q_proj": 2}, alpha_pattern={"q_proj": 4}), llama),
    "rank_regex": lambda: (lora(rank_pattern={r"^model\.layers\.0\..*": 2}), llama),
    "bias": lambda: (lora(bias="lora_only"), llama),
    "lora_bias": lambda: (lora(lora_bias=True), llama),
    "modules_to_save": lambda: (
        lora(modules_to_save=["lm_head", "embed_tokens"], ensure_weight_tying=True),
        llama,
    ),
    "embedding": lambda: (lora(target_modules=["q_proj", "embed_tokens"]), llama),
    "layers_to_transform": lambda: (lora(layers_to_transform=[1], layers_pattern="layers"), llama),
    "pattern": lambda: (lora(target_modules=r".*\.layers\.1\..*(q|v)_proj"), llama),
    "all_linear": lambda: (lora(target_modules="all-linear"), llama),
    "exclude": lambda: (lora(target_modules="all-linear", exclude_modules=["down_proj"]), llama),
    "whole_names": lambda: (lora(target_modules=["model.layers.0.self_attn.q_proj"]), llama),
    "tokens": lambda: (lora(trainable_token_indices={"embed_tokens": [3, 4]}), llama),
    "pissa": lambda: (lora(init_lora_weights="pissa"), llama),
    "gemma2": lambda: (lora(target_modules="all-linear"), gemma2),
    "vision": lambda: (lora(target_modules=["q_proj", "v_proj"]), gemma3),
    "vision_text": lambda: (lora(target_modules=r".*language_model.*\.(q|v)_proj"), gemma3),
    "conv1d": lambda: (lora(target_modules=["c_attn"], fan_in_fan_out=True), gpt2),
    "experts": lambda: (
        lora(target_modules=["q_proj"], target_parameters=["mlp.experts.gate_up_proj"]),
        mixtral,
    ),
    "only_experts": lambda: (lora(target_modules=[], target_parameters=["mlp.experts.down_proj"]), mixtral),
    "classifier": lambda: (lora(task_type="SEQ_CLS"), classifier),
    "ia3": lambda: (
        peft.IA3Config(**CAUSAL, target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"]),
        llama,
    ),
    "loha": lambda: (peft.LoHaConfig(**PROJECTIONS, r=4, alpha=8), llama),
    "lokr": lambda: (peft.LoKrConfig(**PROJECTIONS, r=4, alpha=8), llama),
    "oft": lambda: (peft.OFTConfig(**PROJECTIONS, oft_block_size=4, r=0), llama),
    "vera": lambda: (peft.VeraConfig(**CAUSAL, target_modules=["q_proj"], r=8), llama),
    "adalora": lambda: (
        peft.AdaLoraConfig(**PROJECTIONS, init_r=6, target_r=4, total_step=10, tinit=1, tfinal=1),
        llama,
    ),
    "prompt": lambda: (peft.PromptTuningConfig(**CAUSAL, num_virtual_tokens=4), llama),
    "prefix": lambda: (peft.PrefixTuningConfig(**CAUSAL, num_virtual_tokens=4), llama),
    "trainable_tokens": lambda: (
        peft.TrainableTokensConfig(**CAUSAL, target_modules=["embed_tokens"], token_indices=[3, 4]),
        llama,
    ),
    "ln_tuning": lambda: (peft.LNTuningConfig(**CAUSAL, target_modules=["input_layernorm"]), llama),
    "boft": lambda: (peft.BOFTConfig(**PROJECTIONS, boft_block_size=4), llama),
    "fourierft": lambda: (peft.FourierFTConfig(**PROJECTIONS, n_frequency=16), llama),
}


def classifier() -> Any:
    return transformers.LlamaForSequenceClassification(transformers.LlamaConfig(**TEXT))


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_adapter_of_any_kind_is_quiet(tmp_path: Path, kind: str) -> None:
    """People turn a linter off that cries at what PEFT writes by itself."""
    config, build = SOUND[kind]()

    report = check_folder(save(tmp_path / "adapter", config, build), select=FAMILIES)

    assert [] == [
        (finding.code, finding.message)
        for finding in report.findings
        if finding.severity is not Severity.NOTE
    ]


WEIGHTS = "adapter_model.safetensors"


def tensors(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]], **metadata: str) -> None:
    """Write the adapter's tensors anew, changed."""
    path = folder / WEIGHTS
    save_file(change(load_file(path)), path, metadata={"format": "pt"} | metadata)


def raw(folder: Path, change: Callable[[bytes], bytes]) -> None:
    """Write the file of the weights anew, changed byte by byte."""
    path = folder / WEIGHTS
    path.write_bytes(change(path.read_bytes()))


def worse_offsets(content: bytes) -> bytes:
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    name = next(name for name in header if name != "__metadata__")
    header[name]["data_offsets"][1] += 4
    written = json.dumps(header).encode()
    return len(written).to_bytes(8, "little") + written + content[8 + length :]


def state_alpha(folder: Path) -> None:
    """The evidence that a release measures, and an alpha that was edited after it."""
    facts = [{"id": "adapter.alpha", "value": 8, "status": "known", "source": {"stated": "by hand"}}]
    (folder / "evidence").mkdir()
    (folder / "evidence" / "facts.json").write_text(
        json.dumps({"schema": "hubpub/facts/1", "facts": facts}), "utf-8"
    )
    edit(folder, lora_alpha=64)


FAULTS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "no_such_targets": (
        "ADPT025",
        lambda f: edit(f, target_modules=["q_proj", "v_proj", "fc_in", "out_proj"]),
    ),
    "alpha_edited": ("CLAIM140", state_alpha),
    "target_dropped": ("ADPT026", lambda f: edit(f, target_modules=["q_proj"])),
    "all_nan": ("ADPT029", lambda f: tensors(f, lambda t: {k: v * float("nan") for k, v in t.items()})),
    "untrained": (
        "ADPT029",
        lambda f: tensors(f, lambda t: {k: v * ("lora_B" not in k) for k, v in t.items()}),
    ),
    "no_format": ("WGT041", lambda f: save_file(load_file(f / WEIGHTS), f / WEIGHTS)),
    "keys_renamed": (
        "ADPT025",
        lambda f: tensors(
            f, lambda t: {k.replace("self_attn.q_proj", "attn.query"): v for k, v in t.items()}
        ),
    ),
    "prefix_renamed": (
        "ADPT030",
        lambda f: tensors(
            edit(f, base_model_name_or_path="google/gemma-2-2b"),
            lambda t: {k.replace(f"{TOP}model.", f"{TOP}model.language_model."): v for k, v in t.items()},
        ),
    ),
    "other_base": ("ADPT031", lambda f: edit(f, base_model_name_or_path="google/gemma-2-2b")),
    "other_rank": ("ADPT027", lambda f: edit(f, r=16)),
    "bad_type": ("ADPT038", lambda f: edit(f, peft_type="LORRA")),
    "local_base": ("ADPT021", lambda f: edit(f, base_model_name_or_path="/data/models/gemma-2-2b")),
    "no_task": ("ADPT024", lambda f: edit(f, task_type=None)),
    "unknown_key": ("ADPT038", lambda f: edit(f, lora_aplha=16)),
    "truncated": ("WGT040", lambda f: raw(f, lambda content: content[:-10])),
    "trailing": ("WGT040", lambda f: raw(f, lambda content: content + b"\0" * 10)),
    "pointer": (
        "WGT044",
        lambda f: raw(f, lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
    ),
    "empty": ("WGT040", lambda f: raw(f, lambda _: b"")),
    "offsets": ("WGT040", lambda f: raw(f, worse_offsets)),
    "no_weights": ("ADPT020", lambda f: (f / WEIGHTS).unlink()),
    "no_config": ("ADPT020", lambda f: (f / "adapter_config.json").unlink()),
}


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One sound adapter of each of two architectures, to be broken in copies."""
    room = tmp_path_factory.mktemp("adapters")
    return {build.__name__: save(room / build.__name__, lora(), build) for build in (llama, gemma2)}


@pytest.mark.parametrize("architecture", ["llama", "gemma2"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_peft_loads_without_a_word_is_found(
    tmp_path: Path, adapters: dict[str, Path], fault: str, architecture: str
) -> None:
    """PEFT and safetensors let most of these through; nobody but a linter tells the author."""
    code, damage = FAULTS[fault]
    folder = tmp_path / "adapter"
    shutil.copytree(adapters[architecture], folder)
    damage(folder)

    before = check_folder(adapters[architecture], select=[code])
    after = check_folder(folder, select=[code])

    assert () == before.findings
    assert {code} == {finding.code for finding in after.findings}


def test_what_peft_writes_by_itself_names_the_disk_that_the_base_lay_on(tmp_path: Path) -> None:
    """The commonest fault of published adapters: trained from a folder, pushed as it was saved."""
    report = check_folder(train(tmp_path / "adapter", lora()), select=["ADPT"])

    assert {"ADPT021", "ADPT023"} == {finding.code for finding in report.findings}


def test_an_edited_alpha_cannot_be_known_without_evidence(tmp_path: Path, adapters: dict[str, Path]) -> None:
    """Any alpha fits any tensors: a linter that claimed to know would guess. Far-off ones are a note."""
    folder = tmp_path / "adapter"
    shutil.copytree(adapters["llama"], folder)

    assert () == check_folder(edit(folder, lora_alpha=16), select=FAMILIES).findings
    assert ["ADPT028"] == [
        finding.code for finding in check_folder(edit(folder, lora_alpha=128), select=FAMILIES).findings
    ]


def test_adapters_in_folders_of_their_own_are_quiet(tmp_path: Path) -> None:
    """One repo may hold several adapters, each loaded by its `subfolder`."""
    for name in ("first", "second"):
        save(tmp_path / "repo" / name, lora())
        (tmp_path / "repo" / name / "README.md").unlink()
    (tmp_path / "repo" / "README.md").write_text(CARD, "utf-8")

    report = check_folder(tmp_path / "repo", select=FAMILIES)

    assert [] == [(f.code, f.message) for f in report.findings if f.severity is not Severity.NOTE]
