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
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_AMPLE = 1000  # tokens: a limit that large is a limit on the whole, and meant so


@rule(Severity.WARNING, fixable=True)
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
        block = generation.block
        column = block.place(limit.lineno, limit.col_offset)
        # Settings that are unpacked in the call may hold the other one, and both at once raise.
        unpacked = any(each.arg is None for each in generation.call.keywords)
        certain = not unpacked or "max_new_tokens" not in models.snippets.all_code
        yield Fault(
            f"max_length={value} counts the prompt as well: a prompt of {value} tokens raises a ValueError",
            README,
            block.line(limit),
            block.column(limit),
            hint=f"write max_new_tokens={value}",
            edit=Edit(README, block.line(limit), "max_new_tokens", column, "max_length")
            if column is not None and certain
            else None,
        )
