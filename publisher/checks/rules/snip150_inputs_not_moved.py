"""SNIP150 inputs-not-moved: a snippet puts the model on a device and leaves the inputs on the CPU.

Why   with `device_map="auto"` on one GPU, generate() then fails, or warns and runs slowly: input and weights lie on two
      devices.
Fix   `inputs = tokenizer(prompt, return_tensors="pt").to(model.device)`.

Bad
    README.md:
        ```python
        from transformers import AutoModelForCausalLM, AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained("acme/model")
        model = AutoModelForCausalLM.from_pretrained("acme/model", device_map="auto")
        inputs = tokenizer("a ship", return_tensors="pt") ←
        out = model.generate(**inputs)
        ```
Good
    README.md:
        ```python
        from transformers import AutoModelForCausalLM, AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained("acme/model")
        model = AutoModelForCausalLM.from_pretrained("acme/model", device_map="auto")
        inputs = tokenizer("a ship", return_tensors="pt").to(model.device)
        out = model.generate(**inputs)
        ```
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from publisher.checks.observe.models_in_code import Generation, ModelsInCode
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import constant, keyword, nodes
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_MOVES = ("to", "cuda")


@rule(Severity.WARNING, fixable=True)
def inputs_not_moved(models: ModelsInCode) -> Iterator[Fault]:
    """Report where nothing in the block moves anything but the model; inputs that are used twice once."""
    reported: set[ast.Call] = set()
    for generation in models.generations:
        if not _on_a_device(generation) or _moves_inputs(generation):
            continue
        for name, call, _ in models.encoded(generation.block):
            if keyword(call, "return_tensors") is not None and _is_used(name, generation.call):
                if call in reported:
                    break
                reported.add(call)
                yield Fault(
                    f"{quote(name)} stays on the CPU, and the model is loaded with device_map",
                    README,
                    generation.block.line(call),
                    hint=f"append .to({generation.model.name}.device)",
                    edit=_edit(generation, call),
                )
                break


def _edit(generation: Generation, call: ast.Call) -> Edit | None:
    """Move them right where they are made, which only works behind the model's loading."""
    block, model = generation.block, generation.model
    tensors = keyword(call, "return_tensors")
    earlier = model.block.first < block.first or (model.block is block and model.call.lineno < call.lineno)
    line, end = call.end_lineno, call.end_col_offset
    if not earlier or tensors is None or constant(tensors.value) != "pt" or line is None or end is None:
        return None
    column = block.place(line, end - 1)
    if column is None:
        return None
    return Edit(README, block.first + line - 1, f").to({model.name}.device)", column, ")")


def _on_a_device(generation: Generation) -> bool:
    placed = keyword(generation.model.call, "device_map")
    return placed is not None and constant(placed.value) not in (None, "cpu")


def _moves_inputs(generation: Generation) -> bool:
    for node in nodes(generation.block):
        if isinstance(node, ast.Attribute) and node.attr in _MOVES:
            moved = node.value
            if not (isinstance(moved, ast.Name) and moved.id == generation.model.name):
                return True
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "set_default_device"
        ):
            return True
    return False


def _is_used(name: str, call: ast.Call) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(call))
