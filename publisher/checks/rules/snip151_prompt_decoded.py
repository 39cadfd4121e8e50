"""SNIP151 prompt-decoded: a snippet prints the prompt together with the answer.

Why   a decoder's output begins with its input; `decode(outputs[0])` shows both, and readers think that the model
      repeats the question.
Fix   `tokenizer.decode(outputs[0][inputs["input_ids"].shape[-1]:], skip_special_tokens=True)`.

Bad
    README.md:
        ```python
        from transformers import AutoModelForCausalLM, AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained("acme/model")
        model = AutoModelForCausalLM.from_pretrained("acme/model")
        out = model.generate(**tokenizer("a ship", return_tensors="pt"))
        print(tokenizer.decode(out[0], skip_special_tokens=True)) ←
        ```
Good
    README.md:
        ```python
        from transformers import AutoModelForCausalLM, AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained("acme/model")
        model = AutoModelForCausalLM.from_pretrained("acme/model")
        ids = tokenizer("a ship", return_tensors="pt").input_ids
        out = model.generate(ids)
        print(tokenizer.decode(out[0][ids.shape[-1]:], skip_special_tokens=True))
        ```
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from publisher.checks.observe.models_in_code import Generation, ModelsInCode
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import assigned, calls, constant
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.NOTE)
def prompt_decoded(models: ModelsInCode) -> Iterator[Fault]:
    """Report `decode(outputs[0])` of a causal model's output; completion of a text is what some cards show, so a note."""
    for generation in models.generations:  # the first only: later snippets are mostly copies of it
        if not generation.model.is_causal:
            continue
        output = next((name for name, value in assigned(generation.block) if value is generation.call), None)
        call = _decoding(output, generation) if output else None
        if call is not None:
            yield Fault(
                "the decoded text begins with the prompt",
                README,
                generation.block.line(call),
                generation.block.column(call),
                hint=f'decode {output}[0][inputs["input_ids"].shape[-1]:]',
            )
            return


def _decoding(output: str, generation: Generation) -> ast.Call | None:
    for call in calls(generation.block):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "decode" and call.args:
            taken = call.args[0]
            if (
                isinstance(taken, ast.Subscript)
                and isinstance(taken.value, ast.Name)
                and taken.value.id == output
                and isinstance(constant(taken.slice), int)
            ):
                return call
    return None
