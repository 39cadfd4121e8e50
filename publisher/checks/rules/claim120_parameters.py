"""CLAIM120 parameters: the card states another number of parameters than the weights, or the base, have.

Why   readers choose a model by it, and plan their memory by it.
Fix   write what the weights hold; tied weights count once, and once more where they were saved untied.

Bad
    README.md:
        ---
        base_model: google/gemma-2-9b
        ---
        - **Parameters**: 27B ←
Bad
    README.md:
        - Total parameters: 2.5M ←
    config.json:
        {}
    model.safetensors (safetensors):
        model.a F32 1000x1000
Good
    README.md:
        ---
        base_model: google/gemma-2-9b
        ---
        | Parameters | 9B |
        |---|---|

        Smaller than the 27B parameters of its sibling.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.claims import Number
from publisher.checks.observe.readme import README
from publisher.checks.observe.truths import Truths
from publisher.checks.restate import restated
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

# Names round: Gemma 7B has 8.5 billion, Llama 3 8B has 8.03. A number with decimals is meant more exactly.
_ROUND = (0.74, 1.36)
_EXACT = (0.9, 1.1)


@rule(Severity.WARNING, fixable=True)
def parameters(truths: Truths) -> Iterator[Fault | Skip]:
    """Report a labelled number where none of the card's labelled numbers fits."""
    yield from truths.claims.outline.unread
    stated = [number for number in truths.claims.of("parameters") if number.high and number.value >= 1e6]
    if not stated:
        return
    true, source = truths.parameters, "the safetensors files hold"
    if true is None and truths.headers is None and len(truths.shapes) == 1 and truths.shapes[0][2]:
        family, shape, _ = truths.shapes[0]
        true, source = shape.parameters, f"{family.id(shape)} has"
    if true is None:
        yield Skip("the number of parameters is known neither from weights nor from the base")
        return
    if not any(_fits(number, true) for number in stated):
        number = stated[0]
        sure = truths.parameters is not None and len(stated) == 1
        yield Fault(
            f"the card says {number.text} parameters; {source} {true:,}",
            README,
            number.line,
            number.column,
            hint=f"write {true / 1e9:.2f}B" if true >= 1e9 else f"write {true / 1e6:.1f}M",
            edit=restated(number, true) if sure else None,
        )


def _fits(number: Number, true: float) -> bool:
    low, high = _EXACT if "." in number.text else _ROUND
    return low <= number.value / true <= high
