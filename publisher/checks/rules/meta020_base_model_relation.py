"""META020 base-model-relation: `base_model_relation` is none of the four, or contradicts the files.

Why   the model tree sorts by it: adapter, merge, quantized or finetune. A merged model that says `adapter` is listed
      among files that need a base.
Fix   `adapter` where adapter_config.json lies in the repo, `quantized` where config.json holds a bitsandbytes, GPTQ
      or AWQ quantization, else `finetune` or `merge`.

Bad
    README.md:
        ---
        license: mit
        base_model: acme/base
        base_model_relation: finetune ←
        ---
    adapter_config.json:
        {}
Bad
    README.md:
        ---
        license: mit
        base_model: acme/base
        base_model_relation: adapter ←
        ---
    config.json:
        {}
Bad
    README.md:
        ---
        license: mit
        base_model: acme/base
        base_model_relation: distilled ←
        ---
    config.json:
        {}
Good
    README.md:
        ---
        license: mit
        base_model: acme/base
        base_model_relation: quantized
        ---
    config.json:
        {"quantization_config": {"quant_method": "bitsandbytes"}}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files, RepoKind
from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.facts import Json
from publisher.records.findings import Severity

_RELATIONS = ("adapter", "merge", "quantized", "finetune")
# Methods that are applied to finished weights. FP8 and others are also how models are trained and first released.
_APPLIED_LATER = frozenset({"bitsandbytes", "gptq", "awq", "bnb"})


@rule(Severity.WARNING, fixable=True)
def base_model_relation(
    card: Metadata, kind: RepoKind, config: ModelConfig | None, files: Files | None
) -> Iterator[Fault]:
    """Report a relation that the files rule out; where they leave a choice, the author's word stands."""
    value = card.get("base_model_relation")
    if value is None:
        return
    nested = files is not None and bool(files.ending("/adapter_config.json"))
    problem, mend = _problem(value.data, kind, config, nested)
    if problem:
        edit = Edit(README, value.line, mend, value.column, value.raw) if mend in _RELATIONS else None
        yield Fault(problem, README, value.line, value.column, hint=f"base_model_relation: {mend}", edit=edit)


def _problem(relation: Json, kind: RepoKind, config: ModelConfig | None, nested: bool) -> tuple[str, str]:
    if relation not in _RELATIONS:
        return f"{quote(relation)} is no relation that the Hub knows", " or ".join(_RELATIONS)
    if kind is RepoKind.ADAPTER and relation != "adapter":
        return f"the repo holds an adapter, the card says {relation}", "adapter"
    # Adapters in folders of their own, and those of other libraries than PEFT, have no adapter_config.json at the top.
    if kind is RepoKind.MODEL and relation == "adapter" and config is not None and not nested:
        return "the card says adapter, and the repo has no adapter_config.json", "finetune"
    if config is not None and relation in ("finetune", "merge"):
        quantization = config.data.get("quantization_config")
        method = quantization.get("quant_method") if isinstance(quantization, dict) else None
        if isinstance(method, str) and method in _APPLIED_LATER:
            return f"config.json says {method}, the card says {relation}", "quantized"
    return "", ""
