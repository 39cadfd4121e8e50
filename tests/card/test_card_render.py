"""Facts and prose → text: what vanishes, what is refused, and where the blame goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publisher.card.readme import parse
from publisher.card.render import render
from publisher.card.templates import Templates, built_in_folder
from publisher.card.trace import unaccounted
from publisher.card.view import Accepted, Prose
from publisher.errors import HubpubError
from publisher.records.facts import Facts, FileSource


@pytest.fixture
def overriding(tmp_path):
    """Templates of a project that brings some of its own: `overriding({'partials/summary_adapter.md.j2': '…'})`."""

    def make(own):
        for name, text in own.items():
            path = tmp_path / "templates" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Templates.of(tmp_path)

    return make


def test_a_fact_that_a_stage_did_not_measure_is_an_error_that_names_fact_stage_and_template(
    card_of, templates
):
    """A card with a hole must not be published, and whoever reads the error must know where to look."""
    with pytest.raises(HubpubError) as caught:
        render(card_of("adapter", without=("train.learning_rate",)), templates)

    assert (
        caught.value.code,
        caught.value.data["fact"],
        caught.value.data["stage"],
        caught.value.data["template"],
    ) == ("HP-C01", "train.learning_rate", "train", "partials/training.md.j2")
    assert "hubpub train smollm2-aerial" in caught.value.hint
    assert str(caught.value.where).endswith("training.md.j2:1")


def test_a_fact_that_a_line_of_a_template_asks_for_is_missed_at_that_line(card_of, overriding):
    """Not only declared needs can be missing."""
    templates = overriding(
        {"partials/limitations.md.j2": "## Limitations\n\n\nLost: {{ fact('train.nothing') }}\n"}
    )
    with pytest.raises(HubpubError) as caught:
        render(card_of("adapter"), templates)

    assert (caught.value.code, str(caught.value.where).endswith("limitations.md.j2:4")) == ("HP-C01", True)


def test_sections_of_stages_that_were_no_part_of_the_release_vanish(card_of, templates):
    """An adopted adapter has no training stage; its card has no empty headings and no excuses."""
    card = card_of("adapter", without=("train.", "evaluate.", "validate.", "dataset."), prose=())
    text = render(card, templates).text

    expected = [
        "## In this release",
        "## Usage",
        "### Serve it with vLLM",
        "## Evaluation",
        "## Architecture",
        "## Checks of the files",
        "## Licence",
        "## Citation",
    ]
    assert expected == [line for line in text.splitlines() if line.startswith("##")]
    assert "[More Information Needed]" not in text
    assert "\nNot evaluated: this release measured nothing on held-out rows.\n" in text


def test_what_only_the_author_states_does_not_make_a_stage_that_ran(card_of, templates):
    """A stated `train.hardware` must not demand the facts of a training that we never saw."""
    card = card_of("adapter", prose=())
    stated_only = Facts(
        fact for fact in card.facts.values() if not fact.id.startswith("train.") or fact.stage == "stated"
    )
    text = render(replace(card, facts=stated_only), templates).text

    assert ("## Training" not in text, True) == (True, "rest on the author's word" in text)


def test_unknown_and_refused_values_say_so(card_of, templates):
    """Unknown is a value: it is neither hidden nor guessed."""
    card = card_of("merged")
    changed = {
        "train.peak_rss_bytes": replace(card.facts["train.peak_rss_bytes"], value=None, status="unknown"),
        "validate.merged.argmax_agreement": replace(
            card.facts["validate.merged.argmax_agreement"], value=None, status="refused"
        ),
    }
    text = render(replace(card, facts=Facts({**card.facts, **changed}.values())), templates).text

    assert "| Peak memory of the process | unknown |" in text
    assert "not measured (stand-in)" in text


def test_a_stand_in_is_never_mistaken_for_a_model(card_of, templates):
    """Rehearsals leave cards behind; they must not look real."""
    card = card_of("merged")
    facts = Facts(replace(fact, stand_in=True) for fact in card.facts.values())
    text = render(replace(card, facts=facts), templates).text

    assert "hubpub-stand-in" in parse(text).front_matter["tags"]
    assert "> **A rehearsal, not a model.**" in text


def test_a_syntax_error_in_a_users_template_is_reported_with_file_and_line(card_of, overriding):
    """Designers are not debuggers."""
    templates = overriding({"partials/limitations.md.j2": "## Limitations\n\n{% if known('a.b') %\n"})
    with pytest.raises(HubpubError) as caught:
        render(card_of("adapter"), templates)

    assert (caught.value.code, caught.value.data["line"]) == ("HP-C02", 3)
    assert str(caught.value.where).endswith("templates/partials/limitations.md.j2:3")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{{ nonsense }}", "'nonsense' is undefined"),
        ("{{ card.nonsense }}", "nonsense"),
        ("{{ section('nonsense') }}", "no template partials/nonsense.md.j2"),
        ("{% include '../../../etc/passwd' %}", "no template ../../../etc/passwd"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ fact('train.method') | integer }}", "expected an integer"),
        ("{{ (fact('train.steps') | integer)[:2] }}", "has lost its end"),
        ("{{ none }}", "prints None"),
    ],
)
def test_what_a_template_cannot_say_is_an_error_at_its_line(line, says, card_of, overriding):
    """StrictUndefined and friends: nothing slips into a card as an empty string."""
    templates = overriding({"partials/limitations.md.j2": f"## Limitations\n\n{line}\n"})
    with pytest.raises(HubpubError) as caught:
        render(card_of("adapter"), templates)

    assert (caught.value.code, says in caught.value.what) == ("HP-C02", True)


@pytest.mark.parametrize(
    "escape",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ fact.__self__ }}",
        "{{ fact.__globals__['__builtins__'] }}",
        "{{ card.siblings.append(1) }}",
        "{{ section.__func__.__code__ }}",
        "{% for i in range(99999999) %}x{% endfor %}",
    ],
)
def test_a_template_cannot_leave_its_sandbox(escape, card_of, overriding):
    """Templates come with a cloned project, and rendering them must be safe."""
    templates = overriding({"partials/limitations.md.j2": escape})
    with pytest.raises(HubpubError) as caught:
        render(card_of("adapter"), templates)

    assert caught.value.code == "HP-C02"


def test_a_project_overrides_one_partial_and_keeps_all_others(card_of, templates, overriding):
    """File by file: a changed footer does not fork the whole card."""
    own = overriding({"partials/footer.md.j2": "Made by us.\n"})
    built_in, actual = render(card_of("nf4"), templates).text, render(card_of("nf4"), own).text

    assert built_in.split("\n---\n\nVersion")[0].rstrip() == actual.removesuffix("\nMade by us.\n").rstrip()


def test_marks_of_other_systems_are_no_part_of_a_template(card_of, overriding, tmp_path):
    """A designer's editor writes them; the card comes out as if it had not."""
    templates = overriding({"partials/footer.md.j2": ""})
    path = tmp_path / "templates" / "partials" / "footer.md.j2"
    texts = []
    for content in (b"One.\n\nTwo.\n", b"\xef\xbb\xbfOne.\r\n\r\nTwo.\r\n"):
        path.write_bytes(content)
        texts.append(render(card_of("adapter"), templates).text)

    assert texts[0] == texts[1]


