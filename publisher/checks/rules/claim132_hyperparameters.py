"""CLAIM132 hyperparameters: a hyper-parameter is praised instead of given, left open, or not the one that was run.

Why   a training cannot be repeated from "optimized"; and a batch size with accumulation of unknown length is none.
Fix   give the numbers of the run: per-device batch, accumulation steps, devices, steps or epochs.

Bad
    README.md:
        - **Batch Size**: 4 (effective batch size with gradient accumulation) ←
        - **Training Steps**: Optimized for convergence on 500 samples ←
Bad
    README.md:
        - Epochs: 5 ←
    trainer_state.json:
        {"global_step": 63, "num_train_epochs": 3}
Good
    README.md:
        - **Batch Size**: 1 x 8 accumulation steps = 8 effective
        - **Training Steps**: 63
        - Epochs: 3
    trainer_state.json:
        {"global_step": 63, "num_train_epochs": 3}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.outline import Passage
from publisher.checks.observe.readme import README, Readme
from publisher.checks.observe.trainer import TrainerState
from publisher.checks.quoting import quote
from publisher.checks.restate import in_style, replaced
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_LABEL = re.compile(
    r"(?:number of |total |max(?:imum)? |num )?(?:training |train )?(?:steps|epochs?)|(?:peak |initial )?learning[ _]rate|"
    r"(?:train(?:ing)? |effective |global |total |per[- ]device )?batch[ _]size|warm-?up(?: steps| ratio)?",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"(?:optimi[sz]ed|tuned|carefully|appropriate|adjusted|suitable|sufficient|adequate|dynamic(?:ally)?|various)\b",
    re.IGNORECASE,
)
_BATCH = re.compile(r"batch[ _]size", re.IGNORECASE)
_ACCUMULATION = re.compile(r"accumulation", re.IGNORECASE)
_COUNTED = re.compile(
    r"accumulation[^\n]{0,40}?\d|\d+\s*(?:\w+\s+){0,3}accumulation|\d\s*[x×*]\s*\d|GAS\s*[=:]?\s*\d",
    re.IGNORECASE,
)
_STEPS = re.compile(r"(?:total |max(?:imum)? |number of |num )?(?:training |train )?steps", re.IGNORECASE)
_EPOCHS = re.compile(
    r"(?:number of |num |total )?(?:training |train )?epochs?|num_(?:train_)?epochs", re.IGNORECASE
)
_WHOLE = re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,9})(?:\.0)?(?![\d.,])\s*(?:steps|epochs?)?\s*$")


@rule(Severity.WARNING, fixable=True)
def hyperparameters(claims: Claims, readme: Readme, trainer: TrainerState) -> Iterator[Fault]:
    """Labelled lines only. Where trainer_state.json lies beside the card, its numbers are the truth."""
    counted: bool | None = None
    for passage in claims.outline.passages:
        if not passage.label or passage.kind == "heading":
            continue
        if _LABEL.fullmatch(passage.label) and _EMPTY.match(passage.value):
            yield Fault(
                f"{quote(passage.label)} has no value: {quote(passage.value, 60)}",
                README,
                passage.line,
                hint="give the number of the run",
            )
        elif _BATCH.search(passage.label) and _ACCUMULATION.search(passage.value):
            counted = counted if counted is not None else _COUNTED.search(readme.text) is not None
            if not counted:
                yield Fault(
                    f"{quote(passage.value, 70)}: the number of accumulation steps stands nowhere, so the effective "
                    "batch size is unknown",
                    README,
                    passage.line,
                    hint="write: per device x accumulation steps x devices = effective",
                )
        else:
            yield from _compared(passage, trainer)


def _compared(passage: Passage, trainer: TrainerState) -> Iterator[Fault]:
    for label, key, true in (
        (_STEPS, "global_step", trainer.steps),
        (_EPOCHS, "num_train_epochs", trainer.epochs),
    ):
        stated = _WHOLE.match(passage.value) if true is not None and label.fullmatch(passage.label) else None
        if stated is not None and true is not None and int(stated[1].replace(",", "")) != true:
            yield Fault(
                f"the card says {quote(passage.label)} {stated[1]}, trainer_state.json says {key} = {true:.12g}",
                README,
                passage.line,
                hint=f"write {true:.12g}",
                severity=Severity.ERROR,
                edit=replaced(
                    passage.raw, passage.line, stated[1], in_style(stated[1], true) or f"{true:.12g}"
                ),
            )
