"""SNIP149 class-differs: a snippet loads this repo by a class that cannot load what lies in it.

Why   `AutoModelForCausalLM` raises a ValueError on a model that takes images, `PeftModel` on a repo without an
      adapter. An adapter's repo is loaded by transformers too, but only where peft is installed.
Fix   load by the class that fits: `AutoModelForImageTextToText` for a model that takes images, `PeftModel` for an
      adapter, an Auto class for a merged model.

Bad
    config.json:
        {"model_type": "qwen2_vl", "architectures": ["Qwen2VLForConditionalGeneration"]}
    README.md:
        ```python
        from transformers import AutoModelForCausalLM
        model_id = "acme/model"
        model = AutoModelForCausalLM.from_pretrained(model_id) ←
        ```
Bad
    config.json:
        {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    README.md:
        ```python
        from peft import AutoPeftModelForCausalLM
        model = AutoPeftModelForCausalLM.from_pretrained("acme/model") ←
        ```
Bad
    adapter_config.json:
        {"peft_type": "LORA", "base_model_name_or_path": "acme/base"}
    README.md:
        ```python
        from transformers import AutoModelForCausalLM
        model = AutoModelForCausalLM.from_pretrained("acme/model") ←
        ```
Good
    config.json:
        {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"]}
    README.md:
        ```python
        from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
        model = AutoModelForImageTextToText.from_pretrained("acme/model")
        words_only = AutoModelForCausalLM.from_pretrained("acme/model")
        ```
Good
    adapter_config.json:
        {"peft_type": "LORA", "base_model_name_or_path": "acme/base"}
    README.md:
        ```python
        from peft import PeftModel
        from transformers import AutoModelForCausalLM
        base = AutoModelForCausalLM.from_pretrained("acme/base")
        model = PeftModel.from_pretrained(base, "acme/model")
        ```
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known.autos import class_for, loads
from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.models_in_code import Loaded, ModelsInCode
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.observe.snippets import keyword
from publisher.checks.observe.target import Given
from publisher.checks.observe.truths import Truths
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_ADAPTER = "adapter_config.json"


@rule(Severity.WARNING)
def class_differs(
    models: ModelsInCode, truths: Truths, card: Metadata, given: Given, kind: RepoKind
) -> Iterator[Fault]:
    """A repo does not know its own id: judged is the only one that the card loads and calls no base; each class once."""
    if given.files is None or kind is RepoKind.CARD:  # a folder of a card alone
        return
    base = truths.adapter.data.get("base_model_name_or_path") if truths.adapter is not None else None
    others = {base, *(each.data for each in card.texts("base_model")), *(b.text for b in truths.claims.bases)}
    loaded = [(each, _repo(each, models)) for each in models.loaded]
    own = {repo for _, repo in loaded} - others - {""}
    has_adapter = any(entry.path.endswith(_ADAPTER) for entry in given.files)
    reported: set[str] = set()
    for each, repo in loaded:
        if own != {repo} or each.class_name in reported or keyword(each.call, "subfolder") is not None:
            continue
        fault = _judge(each, models, truths, has_adapter=has_adapter)
        if fault is not None:
            reported.add(each.class_name)
            yield fault


def _repo(loaded: Loaded, models: ModelsInCode) -> str:
    """The id that is loaded; `PeftModel` is given the base's model first."""
    return models.repo(loaded, 1 if loaded.class_name.startswith("PeftModel") else 0)


def _judge(loaded: Loaded, models: ModelsInCode, truths: Truths, *, has_adapter: bool) -> Fault | None:
    name, line = loaded.class_name, loaded.block.line(loaded.call)
    origin = models.snippets.origin(name)
    if origin.startswith("peft.") and not has_adapter:
        return Fault(
            f"{quote(name)} loads adapters, and this repo has no {_ADAPTER}",
            README,
            line,
            hint=f"load it by {name.replace('Peft', '') if name.startswith('AutoPeft') else 'an Auto class of transformers'}",
        )
    if not origin.startswith("transformers.Auto") or not loaded.is_model or loaded.trusts_code:
        return None
    config = truths.config
    if config is not None and not has_adapter and "auto_map" not in config.data:
        kind = str(config.data.get("model_type", ""))
        if loads(name, kind) is False:
            fitting = class_for(kind)
            return Fault(
                f"{quote(name)} loads no model of the kind {quote(kind)}: from_pretrained raises a ValueError",
                README,
                line,
                hint=f"load it by {fitting}" if fitting else "load it by the class that config.json names",
            )
    if config is None and has_adapter and "peft" not in models.snippets.card.lower():
        return Fault(
            f"this repo is an adapter: {quote(name)} loads it only where peft is installed, which the card does not say",
            README,
            line,
            hint="say so (pip install peft), or load the base and then PeftModel.from_pretrained(base, ...)",
            severity=Severity.NOTE,
        )
    return None
