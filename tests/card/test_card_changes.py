"""The section on what changed since the version before, and the numbers in it."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from publisher.card.render import render
from publisher.card.templates import Templates
from publisher.card.trace import Rendered, unaccounted
from publisher.card.view import CardInput
from publisher.records.artifacts import KINDS, Kind
from publisher.records.facts import Fact, Facts, FileSource

SETTINGS = [
    {"name": "rope_scaling.factor", "before": None, "after": "32.0"},
    {"name": "torch_dtype", "before": '"float16"', "after": '"bfloat16"'},
]
METRICS = [{"name": "evaluate.merged.loss", "before": 1.41523, "after": 1.26034, "unit": "nats/token"}]
MERGED: dict[str, Any] = {
    "since": "1.4.0",
    "files_changed": ["config.json", "model.safetensors"],
    "files_added": ["chat_template.jinja"],
    "files_removed": [],
    "tensors_changed": 120,
    "tensors_added": 2,
    "tensors_removed": 0,
    "tensors_total": 272,
    "settings": SETTINGS,
    "same_held_out_rows": True,
    "metrics": METRICS,
}

Changed = Callable[..., Rendered]


@pytest.fixture
def changed(card_of: Callable[..., CardInput], facts: Facts, templates: Templates) -> Changed:
    """The merged model's card at 1.5.0, with facts on its changes; a value of None is an unknown one."""

    def make(kind: Kind = "merged", about: Kind = "merged", **others: Any) -> Rendered:
        more = [
            Fact(
                f"changes.{about}.{name}", value, None, "unknown" if value is None else "known", "changes",
                FileSource("evidence/changes.json", sha256(b"changes").hexdigest()),
            )
            for name, value in {**MERGED, **others}.items()
        ]  # fmt: skip
        return render(card_of(kind, version="1.5.0", facts=Facts([*facts.values(), *more])), templates)

    return make


def section(rendered: Rendered) -> str:
    return rendered.text.partition("## Changes\n")[2].partition("\n## ")[0].strip()


def test_a_reader_sees_what_is_other_than_in_the_version_before(changed: Changed) -> None:
    """Who has the old version learns here whether the new one concerns them."""
    expected = """\
Compared with [version 1.4.0](https://huggingface.co/luisml77/smollm2-aerial/tree/v1.4.0):

- Tensors: 120 changed, 2 added, 0 removed, of 272.
- Files changed: `config.json` and `model.safetensors`.
- Files added: `chat_template.jinja`.

| Setting | 1.4.0 | 1.5.0 |
|---|---|---|
| `rope_scaling.factor` | not set | `32.0` |
| `torch_dtype` | `"float16"` | `"bfloat16"` |

| Measured | 1.4.0 | 1.5.0 |
|---|---:|---:|
| `evaluate.merged.loss` | 1.4152 nats/token | 1.2603 nats/token |"""

    assert expected == section(changed())


def test_every_number_in_it_has_its_evidence(changed: Changed) -> None:
    """What changed is measured like anything else."""
    rendered = changed()
    traced = {span.text: span.fact for span in rendered.spans if (span.fact or "").startswith("changes.")}

    assert [] == unaccounted(rendered)
    assert {
        "120": "changes.merged.tensors_changed",
        "272": "changes.merged.tensors_total",
        "`32.0`": "changes.merged.settings",
        "1.2603 nats/token": "changes.merged.metrics",
    }.items() <= traced.items()


@pytest.mark.parametrize("kind", KINDS)
def test_a_first_version_has_no_such_section(
    kind: Kind, card_of: Callable[..., CardInput], templates: Templates
) -> None:
    """There is nothing that it could have changed from."""
    assert "## Changes" not in render(card_of(kind), templates).text


def test_a_repo_that_joins_later_has_none_while_its_siblings_have_theirs(changed: Changed) -> None:
    """The 4-bit model is new in 1.5.0; that the merged one changed is the merged one's card's to say."""
    assert "## Changes" not in changed("nf4").text


def test_what_could_not_be_compared_is_said_to_be_unknown(changed: Changed) -> None:
    """A release that is older than these digests: silence would read as `nothing changed`."""
    unknown = dict.fromkeys(("tensors_changed", "tensors_added", "tensors_removed", "settings", "metrics"))
    told = section(changed(**unknown, files_added=[]))

    assert "- Tensors: unknown, because one of the two versions carries no digests of them." in told
    assert "- Settings: unknown, because that version does not tell its own." in told
    assert "- Measured values: unknown, because that version does not tell its own." in told
    assert "|" not in told


def test_losses_on_other_rows_are_not_held_against_each_other(changed: Changed) -> None:
    """A lower loss on easier rows is no better model."""
    told = section(changed(same_held_out_rows=False, metrics=[]))

    assert "- It was evaluated on other held-out rows, so losses are not compared." in told
    assert "| Measured |" not in told


def test_equal_files_are_said_to_be_equal(changed: Changed) -> None:
    """A base that a release carries along unchanged need not be fetched again."""
    told = section(changed(files_changed=[], files_added=[], tensors_changed=0, tensors_added=0))

    assert "- Weights, data and configuration are the same, byte for byte." in told
    assert "Files " not in told


def test_a_long_list_is_cut_and_says_where_the_rest_is(changed: Changed) -> None:
    """A configuration that was rewritten must not bury the card."""
    rows = [{"name": f"field_{n}", "before": "1", "after": "2"} for n in range(30)]
    told = section(changed(settings=rows))

    assert "`field_19`" in told
    assert "`field_20`" not in told
    assert "More than these changed; [`evidence/facts.json`](evidence/facts.json) lists all." in told


def test_a_datasets_card_says_how_its_rows_changed(changed: Changed) -> None:
    """Whoever trains on it wants to know whether to train again."""
    rows = [{"name": "dataset.rows", "before": 912, "after": 1824, "unit": "rows"}]
    told = section(changed("dataset", "dataset", metrics=rows))

    assert "| `dataset.rows` | 912 rows | 1,824 rows |" in told
    assert "(https://huggingface.co/datasets/luisml77/smollm2-aerial-expressions/tree/v1.4.0)" in told


def test_test_prompts_with_another_answer_are_named(changed: Changed) -> None:
    """What a user notices first; a version that tells no answers is no version that gave the same ones."""
    told = section(changed(answers_asked=4, answers_changed=1, prompts_changed=["2+2=?"]))
    none = section(changed(answers_asked=4, answers_changed=0, prompts_changed=[]))
    unknown = section(changed(answers_asked=None, answers_changed=None, prompts_changed=None))

    assert "- Test prompts with another answer: 1 of the 4 that both versions were asked: `2+2=?`.\n" in told
    assert "- Test prompts with another answer: 0 of the 4 that both versions were asked.\n" in none
    assert "- Test prompts: unknown, because that version does not tell what it answered.\n" in unknown


def test_prompts_that_no_two_versions_share_are_not_spoken_of(changed: Changed) -> None:
    """Nothing was compared, so nothing is said."""
    assert "Test prompts" not in section(changed(answers_asked=0, answers_changed=0, prompts_changed=[]))
