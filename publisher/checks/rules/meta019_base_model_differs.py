"""META019 base-model-differs: the card and adapter_config.json name different bases, or the card names none.

Why   PEFT loads the base that adapter_config.json names; the Hub's model tree follows the card. Who reads one and
      gets the other applies the adapter to weights that it was not made for.
Fix   make both the id of the model that the adapter was trained on.

Bad
    README.md:
        ---
        license: gemma
        base_model: google/gemma-2-12b-it ←
        ---
    adapter_config.json:
        {"base_model_name_or_path": "google/gemma-3-12b-it"}
Bad
    README.md:
        --- ←
        license: gemma
        ---
    adapter_config.json:
        {"base_model_name_or_path": "google/gemma-3-12b-it"}
Good
    README.md:
        ---
        license: gemma
        base_model: google/gemma-3-12b-it
        ---
    adapter_config.json:
        {"base_model_name_or_path": "unsloth/gemma-3-12b-it-bnb-4bit"}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.known.hub_ids import is_hub_id
from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, Skip, rule
from publisher.records.findings import Severity

# Trainers load a quantized mirror of the base that the card rightly names.
_QUANTIZED = re.compile(r"(?:-unsloth)?-bnb-(?:4|8)bit$")


@rule(Severity.WARNING, fixable=True)
def base_model_differs(card: Metadata, adapter: AdapterConfig) -> Iterator[Fault | Skip]:
    """Compare the two, leaving quantized mirrors and letter case aside."""
    loaded = adapter.data.get("base_model_name_or_path")
    if not isinstance(loaded, str) or not is_hub_id(loaded):
        yield Skip("adapter_config.json names no base on the Hub")
        return
    named = [value.data for value in card.texts("base_model")]
    if not named:
        yield Fault(
            f"the card has no `base_model`; the adapter loads {quote(loaded)}",
            README,
            card.line_of("base_model"),
            hint=f"base_model: {loaded}",
            edit=Edit(README, card.first_line, f"base_model: {loaded}"),
        )
    elif not any(_same(name, loaded) for name in named):
        yield Fault(
            f"the card's base is {quote(named[0])}, the adapter loads {quote(loaded)}",
            README,
            card.line_of("base_model"),
            hint=f"base_model: {loaded}, unless adapter_config.json is wrong",
        )


def _same(one: str, other: str) -> bool:
    one, other = one.casefold(), other.casefold()
    if one == other:
        return True
    short, long = sorted((one.rpartition("/")[2], other.rpartition("/")[2]), key=len)
    return _QUANTIZED.sub("", long) == _QUANTIZED.sub("", short) and _QUANTIZED.search(long) is not None
