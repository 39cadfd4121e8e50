"""A hand-written card taken apart: what stays, what must be confirmed, what hubpub writes itself."""

from __future__ import annotations

import pytest

from publisher.card.handwritten import Doubt, Handwritten, take_apart
from publisher.card.headings import place_of
from publisher.card.numbers import stated_value


def kept(card: Handwritten) -> dict[str, str]:
    return {section.name: section.text for section in card.kept}


def claims(card: Handwritten) -> list[tuple[str, object, int]]:
    return [(claim.label, claim.value, claim.line) for claim in card.claims]


@pytest.mark.parametrize(
    ("heading", "name", "ours"),
    [
        ("Bias, Risks, and Limitations", "limitations", False),
        ("Known limitations", "limitations", False),
        ("Recommendations", "limitations", False),
        ("Out-of-Scope Use", "out_of_scope", False),
        ("Intended uses & limitations", "limitations", False),
        ("Direct Use", "intended_use", False),
        ("Uses", "intended_use", False),
        ("Model Description", "summary", False),
        ("Ethical Considerations", "ethics", False),
        ("Acknowledgments", "acknowledgements", False),
        ("Related Resources", "related", False),
        ("How to Get Started with the Model", "usage", True),
        ("Training hyperparameters", "training_notes", True),
        ("Training procedure", "training_notes", True),
        ("Evaluation results", "evaluation_notes", True),
        ("Model Architecture and Objective", "architecture_notes", True),
        ("License", "licence", True),
    ],
)
def test_a_section_is_known_by_its_heading_in_the_usual_wordings(heading: str, name: str, ours: bool) -> None:
    """Templates of the Hub, of PEFT and of people."""
    place = place_of(heading)

    assert place is not None
    assert (name, ours) == (place.name, bool(place.written_by_us))


def test_a_heading_that_nobody_knows_is_a_section_of_its_own_with_what_is_below_it() -> None:
    """An author's own sections are not lost."""
    card = take_apart("# M\n\n## Prompt format\n\nPlain.\n\n### Roles\n\nUser first.\n\n```\n<user>\n```\n")

    assert {"prompt_format": "Plain.\n\n### Roles\n\nUser first.\n\n```\n<user>\n```\n"} == kept(card)


def test_a_sentence_with_a_number_leaves_its_paragraph_and_is_listed_with_its_line() -> None:
    """The rest of the paragraph stays; across line ends as well."""
    card = take_apart("# M\n\nIt sees ships. It reached\n91.5% on our set. It is small.\n")

    assert {"summary": "It sees ships. It is small.\n"} == kept(card)
    assert [("", "It reached 91.5% on our set.", 3)] == claims(card)


def test_names_versions_and_dates_are_no_claims() -> None:
    """Otherwise every second sentence of a good card would have to be confirmed."""
    text = "Made from SmolLM2-135M in 2024 with transformers 5.1.0, in 4-bit.\n"

    assert {"summary": text} == kept(take_apart(f"# M\n\n{text}"))


def test_a_doubted_sentence_is_a_claim_with_the_doubt_beside_it() -> None:
    """A column picks the sentence, not the whole line."""
    card = take_apart("# M\n\nOne. Built on Gemma-2-12B. Two.\n", [Doubt(3, 15, "there is no such model")])

    assert {"summary": "One. Two.\n"} == kept(card)
    assert [("there is no such model",)] == [claim.doubts for claim in card.claims]


def test_what_hubpub_writes_itself_becomes_claims_and_is_named_as_left_out() -> None:
    """A labelled line of the training is a claim with or without a number; a tree's lines with one are."""
    card = take_apart(
        "# M\n\n## Training\n- **Learning rate**: 2e-4\n- **Rank**: 64\n- **Optimizer**: AdamW\n\n"
        "## Architecture\n```\nBase\n├── 42 blocks\n└── Head (frozen)\n```\n"
    )

    assert {} == kept(card)
    assert [
        ("Learning rate", "2e-4", 4),
        ("Rank", 64, 5),
        ("Optimizer", "AdamW", 6),
        ("", "42 blocks", 11),
    ] == claims(card)
    assert [("Training", 3), ("Architecture", 8)] == [(left.title, left.line) for left in card.left]


