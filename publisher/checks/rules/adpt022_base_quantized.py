"""ADPT022 base-quantized: the adapter's base is a pre-quantized copy.

Why   who has no bitsandbytes, or no CUDA, cannot load such a base, though the adapter works with the original too.
Fix   name the original, unless the adapter is meant for the quantized weights alone.

Bad
    adapter_config.json:
        {
          "base_model_name_or_path": "unsloth/gemma-3-12b-it-unsloth-bnb-4bit" ←
        }
Good
    adapter_config.json:
        {"base_model_name_or_path": "unsloth/gemma-3-12b-it"}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.mending import write_value
from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.shapes import base_sizes
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_QUANTIZED = re.compile(r"(?:-unsloth)?-bnb-[48]bit$")


@rule(Severity.WARNING, fixable=True)
def base_quantized(adapter: AdapterConfig) -> Iterator[Fault]:
    """Report bases that are named as bitsandbytes copies; a mirror of a known model has its original beside it."""
    base = adapter.data.get("base_model_name_or_path")
    if isinstance(base, str) and _QUANTIZED.search(base):
        original = _QUANTIZED.sub("", base)
        certain = base.startswith("unsloth/") and base_sizes(original) and not adapter.data.get("revision")
        yield Fault(
            f"{quote(base)} needs bitsandbytes and a GPU that it runs on",
            adapter.path,
            adapter.line("base_model_name_or_path"),
            hint=f"the original: {original}",
            edit=write_value(adapter, "base_model_name_or_path", original) if certain else None,
        )
