"""ADPT028 scaling: lora_alpha and r give an unusual scaling.

Why   the update is multiplied by alpha/r (alpha/sqrt(r) with rsLoRA). An edited lora_alpha loads without a word and
      changes every answer.
Fix   compare with what the training used.

Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "r": 8,
          "lora_alpha": 128 ←
        }
Good
    adapter_config.json:
        {"peft_type": "LORA", "r": 8, "lora_alpha": 16}
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_USUAL = (0.1, 8.0)


@rule(Severity.NOTE)
def scaling(adapter: AdapterConfig) -> Iterator[Fault]:
    """Report a scaling outside of 0.1 to 8."""
    alpha, rank = adapter.data.get("lora_alpha"), adapter.data.get("r")
    if not (isinstance(alpha, int | float) and type(rank) is int and 0 < rank < 2**20 and abs(alpha) < 2**20):
        return
    stabilized = adapter.data.get("use_rslora") is True
    factor = alpha / (math.sqrt(rank) if stabilized else rank)
    low, high = _USUAL
    if not low <= factor <= high * (math.sqrt(rank) if stabilized else 1):
        yield Fault(
            f"the update is multiplied by {factor:g} (lora_alpha {alpha:g}, r {rank})",
            adapter.path,
            adapter.line("lora_alpha"),
            hint="compare with what the training used",
        )
