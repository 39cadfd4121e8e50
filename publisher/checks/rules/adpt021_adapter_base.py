"""ADPT021 adapter-base: adapter_config.json names no base that others can load.

Why   `PeftModel` and the Hub's example code load what `base_model_name_or_path` says. A path exists on one machine
      only; where it is empty the Hub shows "Base model is not found."
Fix   write the base's `owner/name` into adapter_config.json.

Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "base_model_name_or_path": "./out/gemma-3-12b-it" ←
        }
Bad
    adapter_config.json:
        {
          "base_model_name_or_path": "" ←
        }
Good
    adapter_config.json:
        {
          "base_model_name_or_path": "google/gemma-3-12b-it"
        }
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known.hub_ids import why_no_id
from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_KEY = "base_model_name_or_path"


@rule(Severity.ERROR)
def adapter_base(adapter: AdapterConfig) -> Iterator[Fault]:
    """Report an empty base and one that cannot be an id."""
    base = adapter.data.get(_KEY)
    if not isinstance(base, str) or not base.strip():
        yield Fault(
            f"{_KEY} is empty: nobody can load this adapter's base",
            adapter.path,
            adapter.line(_KEY),
            hint=f'"{_KEY}": "owner/name"',
        )
        return
    why = why_no_id(base)
    if why is not None:
        yield Fault(
            f"{_KEY} {quote(base)} {why}", adapter.path, adapter.line(_KEY), hint=f'"{_KEY}": "owner/name"'
        )
