"""A README's front matter, judged as the Hub judges it: before anything is uploaded."""

from __future__ import annotations

import pytest

from publisher.staging.cards import faults, front_matter, tags

CARD = """---
license: apache-2.0
language: [en]
base_model: acme/base
base_model_relation: adapter
tags: [lora]
pipeline_tag: text-generation
library_name: peft
released: 2026-01-31
---
# A model
---
"""


def test_a_proper_card_has_no_faults_and_shows_its_tags():
    """The tags are what search finds."""
    card = front_matter(CARD.encode())

    assert ([], []) == faults(CARD)
    assert "2026-01-31" == card["released"]
    assert [
        "peft",
        "text-generation",
        "lora",
        "en",
        "license:apache-2.0",
        "base_model:acme/base",
        "base_model:adapter:acme/base",
    ] == tags(card)


@pytest.mark.parametrize("text", ["", "# No front matter", "---\n---\n", "---\n\n---\n"])
def test_a_card_without_front_matter_is_a_warning(text):
    """The real Hub says so too, and the client prints it."""
    assert ([], ["empty or missing yaml metadata in repo card"]) == faults(text)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("a: [", "YAML Metadata Error"),
        ("a: 1\na: 2", "YAML Metadata Error"),
        ("- a list", "must be a mapping"),
        ("license: 3", '"license" must be a string'),
        ("tags: [1, 2]", '"tags" must be a string'),
        ("pipeline_tag: [x]", '"pipeline_tag" must be a string'),
        ("base_model_relation: cousin", '"base_model_relation" must be one of'),
        ("license: other", '"license_name" is required'),
        ("model-index: x", '"model-index" must be an array'),
        ("model-index: [{name: x}]", 'model-index[0].results" must be an array'),
        ("model-index: [{name: x, results: [{task: {type: y}}]}]", 'results[0].metrics" is required'),
    ],
)
def test_a_fault_in_the_front_matter_is_named(line, complaint):
    """A card that the real Hub would refuse must not pass here."""
    errors, _ = faults(f"---\n{line}\n---\n")

    assert [True] == [complaint in error for error in errors]
    assert errors


def test_yaml_that_makes_objects_is_not_obeyed():
    """Front matter comes from strangers."""
    errors, _ = faults("---\na: !!python/object/apply:os.system [true]\n---\n")

    assert 1 == len(errors)