def test_a_table_of_results_is_claims_row_by_row_and_leaves_no_empty_table() -> None:
    """A table that stays keeps its header."""
    card = take_apart(
        "# M\n\n## Notes\n\n| a | b |\n|---|---|\n| MMLU | 63.2 |\n| says | hello |\n\n| c | d |\n|---|---|\n| x | 12 |\n"
    )

    assert {"notes": "| a | b |\n|---|---|\n| says | hello |\n"} == kept(card)
    assert [("MMLU", 63.2, 7), ("x", 12, 12)] == claims(card)


def test_placeholders_and_programs_are_dropped_and_with_them_what_only_leads_to_them() -> None:
    """Nobody has run those snippets, and nobody has filled in the rest."""
    card = take_apart(
        "# Model Card for Model ID\n\n<!-- Provide a\nsummary. -->\n\n## Uses\n\n[More Information Needed]\n\n"
        "## Tricks\n\nTry this:\n\n```python\nrun(3)\n```\n"
    )

    assert ("", {}, []) == (card.title, kept(card), claims(card))
    assert {"Uses": "a template's placeholder", "Tricks": "a code block, which nobody has run"} == {
        left.title: left.why for left in card.left
    }


def test_lines_are_those_of_the_file_with_its_front_matter() -> None:
    """Whoever confirms a claim looks it up."""
    card = take_apart("---\nlicense: mit\n---\n# M: a model\n\nIt has 12 modes.\n")

    assert ("M", {"license": "mit"}, 6) == (card.title, card.front_matter, card.claims[0].line)


@pytest.mark.parametrize(
    ("title", "cited"),
    [("Harbour: a {M}odel", {"title": "Harbour: a {M}odel", "year": "2025"}), ("TRL: a library", {})],
)
def test_the_models_own_citation_is_read_without_its_placeholders(title: str, cited: dict[str, str]) -> None:
    """`Your Name` is nobody, and the authors of a library are not the model's."""
    entry = f"@misc{{m,\n  title={{{title}}},\n  author={{Your Name}},\n  year=2025\n}}\n"

    assert cited == take_apart(f"# Harbour\n\n## Citation\n```bibtex\n{entry}```\n").cited


def test_a_card_that_the_trainer_wrote_keeps_its_one_sentence_and_lists_its_results() -> None:
    """transformers' own template, as it stands in thousands of repos."""
    card = take_apart(
        "# out\n\nA fine-tuned gpt2.\nIt achieves the following results:\n- Loss: 1.2345\n- Accuracy: 0.91\n\n"
        "## Model description\n\nMore information needed\n\n## Training results\n\n"
        "| Loss | Step |\n|:--:|:--:|\n| 1.5 | 100 |\n"
    )

    assert {"summary": "A fine-tuned gpt2.\n"} == kept(card)
    assert [("Loss", 1.2345, 5), ("Accuracy", 0.91, 6), ("1.5", 100, 16)] == claims(card)


def test_front_matter_that_cannot_be_read_is_told_and_the_rest_is_taken_apart() -> None:
    """A broken header is no reason to lose the words."""
    card = take_apart("---\nlicense: [mit\n---\n# M\n\nSees ships.\n")

    assert {"summary": "Sees ships.\n"} == kept(card)
    assert ["front matter"] == [left.title for left in card.left]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("64", 64),
        ("1,234", 1234),
        ("0.10", 0.1),
        ("95.3%", 0.953),
        ("150%", "150%"),
        ("007", "007"),
        ("1e-5", "1e-5"),
    ],
)
def test_a_number_is_stated_so_that_it_is_found_again_as_written(written: str, value: object) -> None:
    """A value that prints otherwise would leave the number in the prose without an origin."""
    assert value == stated_value(written)