def test_a_template_that_is_no_text_is_named(card_of, overriding, tmp_path):
    """UTF-16 looks like text in every editor."""
    templates = overriding({"partials/footer.md.j2": ""})
    (tmp_path / "templates" / "partials" / "footer.md.j2").write_bytes("One".encode("utf-16"))
    with pytest.raises(HubpubError) as caught:
        render(card_of("adapter"), templates)

    assert ("HP-C02", True) == (caught.value.code, str(caught.value.where).endswith("footer.md.j2"))


def test_a_card_that_the_hub_would_not_take_is_refused_here(card_of, templates):
    """A push with a README.md of more than 10 MiB is rejected, after everything else was sent."""
    long = Prose("limitations", "word " * 2_200_000, "limits.md")
    with pytest.raises(HubpubError) as caught:
        render(card_of("adapter", prose=(long,)), templates)

    assert ("HP-C05", "limits.md") == (caught.value.code, caught.value.where)


def test_built_in_templates_are_listed_and_found(templates):
    """`hubpub templates list` and `eject` rest on this."""
    assert {"model_card.md.j2", "dataset_card.md.j2", "partials/training.md.j2"} <= set(templates.names())
    assert templates.find("../pyproject.toml") is None
    assert (built_in_folder() / "model_card.md.j2").is_file()


def test_prose_is_fitted_under_its_heading(card_of, templates):
    """People start their files with a title; the card must not have it twice, nor two levels mixed up."""
    prose = (
        Prose(
            "limitations", "# Limitations\n\n## Data\n\nFew.\n\n```python\n# no heading\n```\n", "limits.md"
        ),
    )
    text = render(card_of("adapter", prose=prose), templates).text

    assert "## Limitations\n\n### Data\n\nFew.\n\n```python\n# no heading\n```\n" in text


def test_prose_speaks_to_the_cards_it_was_written_for(card_of, templates):
    """What the fine-tuned model is good for is not true of its base or of its data."""
    prose = (
        Prose("intended_use", "Models only.", "use.md"),
        Prose("dataset.intended_use", "Data only.", "data.md"),
    )
    texts = {
        kind: render(card_of(kind, prose=prose), templates).text
        for kind in ("base", "dataset", "adapter", "nf4")
    }

    assert {kind: ("Models only." in text, "Data only." in text) for kind, text in texts.items()} == {
        "base": (False, False),
        "dataset": (False, True),
        "adapter": (True, False),
        "nf4": (True, False),
    }


