"""Front matter: what the Hub reads. The client's own classes must read what we write, and write the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from huggingface_hub import EvalResultEntry, ModelCard
from huggingface_hub import eval_result_entries_to_yaml as entries_to_yaml
from huggingface_hub import parse_eval_result_entries as parse_entries

from publisher.card.eval_results import eval_results
from publisher.card.readme import parse
from publisher.card.render import render
from publisher.card.view import Access, Duties, Result
from publisher.checks.run import check_folder
from publisher.errors import HubpubError
from publisher.records.artifacts import KINDS
from publisher.records.facts import Fact, Facts, FileSource, StatedSource
from publisher.staging.server import EmbeddedHub

MEASURED = Fact(
    "evaluate.merged.gsm8k", 71.2, None, "known", "evaluate", FileSource("evidence/evaluate.json", "0" * 64)
)
GSM8K = Result("openai/gsm8k", "main", "evaluate.merged.gsm8k", date="2026-05-01", revision="e53f048")


def fields(card, templates):
    return parse(render(card, templates).text).front_matter


def with_facts(card, *facts):
    return replace(card, facts=Facts([*card.facts.values(), *facts]))


@pytest.fixture
def hub(tmp_path):
    with EmbeddedHub(tmp_path / "hub") as running:
        yield running


def test_the_hub_takes_every_card_without_a_word(hub, card_of, templates, monkeypatch):
    """The client asks it before an upload: a refusal there would come after hours of training."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setattr("huggingface_hub.repocard.constants.ENDPOINT", hub.url)
    texts = {kind: render(card_of(kind), templates).text for kind in KINDS}
    for kind, text in texts.items():
        ModelCard(text).validate(repo_type="dataset" if kind == "dataset" else "model")
    with pytest.raises(ValueError, match="license"):
        ModelCard(texts["merged"].replace("apache-2.0", "my-own", 1)).validate()


@pytest.mark.parametrize("kind", KINDS)
def test_the_rules_on_metadata_and_cards_find_nothing(kind, card_of, templates, tmp_path):
    """What we write must pass what we ask of others."""
    (tmp_path / "README.md").write_text(render(card_of(kind), templates).text, encoding="utf-8")
    report = check_folder(tmp_path)
    found = [f"{f.code} {f.message}" for f in report.findings if f.code.startswith(("META", "SNIP", "CARD"))]

    assert [] == [
        line for line in found if not line.startswith("CARD009")
    ]  # LICENSE and evidence are not there


def test_the_clients_classes_read_the_results_and_write_the_same(card_of, templates):
    """`model-index` has a form of its own; the client is who reads it."""
    text = render(card_of("merged"), templates).text
    data = ModelCard(text).data
    values = {result.metric_type: (result.metric_value, result.dataset_split) for result in data.eval_results}

    measured = {"loss": 1.26034, "perplexity": 3.52662, "chrf": 78.14}
    assert {name: (value, "validation") for name, value in measured.items()} == values
    assert (
        yaml.safe_load(data.to_yaml())["model-index"] == fields(card_of("merged"), templates)["model-index"]
    )


def test_a_benchmark_result_is_written_as_the_clients_classes_write_it(card_of):
    """We may not import the client where cards are made; here it says what the form is."""
    card = replace(with_facts(card_of("merged"), MEASURED), results=(GSM8K,))
    (path, text), *others = eval_results(card).items()
    expected = EvalResultEntry(
        dataset_id="openai/gsm8k",
        task_id="main",
        value=71.2,
        dataset_revision="e53f048",
        date="2026-05-01",
        source_url=f"https://huggingface.co/{card.repo_id}/blob/main/evidence/facts.json",
        source_name="measured by hubpub",
    )

    assert (".eval_results/gsm8k.yaml", []) == (path, others)
    assert [expected] == parse_entries(yaml.safe_load(text))
    assert entries_to_yaml([expected]) == yaml.safe_load(text)


def test_a_benchmark_result_stands_in_the_repo_of_its_own_artifact_alone(card_of):
    """The quantized model did not get that score."""
    cards = {kind: replace(with_facts(card_of(kind), MEASURED), results=(GSM8K,)) for kind in KINDS}

    assert ["merged"] == [kind for kind, card in cards.items() if eval_results(card)]


def test_a_benchmark_result_without_its_fact_is_an_error_that_names_the_stage(card_of):
    """An empty entry would be a score of nothing."""
    with pytest.raises(HubpubError) as caught:
        eval_results(replace(card_of("merged"), results=(GSM8K,)))

    assert ("HP-C01", "evaluate") == (caught.value.code, caught.value.data["stage"])


