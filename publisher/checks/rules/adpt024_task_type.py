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
Bad
    adapter_config.json:
        {
          "base_model_name_or_path": "google/gemma-2-9b-it",
          "peft_type": "LORA",
          "task_type": null ←
        }
Good
    adapter_config.json:
        {"peft_type": "LORA", "task_type": "CAUSAL_LM"}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.mending import write_value
from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.shapes import BaseSizes
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_KNOWN = frozenset(("CAUSAL_LM", "SEQ_2_SEQ_LM", "TOKEN_CLS", "SEQ_CLS"))
_PEFT_ONLY = frozenset(("QUESTION_ANS", "FEATURE_EXTRACTION"))


@rule(Severity.WARNING, fixable=True)
def task_type(adapter: AdapterConfig, base: BaseSizes | None) -> Iterator[Fault]:
    """Report a missing or unknown type; PEFT's own two, which the Hub's example does not know, are a note."""
    value = adapter.data.get("task_type")
    if "peft_type" not in adapter.data or (isinstance(value, str) and value in _KNOWN):
        return
    # A base of these families writes text, unless a head of its own was trained on it.
    writes = (
        base is not None and not adapter.data.get("modules_to_save") and not adapter.data.get("auto_mapping")
    )
    yield Fault(
        "no task_type"
        if value is None
        else f"the Hub's example code does not know the task_type {quote(str(value))}",
        adapter.path,
        adapter.line("task_type"),
        hint='"task_type": "CAUSAL_LM" for a language model',
        severity=Severity.NOTE if isinstance(value, str) and value in _PEFT_ONLY else None,
        edit=write_value(adapter, "task_type", "CAUSAL_LM") if value is None and writes else None,
    )
