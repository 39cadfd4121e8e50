"""CLAIM123 lora-settings: the card's rank, alpha, dropout or target modules are not those of adapter_config.json.

Why   whoever trains again by the card gets another adapter.
Fix   copy the values from adapter_config.json.

Bad
    README.md:
        - **LoRA Rank (r)**: 64 ←
        - **LoRA Alpha**: 32
        - **Target Modules**: q_proj, v_proj ←
    adapter_config.json:
        {"r": 16, "lora_alpha": 32, "target_modules": ["q_proj", "k_proj", "v_proj"]}
Bad
    README.md:
        ```python
        config = LoraConfig(r=64, lora_alpha=32) ←
        ```
    adapter_config.json:
        {"r": 16, "lora_alpha": 32}
Good
    README.md:
        - **LoRA Rank (r)**: 16
        - **LoRA Alpha**: 32
        - **Target Modules**: Query, Key and Value projections
    adapter_config.json:
        {"r": 16, "lora_alpha": 32, "target_modules": ["q_proj", "k_proj", "v_proj"]}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.claim_words import Subject
from publisher.checks.observe.claims import Claims
from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.lora import target_names
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import Snippets, calls, constant, dotted
from publisher.checks.observe.truths import Truths
from publisher.checks.quoting import quote
from publisher.checks.restate import restated
from publisher.checks.rule import Edit, Fault, Skip, rule
from publisher.records.findings import Severity

_SETTINGS: tuple[tuple[Subject, str], ...] = (
    ("rank", "r"),
    ("alpha", "lora_alpha"),
    ("dropout", "lora_dropout"),
)


@rule(Severity.ERROR, fixable=True)
def lora_settings(truths: Truths, snippets: Snippets) -> Iterator[Fault | Skip]:
    """Compare labelled values; of several, one that fits excuses the others (a card may list experiments)."""
    claims, adapter = truths.claims, truths.adapter
    if adapter is None:
        if any(claims.of(subject) for subject, _ in _SETTINGS):
            yield Skip("no adapter_config.json to compare the card's LoRA settings with")
        return
    for subject, key in _SETTINGS:
        stated = [number for number in claims.of(subject) if number.high]
        true = adapter.data.get(key)
        if not stated or isinstance(true, bool) or not isinstance(true, int | float):
            continue
        if not any(number.agrees(true) for number in stated) and not (
            key == "r" and adapter.data.get("rank_pattern")
        ):
            yield Fault(
                f"the card says {subject} {stated[0].text}, adapter_config.json says {key} = {true}",
                README,
                stated[0].line,
                stated[0].column,
                hint=f"write {true}",
                edit=restated(stated[0], true) if len(stated) == 1 else None,
            )
    yield from _targets(claims, adapter)
    yield from _in_code(snippets, adapter)


def _targets(claims: Claims, adapter: AdapterConfig) -> Iterator[Fault]:
    stated, true = claims.targets, target_names(adapter)
    if stated is None or true is None or any("." in name for name in true):
        return
    missing, extra = set(true) - set(stated.names), set(stated.names) - set(true)
    if missing or extra:
        parts = [f"also adapts {', '.join(sorted(missing)[:6])}"] if missing else []
        parts += [f"does not adapt {', '.join(sorted(extra)[:6])}"] if extra else []
        yield Fault(
            f"the card's target modules are {quote(stated.text, 60)}; adapter_config.json {' and '.join(parts)}",
            README,
            stated.line,
            hint=f"write {', '.join(sorted(true)[:10])}",
        )


def _in_code(snippets: Snippets, adapter: AdapterConfig) -> Iterator[Fault]:
    for block in snippets.parsed:
        for call in calls(block):
            if dotted(call.func).rpartition(".")[2] != "LoraConfig":
                continue
            for argument in call.keywords:
                stated, true = constant(argument.value), adapter.data.get(argument.arg or "")
                if argument.arg in ("r", "lora_alpha", "lora_dropout") and _differ(stated, true):
                    yield Fault(
                        f"the snippet says {argument.arg}={stated}, adapter_config.json {argument.arg} = {true}",
                        README,
                        block.line(argument),
                        block.column(argument),
                        hint=f"write {true}",
                        edit=Edit(
                            README,
                            block.line(argument.value),
                            str(true),
                            block.column(argument.value),
                            str(stated),
                        ),
                    )


def _differ(stated: object, true: object) -> bool:
    return all(type(each) in (int, float) for each in (stated, true)) and stated != true
