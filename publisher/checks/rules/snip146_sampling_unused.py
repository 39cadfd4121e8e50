"""SNIP146 sampling-unused: a snippet sets temperature, top_p or top_k, and does not turn sampling on.

Why   without `do_sample=True`, and without a generation_config.json that says so, generate() is greedy: the setting is
      ignored, and the warning about it is easily missed.
Fix   add `do_sample=True`, or leave the setting out.

Bad
    README.md:
        ```python
        from transformers import AutoModelForCausalLM
        model = AutoModelForCausalLM.from_pretrained("acme/model")
        out = model.generate(ids, max_new_tokens=9, temperature=0.7) ←
        ```
Good
    README.md:
        ```python
        from transformers import AutoModelForCausalLM
        model = AutoModelForCausalLM.from_pretrained("acme/model")
        out = model.generate(ids, max_new_tokens=9, do_sample=True, temperature=0.7)
        ```
Good
    generation_config.json:
        {"do_sample": true}
    README.md:
        ```python
        from transformers import AutoModelForCausalLM
        model = AutoModelForCausalLM.from_pretrained("acme/model")
        out = model.generate(ids, temperature=0.7)
        ```
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.models_in_code import ModelsInCode
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import constant, keyword
from publisher.checks.observe.truths import Truths
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_SETTINGS = ("temperature", "top_p", "top_k", "min_p", "typical_p")


@rule(Severity.WARNING, fixable=True)
def sampling_unused(models: ModelsInCode, truths: Truths) -> Iterator[Fault]:
    """A note where generation_config.json is not at hand: it may turn sampling on."""
    if (
        truths.samples or "do_sample" in models.snippets.all_code
    ):  # set in a dictionary, say, that is unpacked
        return
    for generation in models.generations:
        call = generation.call
        if any(keyword(call, name) is not None for name in ("generation_config", "penalty_alpha")):
            continue
        setting = next((each for each in call.keywords if each.arg in _SETTINGS), None)
        if setting is None or constant(setting.value) in (0, 0.0, 1.0, None):
            continue
        block, name = generation.block, setting.arg or ""
        column = block.place(setting.lineno, setting.col_offset)
        beams = keyword(call, "num_beams") is not None  # sampled beams are something else again
        yield Fault(
            f"{quote(name)} is ignored without do_sample=True"
            + (
                "" if truths.generation is not None else ", unless the model's generation_config.json sets it"
            ),
            README,
            block.line(setting),
            block.column(setting),
            hint="add do_sample=True, or leave it out",
            severity=None if truths.generation is not None else Severity.NOTE,
            edit=Edit(README, block.line(setting), f"do_sample=True, {name}", column, name)
            if column is not None and not beams
            else None,
        )
