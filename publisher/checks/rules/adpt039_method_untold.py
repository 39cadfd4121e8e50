"""ADPT039 method-untold: the card does not say which kind of LoRA this is.

Why   DoRA and rank-stabilized LoRA train, scale and merge in another way; who repeats the training from the card
      without the word gets another model.
Fix   name it where the card tells of r and alpha.

Bad
    README.md:
        # An adapter
    adapter_config.json:
        {
          "peft_type": "LORA",
          "use_dora": true ←
        }
Good
    README.md:
        # An adapter, trained with DoRA
    adapter_config.json:
        {"peft_type": "LORA", "use_dora": true, "use_rslora": false}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.readme import Readme
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_METHODS = {
    "use_dora": ("DoRA", re.compile(r"(?<![a-z])q?dora", re.IGNORECASE)),
    "use_rslora": ("rsLoRA", re.compile(r"rs[-_ ]?lora|rank[- ]stabili[sz]ed", re.IGNORECASE)),
}


@rule(Severity.NOTE)
def method_untold(adapter: AdapterConfig, readme: Readme) -> Iterator[Fault]:
    """Look for the word anywhere in the card."""
    for key, (name, word) in _METHODS.items():
        if adapter.data.get(key) is True and not word.search(readme.text):
            yield Fault(
                f"the adapter is a {name}, and the card does not say so",
                adapter.path,
                adapter.line(key),
                hint=f"add {name} to the card's training section",
            )
