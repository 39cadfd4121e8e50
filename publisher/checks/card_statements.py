"""The numbers that a card states of its model, and whether they hold: what the CLAIM rules make of each.

The rules know how a number may fairly be rounded, and which words make it another model's. Here is only told what
became of the numbers that they look at; what a rule excuses because another number of its kind fits is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from publisher.checks.observe.claim_words import Subject
from publisher.checks.observe.claims import Number
from publisher.checks.observe.duties import LicenceTexts, licences_in
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.observe.truths import Truths
from publisher.checks.rule import Fault, Skip
from publisher.records.facts import Json
from publisher.records.findings import Outcome, Statement

Outcomes = Sequence[Fault | Skip] | Absent  # what a rule says of a repo
Ask = Callable[[str], Outcomes]  # by the rule's code

_RULES: dict[Subject, str] = {
    "parameters": "CLAIM120", "trainable": "CLAIM121", "layers": "CLAIM122", "hidden size": "CLAIM122",
    "heads": "CLAIM122", "kv heads": "CLAIM122", "rank": "CLAIM123", "alpha": "CLAIM123", "dropout": "CLAIM123",
}  # fmt: skip
_LICENCE_RULE = "LIC077"
_SHAPE: dict[Subject, tuple[str, str]] = {
    "layers": ("layers", "num_hidden_layers"),
    "hidden size": ("hidden", "hidden_size"),
    "heads": ("heads", "num_attention_heads"),
    "kv heads": ("kv_heads", "num_key_value_heads"),
}
_LORA: dict[Subject, str] = {"rank": "r", "alpha": "lora_alpha", "dropout": "lora_dropout"}
# How far off a stated count may be, as a share of the true one: models of 8.5 billion are called 7B.
_ROUGH: dict[Subject, float] = {"parameters": 0.36, "trainable": 0.02}


def card_statements(view: RepoView, ask: Ask) -> Iterator[Statement]:
    """The licence, and each number of a known kind that the card states in so many words, in the card's order."""
    yield from _licence(view, ask)
    truths = view.observe(Truths)
    if isinstance(truths, Absent):
        return
    said = {code: ask(code) for code in set(_RULES.values())}
    for number in truths.claims.numbers:
        if number.high and number.subject in _RULES:
            statement = _judge(number, _truth(truths, number.subject), said[_RULES[number.subject]])
            if statement is not None:
                yield statement


def _licence(view: RepoView, ask: Ask) -> Iterator[Statement]:
    """Whether a licence's text lies beside the card that names it."""
    card, texts = view.observe(Metadata), view.observe(LicenceTexts)
    if isinstance(card, Absent) or isinstance(texts, Absent):
        return
    for value in card.texts("license"):
        name = f"{README}:{value.line} license"
        said = ask(_LICENCE_RULE)
        outcomes = () if isinstance(said, Absent) else said
        fault = next((each for each in outcomes if isinstance(each, Fault)), None)
        here = {path: licences_in(text) for path, text in texts.texts.items()}
        path = next((path for path, licences in here.items() if value.data in licences), None)
        if fault is not None:
            yield Statement(name, value.data, None, Outcome.FAILS, f"{fault.path}: {fault.message}")
        elif path is not None:
            sha256 = hashlib.sha256(texts.texts[path].encode()).hexdigest()
            yield Statement(
                name, value.data, value.data, Outcome.HOLDS, f"the text of {path}, sha256 {sha256}"
            )
        else:
            why = "its text is not told from others here" if here else "no text of a licence is in this repo"
            yield Statement(name, value.data, None, Outcome.UNKNOWN, why)


def _judge(number: Number, true: Json, said: Outcomes) -> Statement | None:
    name = f"{README}:{number.line} {number.subject}"
    outcomes = () if isinstance(said, Absent) else said
    fault = next((each for each in outcomes if isinstance(each, Fault) and each.line == number.line), None)
    if fault is not None:
        return Statement(name, number.text, true, Outcome.FAILS, fault.message)
    if true is None:
        skipped = next((each.reason for each in outcomes if isinstance(each, Skip)), None)
        return Statement(
            name, number.text, None, Outcome.UNKNOWN, skipped or "the files of this repo do not tell"
        )
    if number.agrees(true) or abs(number.value - true) <= _ROUGH.get(number.subject, 0.0) * true:
        return Statement(name, number.text, true, Outcome.HOLDS, "the files beside the card")
    return None


def _truth(truths: Truths, subject: Subject) -> Json:
    """The number as the files have it, or a base model whose shape is known; None where neither tells."""
    if subject == "parameters":
        return truths.parameters
    if subject == "trainable":
        return truths.trained
    if subject in _SHAPE:
        known = truths.shape_number(*_SHAPE[subject])
        return int(known[0].value) if known and known[0].sure else None
    value = truths.adapter.data.get(_LORA[subject]) if truths.adapter is not None else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
