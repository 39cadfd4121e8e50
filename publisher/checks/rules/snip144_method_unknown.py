"""SNIP144 method-unknown: a snippet calls a method that no model of transformers or PEFT has.

Why   the call ends in an AttributeError; such methods are often invented, or belong to code that was never published.
Fix   call what there is (`generate`), or load the class that has the method and say where it comes from.

Bad
    README.md:
        ```python
        from transformers import AutoModelForCausalLM
        model = AutoModelForCausalLM.from_pretrained("acme/model")
        print(model.generate_expression("a ship")) ←
        ```
Good
    README.md:
        ```python
        from transformers import AutoModel, AutoModelForCausalLM
        model = AutoModelForCausalLM.from_pretrained("acme/model").eval()
        print(model.generate(**inputs), model.config.vocab_size, model.lm_head.weight)
        own = AutoModel.from_pretrained("acme/other", trust_remote_code=True)
        print(own.chat("a ship"))
        ```
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known.api import model_methods
from publisher.checks.observe.models_in_code import ModelsInCode
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import calls, dotted
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def method_unknown(models: ModelsInCode) -> Iterator[Fault]:
    """Report only on models that an Auto class of transformers loads without code of the repo's own."""
    for block in models.snippets.parsed:
        for call in calls(block):
            name, _, method = dotted(call.func).rpartition(".")
            loaded = models.meant(name, block)
            if (
                not loaded
                or method in model_methods()
                or not all(_is_plain(each.class_name) and not each.trusts_code for each in loaded)
            ):
                continue
            yield Fault(
                f"{quote(f'{name}.{method}')}: no model class of transformers or PEFT has this method",
                README,
                block.line(call),
                block.column(call),
                hint="call model.generate, or say which class has the method",
            )


def _is_plain(class_name: str) -> bool:
    return class_name.startswith(("AutoModelFor", "AutoPeftModel", "PeftModel"))
