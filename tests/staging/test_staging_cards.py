"""A README's front matter, judged as the Hub judges it: before anything is uploaded."""

from __future__ import annotations

import pytest
from huggingface_hub import ModelCard, constants

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
    ] == tags(card, "model")


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


def test_a_licence_that_the_hub_does_not_know_stops_a_card():
    """`other` with a name is the way for all the rest."""

    def faults_of(front_matter: str) -> list[str]:
        return faults(f"---\n{front_matter}\n---\n# A\n")[0]

    (fault,) = faults_of("license: my-own")

    assert fault.startswith('"license" must be one of [afl-3.0, agpl-3.0, ')
    assert [] == faults_of("license: gemma") + faults_of("license: [mit, apache-2.0]")
    assert [] == faults_of("license: other\nlicense_name: mine")


def test_the_clients_own_card_object_hears_what_is_wrong(hub, monkeypatch):
    """`ModelCard.validate` asks for text and shows it as it comes."""
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    ModelCard("---\nlicense: mit\n---\n# A\n").validate()

    with pytest.raises(ValueError, match=r'^- Error: "license" must be one of'):
        ModelCard("---\nlicense: my-own\n---\n# A\n").validate()
