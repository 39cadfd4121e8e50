"""Well-made repos are met with silence: a false error is a defect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checks_samples import parquet, safetensors

from publisher.checks.run import check_card, check_folder
from publisher.records.findings import Severity

LORA = """
base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight F32 8x3840 ones
base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_B.weight F32 4096x8 ones
base_model.model.model.language_model.layers.0.self_attn.v_proj.lora_A.weight F32 8x3840 ones
base_model.model.model.language_model.layers.0.self_attn.v_proj.lora_B.weight F32 2048x8 ones
base_model.model.model.language_model.embed_tokens.weight F32 100x64
"""

CARD = """\
---
language:
- en
license: gemma
library_name: {library}
pipeline_tag: image-text-to-text
base_model: google/gemma-3-12b-it
base_model_relation: {relation}
datasets:
- luisml77/aerial-scenes
tags:
- lora
- conversational
model-index:
- name: gemma-aerial
  results:
  - task: {{type: image-text-to-text}}
    dataset: {{type: luisml77/aerial-scenes, name: AerialD}}
    metrics:
    - {{type: loss, value: 1.93}}
---

# Gemma Aerial

google/gemma-3-12b-it, fine-tuned to refer to objects in aerial images. Validation loss 1.93 nats per token (evidence/evaluate.json).

```python
from peft import PeftModel

api_key = "<your key here>"  # TODO: yours
path = "/content/model"
```

---

A closing line, after a horizontal rule.
"""


def write(folder: Path, files: dict[str, str | bytes | dict[str, object]]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, indent=2) if isinstance(content, dict) else content
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


TOKENIZER: dict[str, str | bytes | dict[str, object]] = {
    "tokenizer.json": {"model": {"vocab": {"hf_": 1}}},
    "tokenizer_config.json": {"tokenizer_class": "GemmaTokenizer", "chat_template": "{{ messages }}"},
}

DUTIES: dict[str, str | bytes | dict[str, object]] = {
    "LICENSE": "Gemma Terms of Use",
    "NOTICE": "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms\n",
}

ADAPTER: dict[str, str | bytes | dict[str, object]] = {
    "README.md": CARD.format(library="peft", relation="adapter"),
    **DUTIES,
    "adapter_config.json": {
        "peft_type": "LORA",
        "base_model_name_or_path": "google/gemma-3-12b-it",
        "revision": "96b6f1eccf38110c56df3a15bffe176da04bfd80",
        "r": 8,
        "lora_alpha": 16,
        "rank_pattern": {},
        "target_modules": ["q_proj", "v_proj"],
        "layers_to_transform": [0],
        "modules_to_save": ["embed_tokens"],
        "task_type": "CAUSAL_LM",
    },
    "adapter_model.safetensors": safetensors(LORA, {"format": "pt"}),
    "evidence/facts.json": {"schema": "hubpub/facts/1", "facts": []},
    ".gitattributes": "*.safetensors filter=lfs diff=lfs merge=lfs -text\n",
    **TOKENIZER,
}

MODEL: dict[str, str | bytes | dict[str, object]] = {
    "README.md": CARD.format(library="transformers", relation="finetune"),
    **DUTIES,
    "config.json": {"architectures": ["Gemma3ForConditionalGeneration"], "transformers_version": "5.23.0"},
    "generation_config.json": {"do_sample": True},
    "model.safetensors.index.json": {
        "metadata": {"total_size": 8192, "total_parameters": 2048},
        "weight_map": {
            "model.a": "model-00001-of-00002.safetensors",
            "model.b": "model-00002-of-00002.safetensors",
        },
    },
    "model-00001-of-00002.safetensors": safetensors("model.a F32 32x32", {"format": "pt"}),
    "model-00002-of-00002.safetensors": safetensors("model.b F32 32x32", {"format": "pt"}),
    **TOKENIZER,
}

DATASET: dict[str, str | bytes | dict[str, object]] = {
    "README.md": """\
---
license: cc-by-4.0
pretty_name: Aerial scenes
task_categories:
- image-text-to-text
size_categories:
- n<1K
configs:
- config_name: default
  data_files:
  - {split: train, path: data/train-*}
  - {split: validation, path: "data/validation-*.parquet"}
dataset_info:
  features:
  - {name: prompt, dtype: string}
  splits:
  - {name: train, num_bytes: 10, num_examples: 2}
  - {name: validation, num_bytes: 10, num_examples: 1}
---

# Aerial scenes
""",
    "data/train-00000-of-00001.parquet": parquet([{"prompt": "the ship"}, {"prompt": "the plane"}]),
    "data/validation-00000-of-00001.parquet": parquet([{"prompt": "the harbor"}]),
    "rows.jsonl": '{"shell": "cd /home/alice/project && ls"}\n',
    "LINKS.md": "[video](https://x.example/a.mov?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAQWERTZUIOPASDFGH)\n",
    "tasks.jsonl": "{\"tasks\": \"'task956_strong_password_check', 'task963_librispeech_asr_next_word_prediction'\"}\n",
}


NO_ADAPTER = {"no adapter_config.json", "no adapter_model.safetensors"}
NO_EXTRAS = {
    "give --run-code",
    "no GGUF file",
    "no .eval_results",
    "no earlier release is known: only a published repo's tags tell",
}
NO_FACTS = {"no evidence/facts.json"}


@pytest.mark.parametrize(
    ("files", "reasons"),
    [
        (
            ADAPTER,
            NO_EXTRAS
            | {"no dataset", "no model weights"}
            | {"no shard index", "no config.json", "no generation_config.json", "no list of added tokens"},
        ),
        (MODEL, NO_EXTRAS | NO_ADAPTER | NO_FACTS | {"no dataset", "no list of added tokens"}),
        (
            DATASET,
            NO_EXTRAS
            | NO_FACTS
            | {
                "the rows of Parquet files were not read: data/train-00000-of-00001.parquet and 1 more",
                "no adapter_config.json",
                "no safetensors file",
                "no shard index",
                "no config.json",
                "no generation_config.json",
                "no tokenizer_config.json",
                "no chat template",
                "no list of added tokens",
            },
        ),
    ],
    ids=["adapter", "model", "dataset"],
)
def test_a_good_repo_has_no_finding_and_says_which_rules_had_nothing_to_look_at(
    tmp_path: Path, files: dict[str, str | bytes | dict[str, object]], reasons: set[str]
) -> None:
    """People turn a linter off that cries at good work."""
    report = check_folder(write(tmp_path, files))

    assert () == report.findings
    assert reasons == {skip.reason for skip in report.skipped}


def test_what_git_and_the_hub_client_keep_beside_the_files_is_not_checked(tmp_path: Path) -> None:
    """A clone and a download folder hold the same repo as the upload."""
    write(tmp_path, ADAPTER)
    write(tmp_path, {".git/config": "x", ".cache/huggingface/download/README.md.metadata": "x"})

    assert () == check_folder(tmp_path).findings


def test_a_card_alone_whose_licence_is_another_is_no_error_for_its_text_may_lie_beside_it(
    tmp_path: Path,
) -> None:
    """Known cards say `license: other` and keep the text in LICENSE, which a card alone does not show."""
    (tmp_path / "README.md").write_text("---\nlicense: other\n---\n# A\n")

    found = check_card(tmp_path / "README.md", select=["META012"]).findings
    whole = check_folder(tmp_path, select=["META012"]).findings

    assert [Severity.WARNING] == [finding.severity for finding in found]
    assert [Severity.ERROR] == [finding.severity for finding in whole]
