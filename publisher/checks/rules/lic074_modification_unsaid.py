"""LIC074 modification-unsaid: nothing in the card says that the base was changed.

Why   Apache 2.0 (section 4b), Gemma's terms and others ask that changed files say so prominently. A card without such
      a word also leaves readers to think that they get the base.
Fix   one sentence in the card: what was changed, from which base. `--fix` puts what the front matter says of it before
      the first paragraph; better words are yours.

Bad
    README.md: ←
        ---
        license: gemma
        base_model: google/gemma-3-4b-it
        ---
        # Aerial

        Finds objects in pictures.
    config.json:
        {}
Good
    README.md:
        ---
        license: gemma
        base_model: google/gemma-3-4b-it
        ---
        # Aerial

        google/gemma-3-4b-it, fine-tuned on aerial pictures.
    config.json:
        {}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.known.hub_ids import is_hub_id
from publisher.checks.observe.duties import inherited
from publisher.checks.observe.readme import README, Metadata, Readme
from publisher.checks.observe.target import Given
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_LONGEST = 5000  # characters of a line that are read: nobody reads more
_CHANGE = re.compile(
    r"fine-?\s?tun|modif|adapt|train|merge|quanti[sz]|\blora\b|deriv|conver[st]|distil|prun|abliterat|based on|built on"
    r"|tuned|version of|微调|量化|训练|파인튜닝|학습|ファインチューニング|学習|entraîn|ajust|entren|trein|dostro",
    re.IGNORECASE,
)

_RELATIONS = {
    "adapter": "fine-tuned version",
    "finetune": "fine-tuned version",
    "merge": "merge",
    "quantized": "quantized version",
}
_PLAIN = re.compile(r"[A-Z][\w'-]*,? [\w'-]")  # a paragraph's first words; no heading, list, table or picture
_BEGINNING = 20  # characters of the paragraph that an edit must find


@rule(Severity.WARNING, fixable=True)
def modification_unsaid(card: Metadata, readme: Readme, given: Given) -> Iterator[Fault]:
    """Report cards without any word for a change; which words suffice is left to the author."""
    families = {base.family for base in inherited(card) if base.family.modified}
    if not families or given.files is None:
        return
    if not any(_CHANGE.search(line.text[:_LONGEST]) for line in readme.classified if line.kind == "prose"):
        titles = " and ".join(sorted({family.title for family in families}))
        yield Fault(
            f"{titles}: changed files must say so, and the card names no change",
            README,
            hint="write in the card: fine-tuned (or merged, quantized) from the base, and when",
            edit=_sentence(card, readme),
        )


def _sentence(card: Metadata, readme: Readme) -> Edit | None:
    """What `base_model` and `base_model_relation` say, in words; None where the card has no plain paragraph to put it in."""
    bases = [value.data for value in card.texts("base_model")]
    relation = card.get("base_model_relation")
    what = _RELATIONS.get(str(relation.data) if relation else "", "modified version")
    first = next(
        (line for line in readme.classified if line.kind == "prose" and _PLAIN.match(line.text)), None
    )
    if first is None or not all(is_hub_id(base) for base in bases):
        return None
    begins = first.text[:_BEGINNING]
    return Edit(README, first.number, f"A {what} of {' and '.join(bases)}. {begins}", 1, before=begins)