def test_prose_may_quote_facts(card_of, templates):
    """An author's sentence then stays true when the number changes."""
    prose = (
        Prose(
            "limitations", "Ten thousandths: {{ train.final_loss | number }}.\n{{ message.content }}", "l.md"
        ),
    )
    card = card_of("adapter", prose=prose)
    rendered = render(card, templates)

    assert "Ten thousandths: 1.2209.\n{{ message.content }}" in rendered.text
    assert not unaccounted(rendered)


def test_prose_that_quotes_a_missing_fact_is_blamed_with_its_line(card_of, templates):
    """Not the template is at fault here."""
    prose = (Prose("limitations", "One.\n\nTwo: {{ train.vibes }}\n", "limits.md"),)
    with pytest.raises(HubpubError) as caught:
        render(card_of("adapter", prose=prose), templates)

    assert (caught.value.code, caught.value.where) == ("HP-C01", "limits.md:3")


def test_sections_of_our_own_choosing_get_a_heading(card_of, templates):
    """A person may have more to say than we thought of."""
    text = render(card_of("adapter", prose=(Prose("ethics", "Think first.", "ethics.md"),)), templates).text

    assert "## Ethics\n\nThink first.\n" in text


def test_names_from_files_cannot_act_as_markup(card_of, templates):
    """An adopted adapter's configuration is somebody else's text."""
    card = card_of("adapter")
    evil = "cosine | <script>alert()</script> [x](javascript:0)\n# heading"
    facts = Facts(replace(f, value=evil) if f.id == "train.schedule" else f for f in card.facts.values())
    line = next(
        line for line in render(replace(card, facts=facts), templates).text.splitlines() if "Schedule" in line
    )

    assert line == (r"| Schedule | cosine \| \<script\>alert()\</script\> \[x\](javascript:0) # heading |")


def test_input_with_marks_of_our_own_is_refused(card_of, templates):
    """Otherwise prose could forge the evidence of a number."""
    prose = (Prose("limitations", "Perplexity \U001000011.0\U0010fffd", "limits.md"),)
    with pytest.raises(HubpubError) as caught:
        render(card_of("adapter", prose=prose), templates)

    assert (caught.value.code, caught.value.where) == ("HP-C02", "limits.md")


def test_findings_taken_on_knowingly_are_shown(card_of, templates):
    """Accepting a finding is allowed; hiding it is not."""
    text = render(card_of("adapter", accepted=(Accepted("LIC075", "research use"),)), templates).text

    assert "- `LIC075` is taken on knowingly: research use" in text


def test_a_long_log_is_shown_in_a_few_rows_with_first_and_last(card_of, templates):
    """Nobody reads ten thousand rows; the picture has them all."""
    card = card_of("adapter")
    log = [{"step": n, "loss": 5 - n / 1000, "learning_rate": 1e-4} for n in range(1, 1001)]
    facts = Facts(replace(f, value=log) if f.id == "train.log" else f for f in card.facts.values())
    table = (
        render(replace(card, facts=facts), templates)
        .text.split("| Step |")[1]
        .split("\n\n")[0]
        .splitlines()[2:]
    )

    assert (len(table), table[0], table[-1]) == (
        12,
        "| 1 | 4.9990 | 1.00e-4 |",
        "| 1,000 | 4.0000 | 1.00e-4 |",
    )


def test_a_model_that_takes_images_gets_the_class_that_does(card_of, templates):
    """`AutoModelForCausalLM` on such a checkpoint works by luck of a mapping; the card names the right one."""
    card = card_of("merged")
    gemma = replace(card.facts["base.architecture"], value="Gemma3ForConditionalGeneration")
    text = render(
        replace(card, facts=Facts({**card.facts, "base.architecture": gemma}.values())), templates
    ).text

    assert parse(text).front_matter["pipeline_tag"] == "image-text-to-text"
    assert "model = AutoModelForImageTextToText.from_pretrained(" in text


def test_evidence_of_a_known_file_stays_with_its_fact(facts):
    """The fixture itself must look like what stages record."""
    assert isinstance(facts["train.final_loss"].source, FileSource)


@pytest.mark.parametrize("kind", ["base", "dataset", "adapter", "merged", "nf4"])
def test_a_card_that_stands_alone_names_no_other(kind, card_of, templates):
    """Most releases have one artifact: its card must not ask for siblings that were never made."""
    text = render(card_of(kind, siblings=(), base_in_release=False), templates).text

    assert "None" not in text
