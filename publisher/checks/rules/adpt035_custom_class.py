"""ADPT035 custom-class: the adapter was saved from a class that no installed library has.

Why   `auto_mapping` tells PEFT's Auto classes which class to import. One from a script is nowhere else; one from a
      repo's own code needs that repo and `trust_remote_code=True`.
Fix   set a `task_type`, so that the class is found without it, or tell in the card which code is needed.

Bad
    adapter_config.json:
        {
          "auto_mapping": {"base_model_class": "MyModel", "parent_library": "__main__"} ←
        }
Good
    adapter_config.json:
        {
          "auto_mapping": {
            "base_model_class": "Gemma3ForConditionalGeneration",
            "parent_library": "transformers.models.gemma3.modeling_gemma3"
          }
        }
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_REMOTE = "transformers_modules"  # where transformers puts a repo's own code


@rule(Severity.WARNING)
def custom_class(adapter: AdapterConfig) -> Iterator[Fault]:
    """Report a class of a script; one of remote code is a note."""
    mapping = adapter.data.get("auto_mapping")
    library = mapping.get("parent_library") if isinstance(mapping, dict) else None
    name = mapping.get("base_model_class") if isinstance(mapping, dict) else None
    if not isinstance(library, str):
        return
    root = library.partition(".")[0]
    if root in ("__main__", "__mp_main__"):
        yield Fault(
            f"{quote(str(name))} is a class of the training script: nobody else has it",
            adapter.path,
            adapter.line("auto_mapping"),
            hint='"auto_mapping": null, and a task_type',
        )
    elif root == _REMOTE:
        yield Fault(
            f"{quote(str(name))} is a class of the base's own code",
            adapter.path,
            adapter.line("auto_mapping"),
            hint="say in the card that trust_remote_code=True is needed",
            severity=Severity.NOTE,
        )
