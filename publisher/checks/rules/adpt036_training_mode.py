"""ADPT036 training-mode: adapter_config.json was written while the adapter was in training.

Why   `inference_mode: false` marks a copy that something other than `save_pretrained` made, often a checkpoint.
Fix   save the adapter with `save_pretrained`, or set it to true.

Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "inference_mode": false ←
        }
Good
    adapter_config.json:
        {"peft_type": "LORA", "inference_mode": true}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.mending import write_value
from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.NOTE, fixable=True)
def training_mode(adapter: AdapterConfig) -> Iterator[Fault]:
    """Report false only; the folders of checkpoints are FILE092's."""
    if adapter.data.get("inference_mode") is False:
        yield Fault(
            "inference_mode is false: PEFT writes true when it saves",
            adapter.path,
            adapter.line("inference_mode"),
            hint='"inference_mode": true',
            edit=write_value(adapter, "inference_mode", True),
        )