def test_a_stated_benchmark_result_names_its_source_only_where_it_is_an_address(card_of):
    """`our own run` is no link, and a badge of a source that leads nowhere is worse than none."""
    told = replace(MEASURED, stage="stated", source=StatedSource("our own run"))
    linked = replace(MEASURED, stage="stated", source=StatedSource("https://example.org/run"))
    sources = []
    for fact in (told, linked):
        card = replace(with_facts(card_of("merged"), fact), results=(GSM8K,))
        sources.append(yaml.safe_load(next(iter(eval_results(card).values())))[0].get("source"))

    assert [None, {"url": "https://example.org/run"}] == sources


def test_the_form_of_a_gated_repo_comes_from_the_manifest(card_of, templates):
    """Without it whoever asks for access is told nothing."""
    access = Access(
        prompt="Be fair.",
        button="I am",
        fields={"Name": "text", "Use": ("research", "work")},
        eu_disallowed=True,
    )
    found = fields(replace(card_of("merged"), access=access), templates)

    assert {
        "extra_gated_prompt": "Be fair.",
        "extra_gated_button_content": "I am",
        "extra_gated_fields": {"Name": "text", "Use": {"type": "select", "options": ["research", "work"]}},
        "extra_gated_eu_disallowed": True,
    } == {key: value for key, value in found.items() if key.startswith("extra_gated")}
    assert not [key for key in fields(card_of("merged"), templates) if key.startswith("extra_gated")]


def test_emissions_stand_in_the_metadata_only_where_they_are_known(card_of, templates):
    """A guess about energy is still a guess."""
    fact = Fact("train.emissions_grams", 12.5, "g", "known", "stated", StatedSource("a meter at the plug"))
    unknown = replace(fact, value=None, status="unknown")
    cards = [with_facts(card_of("merged"), fact), with_facts(card_of("merged"), unknown), card_of("merged")]
    found = [fields(card, templates).get("co2_eq_emissions") for card in cards]

    assert [12.5, None, None] == [entry and entry["emissions"] for entry in found]
    assert "a meter at the plug" == found[0]["source"]


@pytest.mark.parametrize(
    ("architecture", "model_type", "task"),
    [
        ("Gemma3ForConditionalGeneration", "gemma3", "image-text-to-text"),
        ("T5ForConditionalGeneration", "t5", "text-generation"),
        ("LlamaForCausalLM", "llama", "text-generation"),
    ],
)
def test_the_task_is_that_of_the_architecture(architecture, model_type, task, card_of, templates):
    """Filters, widgets and snippets of the Hub go by it; T5 bears the name of those that see, and sees nothing."""
    card = card_of("merged")
    kind, name = card.facts["base.model_type"], card.facts["base.architecture"]
    changed = (replace(kind, value=model_type), replace(name, value=architecture))
    facts = Facts({**card.facts, **{fact.id: fact for fact in changed}}.values())

    assert task == fields(replace(card, facts=facts), templates)["pipeline_tag"]


def test_a_licence_that_has_no_id_is_named_and_linked(card_of, templates):
    """`other` alone tells nobody anything."""
    card = replace(
        card_of("merged"), licence="other", licence_name="mrl", licence_link="https://mistral.ai/mrl"
    )
    found = fields(card, templates)

    assert ("other", "mrl", "https://mistral.ai/mrl") == tuple(
        found[key] for key in ("license", "license_name", "license_link")
    )


def test_what_the_bases_licence_asks_for_stands_on_the_card(card_of, templates):
    """Its notice word by word, its phrase for all to see, and that its restrictions bind."""
    duties = Duties(
        "the Llama Licence", "https://llama.com/l", "Llama is licensed, © Meta.", ("Built with Llama",), True
    )
    text = render(replace(card_of("merged"), duties=duties), templates).text
    wanted = [
        "**Built with Llama**",
        "Llama is licensed, © Meta.",
        "[the Llama Licence](https://llama.com/l)",
    ]

    assert [] == [words for words in [*wanted, "Its restrictions of use bind"] if words not in text]


def test_columns_are_written_in_one_order_however_the_fact_was_kept():
    """Facts that come back from a lock have their keys sorted; the card must not change with that."""
    from publisher.card.metadata import _in_order

    measured = [{"name": "kind", "dtype": {"class_label": {"names": {"0": "a", "2": "c", "10": "k"}}}}]
    kept = [{"dtype": {"class_label": {"names": {"0": "a", "10": "k", "2": "c"}}}, "name": "kind"}]

    assert str(_in_order(measured)) == str(_in_order(kept))
    assert ["name", "dtype"] == list(_in_order(kept)[0])
    assert ["0", "2", "10"] == list(_in_order(kept)[0]["dtype"]["class_label"]["names"])
