"""What cards rightly say beside numbers and headings of every kind is left alone; what is wrong is found beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from publisher.checks.run import check_card, check_folder
from publisher.records.findings import Finding


def found(folder: Path, card: str, code: str, **files: object) -> tuple[Finding, ...]:
    (folder / "README.md").write_text(card, "utf-8")
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_json", ".json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return check_folder(folder, select=[code]).findings


TABLE = "| Split | Rows | Loss |\n|---|---|---|\n{}\n"


@pytest.mark.parametrize(
    ("body", "truth"),
    [
        (TABLE.format("| a | 1,200 | 0.1 |\n| b | 300 | 0.2 |\n| Total | 1,600 | 0.3 |"), "1,500"),
        ("1. a: 10\n2. b: 20\n3. Total: 40", "30"),
        ("We have 12 ships + 30 planes = 43 objects.", "42"),
    ],
)
def test_parts_that_do_not_make_the_total_are_told_with_their_sum(
    tmp_path: Path, body: str, truth: str
) -> None:
    """The reader need not add them up."""
    faults = found(tmp_path, body, "CLAIM129")

    assert 1 == len(faults)
    assert f"add up to {truth}," in faults[0].message


@pytest.mark.parametrize(
    "body",
    [
        TABLE.format("| a | 1,200 | 0.1 |\n| b | 300 | 0.2 |\n| Total | 1,500 | 0.15 |"),
        TABLE.format("| a | 40 | |\n| of which b | 30 | |\n| Total | 40 | |"),
        TABLE.format("| a | 40% | |\n| b | 50% | |\n| Total | 100% | |"),
        TABLE.format("| a | 1.2K | |\n| b | 300 | |\n| Total | 2K | |"),
        TABLE.format("| a | 1 | |\n| Subtotal | 1 | |\n| b | 2 | |\n| Total | 3 | |"),
        "- a: 10\n  - of it b: 5\n- Total: 10",
        "- images: 10 photos\n- boxes: 20 boxes\n- Total: 10 photos",
        "- 318,591 original, 313,323 enhanced\n- Total: 1,522,523 expressions",
        "2 * 2 + 2 = 6",
        "Loss 1 + 2 = 3.5 and v1 + 2 = 4",
        "5 + 5 = 50% more",
    ],
)
def test_totals_that_may_mean_something_else_are_left_alone(tmp_path: Path, body: str) -> None:
    """A total that counts more than the list shows is no fault."""
    assert () == found(tmp_path, body, "CLAIM129")


DATA = "---\ndataset_info:\n  splits:\n  - {{name: train, num_examples: 400}}\n  - {{name: test, num_examples: 100}}\n---\n{}\n"


@pytest.mark.parametrize(
    "said",
    [
        "- Total samples: 500",
        "- Number of rows: 400 (train)",
        "- Dataset size: 12.3 MB",
        "- Dataset size: 0.5K rows",
        "It was trained on 1,000 hours of 3 samples per speaker.",
        "Each dataset has 10 samples per class.",
        "The dataset contains about 500 examples.",
    ],
)
def test_counts_that_fit_or_count_something_else_are_left_alone(tmp_path: Path, said: str) -> None:
    """Rows, images, hours and bytes are all called size."""
    assert () == found(tmp_path, DATA.format(said), "CLAIM128")


def test_a_count_that_the_evidence_refutes_is_found_and_one_split_of_it_is_not(tmp_path: Path) -> None:
    """A model's card may speak of the training rows, or of all."""
    facts = [
        {"id": name, "value": value, "status": "known", "source": {"stated": "here"}}
        for name, value in (("dataset.rows", 500), ("dataset.train.rows", 400))
    ]
    files = {"adapter_config_json": {}, "evidence__facts_json": {"facts": facts}}

    wrong = found(tmp_path, "Fine-tuned on 1,000 aerial samples.\n", "CLAIM128", **files)
    right = found(tmp_path, "Fine-tuned on 400 aerial samples.\n", "CLAIM128", **files)

    assert ["evidence/facts.json says 500 or 400 rows"] == [
        fault.message.partition("; ")[2] for fault in wrong
    ]
    assert () == right


