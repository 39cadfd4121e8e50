"""CLAIM121 trainable-parameters: the stated number of trained parameters is not what this LoRA has.

Why   the number is rank times (in + out) of every adapted module: it shows whether the stated rank, modules and base
      are those that were trained.
Fix   write what the adapter's file holds, or what `model.print_trainable_parameters()` says.

Bad
    README.md:
        ---
        base_model: google/gemma-2-9b
        ---
        - LoRA rank: 64
        - Target modules: q_proj, k_proj, v_proj, o_proj
        - Trainable parameters: ~167M ←
Bad
    README.md:
        It has 2,048 trainable parameters. ←
    adapter_config.json:
        {}
    adapter_model.safetensors (safetensors):
        base_model.model.q_proj.lora_A.weight F32 8x64
        base_model.model.q_proj.lora_B.weight F32 64x8
Good
    README.md:
        ---
        base_model: google/gemma-2-9b
        ---
        - LoRA rank: 64
        - Target modules: q_proj, k_proj, v_proj, o_proj
        - Trainable parameters: 71.6M
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.readme import README, Readme
from publisher.checks.observe.truths import Truth, Truths
from publisher.checks.restate import restated
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

# With these, more is trained than A and B of the listed modules.
_MORE = re.compile(
    r"modules_to_save|\bDoRA\b|lora_bias|bias\s*[=:]\s*[\"']?(?:all|lora_only)|rank_pattern|embed_tokens|lm_head.{0,20}train|"
    r"full(?:y)? fine-?tun",
    re.IGNORECASE,
)


@rule(Severity.WARNING, fixable=True)
def trainable_parameters(truths: Truths, readme: Readme) -> Iterator[Fault | Skip]:
    """An error where the adapter's own file proves it; else the base's shape is the measure."""
    stated = [number for number in truths.claims.of("trainable") if number.high and number.value >= 1000]
    if not stated:
        return
    number = stated[0]
    if truths.trained is not None:
        possible, severity = [Truth(truths.trained, "adapter_model.safetensors")], Severity.ERROR
    else:
        possible, severity = _possible(truths, readme.text), Severity.WARNING
    if not possible:
        yield Skip("neither an adapter nor a stated rank, modules and known base tell how much was trained")
        return
    fits = [
        each
        for each in stated
        for truth in possible
        if each.agrees(truth.value) or _close(each.value, truth.value)
    ]
    if not fits:
        shown = "; ".join(f"{truth.value:,.0f} for {truth.source}" for truth in possible[:7])
        settings = "" if truths.trained is not None else f" with {_settings(truths.claims)}"
        yield Fault(
            f"{number.text} is not what a LoRA{settings} has: {shown}"
            if settings
            else f"the card says {number.text}, adapter_model.safetensors holds {truths.trained:,}",
            README,
            number.line,
            number.column,
            hint="write what print_trainable_parameters() says",
            severity=severity,
            edit=restated(number, truths.trained)
            if truths.trained is not None and len(stated) == 1
            else None,
        )


def _possible(truths: Truths, text: str) -> list[Truth]:
    ranks = {number.value for number in truths.claims.of("rank") if number.high}
    targets = truths.claims.targets
    if len(ranks) != 1 or targets is None or _MORE.search(text):
        return []
    return list(truths.lora_sizes(int(ranks.pop()), targets.names))


def _close(stated: float, true: float) -> bool:
    return abs(stated - true) <= 0.02 * true


def _settings(claims: Claims) -> str:
    rank = next(number for number in claims.of("rank") if number.high)
    names = claims.targets.names if claims.targets is not None else ()
    return f"rank {rank.value:.0f} on {', '.join(names)}"
