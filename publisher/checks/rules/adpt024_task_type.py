"""ADPT024 task-type: adapter_config.json does not say what kind of model the adapter is for.

Why   `AutoPeftModel...` picks the class by `task_type`, and the Hub's example code says "Task type is invalid."
      without one that it knows.
Fix   `CAUSAL_LM` for a language model; SEQ_2_SEQ_LM, TOKEN_CLS or SEQ_CLS for the others.

Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "task_type": null ←
        }
Good
    adapter_config.json:
        {"peft_type": "LORA", "task_type": "CAUSAL_LM"}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_KNOWN = frozenset(("CAUSAL_LM", "SEQ_2_SEQ_LM", "TOKEN_CLS", "SEQ_CLS"))
_PEFT_ONLY = frozenset(("QUESTION_ANS", "FEATURE_EXTRACTION"))


@rule(Severity.WARNING)
def task_type(adapter: AdapterConfig) -> Iterator[Fault]:
    """Report a missing or unknown type; PEFT's own two, which the Hub's example does not know, are a note."""
    if "peft_type" not in adapter.data or adapter.data.get("task_type") in _KNOWN:
        return
    value = adapter.data.get("task_type")
    yield Fault(
        "no task_type"
        if value is None
        else f"the Hub's example code does not know the task_type {quote(value)}",
        adapter.path,
        adapter.line("task_type"),
        hint='"task_type": "CAUSAL_LM" for a language model',
        severity=Severity.NOTE if value in _PEFT_ONLY else None,
    )
