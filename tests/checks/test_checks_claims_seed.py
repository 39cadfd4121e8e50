"""A hand-written card with one of every kind of fault that such cards have: each is found where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.checks.run import check_card
from publisher.records.findings import Finding

# Of our own making, after the pattern of many: a fine-tune that nobody could repeat.
CARD = """\
# Harbour-12B: QLoRA fine-tuned for image captioning

Based on Google's Gemma-2-12B, fine-tuned with QLoRA.

- **Base Model**: `google/gemma-2-12b-it`

## Training
- **LoRA Rank**: 64
- **Target Modules**: Query, Key, Value and Output projections
- **Batch Size**: 4 (effective, with gradient accumulation)
- **Training Steps**: Optimized for convergence on 500 samples
- **Training Data**: [Ships](https://huggingface.co/datasets/acme/ships), worded by OpenAI O3 enhancement

```
Gemma-2-12B
├── 42 Transformer Blocks
│   └── Feed-Forward Network (Frozen)
└── LoRA Parameters: ~167M trainable parameters
```

## Usage
```python
from transformers import AutoModelForCausalLM, AutoTokenizer
import torch

tokenizer = AutoTokenizer.from_pretrained("acme/harbour-12b")
model = AutoModelForCausalLM.from_pretrained(
    "acme/harbour-12b",
    torch_dtype=torch.bfloat16,
    device_map="auto",
)
prompt = "Caption the ship in this harbour image:"
inputs = tokenizer(prompt, return_tensors="pt")
outputs = model.generate(**inputs, max_length=100, temperature=0.7)
print(tokenizer.decode(outputs[0]))
```

```python
from harbourseg.masks import Segmenter

caption = model.generate_caption(rule_based)
mask = Segmenter().segment(photo, caption)
```

## Results
- **Final Loss**: Optimized for harbours
- **Diversity**: Varied language

## Script
```bash
cd /cfs/home/u012345/harbour
python gemma3_finetune.py \\
    --model_name harbour-12b \\
    --output_dir ./harbour-12b
```

- **Language Support**: Primarily English
- **Paper**: Available in the thesis

```bibtex
@model{harbour,
  title={Harbour},
  author={Your Name}
}
```

## License
The same terms as the base, see the Gemma license.
"""


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finding, ...]:
    path = tmp_path_factory.mktemp("card") / "README.md"
    path.write_text(CARD, "utf-8")
    return check_card(path).findings


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(CARD.split("\n"), start=1) if text in line)


@pytest.mark.parametrize(
    ("code", "at", "truth"),
    [
        ("CARD002", "# Harbour-12B", "names the base google/gemma-2-12b-it and links the dataset acme/ships"),
        ("META010", "# Harbour-12B", "no `license`"),
        ("LIC076", "OpenAI O3", "provider's terms"),
        ("CLAIM134", "Language Support", "names English"),
        ("SEC083", "/cfs/home", "/cfs/home/u012345"),
        ("CARD005", "Your Name", "placeholder"),
        ("CLAIM138", "# Harbour-12B", "adapter or a merged model"),
        ("CLAIM139", "# Harbour-12B", "Gemma 2 reads text only"),
        ("CLAIM127", "Based on Google", "Gemma 2 comes as 2B, 9B and 27B; 12B is a size of Gemma 3"),
        ("CLAIM127", "google/gemma-2-12b-it", "does not exist"),
        ("CLAIM132", "Batch Size", "accumulation steps stands nowhere"),
        ("CLAIM132", "Training Steps", "has no value"),
        ("CLAIM122", "42 Transformer Blocks", "gemma-2-9b has 42; gemma-3-12b has 48"),
        ("CLAIM121", "167M", "71,565,312 for gemma-2-9b"),
        ("CLAIM121", "167M", "84,934,656 for gemma-3-12b"),
        ("CLAIM121", "167M", "96,878,592 for gemma-3-12b with the vision tower"),
        ("SNIP145", "torch_dtype", "`dtype`"),
        ("SNIP155", "prompt =", "no image is passed"),
        ("SNIP148", "inputs =", "chat template is not applied"),
        ("SNIP150", "inputs =", "stays on the CPU"),
        ("SNIP146", "temperature", "without do_sample"),
        ("SNIP147", "max_length", "counts the prompt"),
        ("SNIP151", "decode(", "begins with the prompt"),
        ("SNIP142", "harbourseg", "not well known"),
        ("SNIP144", "generate_caption", "no model class"),
        ("SNIP141", "rule_based", "`rule_based`"),
        ("SNIP141", "photo", "`photo`"),
        ("CLAIM130", "Final Loss", "has no number"),
        ("CLAIM130", "Diversity", "has no number"),
        ("CLAIM126", "gemma3_finetune.py", "Gemma 3, the base after Gemma 2"),
        ("SNIP153", "--model_name", "its own result"),
        ("CARD012", "**Paper**", "not linked"),
        ("CARD011", "@model", "no entry type"),
        ("CLAIM137", "## License", "in prose only"),
    ],
)
def test_each_fault_is_found_in_its_line_with_what_is_true(
    findings: tuple[Finding, ...], code: str, at: str, truth: str
) -> None:
    """A finding that does not say what is true leaves its reader where he was."""
    found = [finding.message for finding in findings if (finding.code, finding.line) == (code, line_of(at))]

    assert any(truth in message for message in found), found


def test_the_card_has_no_finding_that_nobody_can_explain(findings: tuple[Finding, ...]) -> None:
    """Faults that drown in noise are not found either."""
    codes = {finding.code for finding in findings if finding.code.startswith(("CLAIM", "SNIP", "CARD"))}

    assert len(findings) <= 45
    assert {
        "CARD002", "CARD005", "CARD011", "CARD012", "CLAIM121", "CLAIM122", "CLAIM126", "CLAIM127", "CLAIM130", "CLAIM132",
        "CLAIM134", "CLAIM137", "CLAIM138", "CLAIM139", "SNIP141", "SNIP142", "SNIP144", "SNIP145", "SNIP146", "SNIP147",
        "SNIP148", "SNIP150", "SNIP151", "SNIP153", "SNIP155",
    } == codes  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "right", "code"),
    [
        ("42 Transformer Blocks", "48 Transformer Blocks", "CLAIM122"),
        ("~167M trainable", "~85M trainable", "CLAIM121"),
        ("~167M trainable", "96,878,592 trainable", "CLAIM121"),
        ("4 (effective, with gradient accumulation)", "1 x 8 (gradient accumulation)", "CLAIM132"),
        ("gemma-2-12b-it", "gemma-3-12b-it", "CLAIM127"),
        ("max_length", "max_new_tokens", "SNIP147"),
        ("temperature=0.7", "do_sample=True, temperature=0.7", "SNIP146"),
        ('return_tensors="pt")', 'return_tensors="pt").to(model.device)', "SNIP150"),
        ("@model", "@software", "CARD011"),
        ("Available in the thesis", "https://arxiv.org/abs/2512.07338", "CARD012"),
        ("rule_based)", 'rule_based := "a ship")', "SNIP141"),
        ("model.generate_caption", "model.generate", "SNIP144"),
    ],
)
def test_a_corrected_line_is_left_alone(tmp_path: Path, wrong: str, right: str, code: str) -> None:
    """What is right must not be called wrong, also in a card that is wrong elsewhere."""
    path = tmp_path / "README.md"
    text = CARD.replace("Gemma-2-12B", "Gemma-3-12B").replace("gemma-2-12b", "gemma-3-12b")
    path.write_text(text.replace(wrong, right), "utf-8")

    found = check_card(path, select=[code]).findings

    assert [] == [finding.message for finding in found if right.split()[0] in finding.message or _alone(code)]


def _alone(code: str) -> bool:
    """Rules that find one thing in this card, so that nothing may be left of it."""
    return code not in ("CLAIM132", "SNIP141")
