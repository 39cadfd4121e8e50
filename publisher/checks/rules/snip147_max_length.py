"""SNIP147 max-length: a snippet limits prompt and answer together where it means the answer.

Why   `max_length` counts the prompt: a longer prompt leaves no room for an answer, and one beyond the limit raises a
      ValueError.
Fix   `max_new_tokens=100`.

Bad
    README.md:
        ```python
        from transformers import AutoModelForCausalLM
        model = AutoModelForCausalLM.from_pretrained("acme/model")
        out = model.generate(ids, max_length=100) ←
        ```
Good
    README.md:
        ```python
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM
        model = AutoModelForCausalLM.from_pretrained("acme/model")
        out = model.generate(ids, max_new_tokens=100)
        translator = AutoModelForSeq2SeqLM.from_pretrained("acme/other")
        out = translator.generate(ids, max_length=100)
        ```
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.models_in_code import ModelsInCode
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import constant, keyword
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_AMPLE = 1000  # tokens: a limit that large is a limit on the whole, and meant so


@rule(Severity.WARNING)
def max_length(models: ModelsInCode) -> Iterator[Fault]:
    """Report only models whose output goes on from the prompt, and limits that a prompt can reach."""
    for generation in models.generations:
        limit = keyword(generation.call, "max_length")
        value = constant(limit.value) if limit is not None else None
        if (
            limit is None
            or not generation.model.is_causal
            or keyword(generation.call, "max_new_tokens") is not None
            or not isinstance(value, int)
            or value >= _AMPLE
        ):
            continue
        yield Fault(
            f"max_length={value} counts the prompt as well: a prompt of {value} tokens raises a ValueError",
            README,
            generation.block.line(limit),
            generation.block.column(limit),
            hint=f"write max_new_tokens={value}",
        )
