"""ADPT038 peft-unknown: adapter_config.json says something that PEFT does not know.

Why   an unknown kind is a KeyError on loading. An unknown key is a misspelt one, which is left out with a warning, or
      one of another version: old releases fail on keys that came after them.
Fix   correct the name, or save the adapter again with a released PEFT.

Bad
    adapter_config.json:
        {
          "peft_type": "LORRA", ←
          "peft_version": "0.18.0"
        }
Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "lora_aplha": 16 ←
        }
Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "peft_version": "0.18.1.dev0@1a2b3c" ←
        }
Good
    adapter_config.json:
        {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "peft_version": "0.18.0"}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.known import peft_config
from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_RELEASE = re.compile(r"\d{1,6}(?:\.\d{1,6})*")


@rule(Severity.NOTE)
def peft_unknown(adapter: AdapterConfig) -> Iterator[Fault]:
    """Report an unknown kind as an error, keys and unreleased versions as notes; nothing of what is newer than the list."""
    kind, written = adapter.data.get("peft_type"), adapter.data.get("peft_version")
    if isinstance(written, str) and "dev" in written:
        yield Fault(
            f"saved with PEFT {quote(written)}, which was never released",
            adapter.path,
            adapter.line("peft_version"),
            hint="save again with a released version",
        )
        return
    if not isinstance(kind, str) or _is_newer(written):
        return
    keys = peft_config.kinds().get(kind)
    if keys is None:
        yield Fault(
            f"PEFT {peft_config.version()} has no peft_type {quote(kind)}",
            adapter.path,
            adapter.line("peft_type"),
            hint='"peft_type": "LORA" for LoRA and its variants',
            severity=Severity.ERROR,
        )
        return
    unknown = [key for key in adapter.data if key not in keys]
    if unknown:
        yield Fault(
            f"PEFT {peft_config.version()} leaves out {', '.join(quote(key) for key in unknown[:4])}",
            adapter.path,
            adapter.line(unknown[0]),
            hint="correct the name, or delete the key",
        )


def _is_newer(written: object) -> bool:
    """Whether the adapter is of a later release than the list of keys."""
    match = _RELEASE.match(written) if isinstance(written, str) else None
    if match is None:
        return False
    return [int(part) for part in match[0].split(".")] > [
        int(part) for part in peft_config.version().split(".")
    ]