INDEX = """---
model-index:
- name: a
  results:
  - task: {type: text-classification}
    dataset: {name: A, type: acme/a}
    metrics:
    - {type: accuracy, value: 0.9144, name: Accuracy}
---
# A
## Results
"""


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ("- Accuracy: 0.9144", None),
        ("- Accuracy: 91%", None),
        ("- Accuracy: 0.91 on the test set", None),
        ("- Accuracy: 0.88\n- Accuracy: 0.9144", None),
        ("- Accuracy of the base: 0.5", None),
        ("- Accuracy: 0.88", "warning"),
        ("- **Accuracy**: 88.1 %", "warning"),
    ],
)
def test_one_value_in_the_text_is_held_against_one_in_the_index(
    tmp_path: Path, said: str, severity: str | None
) -> None:
    """Rounded and in percent it is the same value; two values in the text are an author's comparison."""
    faults = found(tmp_path, INDEX + said + "\n", "CLAIM131")

    assert ([] if severity is None else [severity]) == [str(fault.severity) for fault in faults]


def test_a_card_alone_is_held_against_its_own_index_too(tmp_path: Path) -> None:
    """Most people check a card before there is a repo."""
    path = tmp_path / "README.md"
    path.write_text(f"{INDEX}- Accuracy: 0.5\n", "utf-8")

    assert [12] == [fault.line for fault in check_card(path, select=["CLAIM131"]).findings]


@pytest.mark.parametrize(
    ("said", "config", "faults"),
    [
        ("- Context length: 8192 tokens", {"max_position_embeddings": 8192}, 0),
        ("- Context window: 4K", {"max_position_embeddings": 8192}, 0),
        ("- Context length: 128K", {"max_position_embeddings": 131072}, 0),
        ("- Context length: 128K", {"max_position_embeddings": 128000}, 0),
        (
            "- Context length: 1M",
            {"text_config": {"max_position_embeddings": 8192, "rope_scaling": {"factor": 8}}},
            0,
        ),
        ("- Context length: 32K", {"text_config": {"max_position_embeddings": 8192}}, 1),
        ("- Max context length: 16,384", {"n_positions": 1024}, 1),
    ],
)
def test_a_context_is_too_long_only_where_no_reading_of_it_fits(
    tmp_path: Path, said: str, config: dict[str, object], faults: int
) -> None:
    """K is a thousand for some and 1024 for others."""
    assert faults == len(found(tmp_path, said + "\n", "CLAIM135", config_json=config))


@pytest.mark.parametrize(
    ("front", "said", "faults"),
    [
        ("language: [en, de]\n", "- Language(s): English, German", 0),
        ("language: en-US\n", "- Languages: English", 0),
        ("language: multilingual\n", "- Languages: English, Urdu", 0),
        ("language: en\n", "- Language: English (not German)", 0),
        ("language: en\n", "- Language: English. Translated from German", 0),
        ("language: en\n", "- Language: Python", 0),
        ("language: en\n", "It was translated from German.", 0),
        ("language: en\n", "- Supported languages: English and Italian", 1),
        ("license: mit\n", "| Language | Polish |\n|---|---|", 1),
    ],
)
def test_languages_are_compared_where_the_card_lists_them(
    tmp_path: Path, front: str, said: str, faults: int
) -> None:
    """A language that is only spoken of is not one that the model speaks."""
    assert faults == len(found(tmp_path, f"---\n{front}---\n{said}\n", "CLAIM134"))


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("CLAIM136", "It outperforms others, see the table.\n\n| model | score |\n|---|---|\n| a | 1 |"),
        ("CLAIM136", "A state-of-the-art model [1]."),
        ("CLAIM136", "It uses a state-of-the-art optimizer."),
        ("CLAIM136", "It may outperform others."),
        ("CLAIM133", "## Environmental Impact\n- **Hardware Type**: not recorded"),
        ("CLAIM133", "## Environmental Impact\n- **Hardware Type**: [More Information Needed]"),
        ("CLAIM133", "## Usage\n- Hardware: any GPU"),
        ("CLAIM133", "## Compute\n- Training time: 3 h"),
        ("CARD013", "Write `<iframe>` or \\<script> to escape; a <b>bold</b> word; a<script."),
        ("CARD013", '<img src="https://example.org/a.png" width="1" height="100%">'),
        ("CARD013", '<img src="dot.png" width="1" height="1">'),
        ("CARD008", "# A\n#hashtag #two\n### deeper once\n## B\n### C\n#### D\n# E"),
        ("CARD008", "# A\n```\n##no heading\n```\n##  \n####"),
        ("CARD007", "# A\n" + "text " * 50),
        ("CARD007", "---\nconfigs: []\ntask_categories: [other]\n---\n# A dataset"),
    ],
)
def test_what_is_well_said_is_left_alone(tmp_path: Path, code: str, body: str) -> None:
    """People turn a linter off that cries at good work."""
    assert () == found(tmp_path, body + "\n", code)
