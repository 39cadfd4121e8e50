"""What of the measurements tells how good a model is: of a stand-in it must not be said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from publisher.records.artifacts import KINDS
from publisher.records.facts import Measurement
from publisher.records.metrics import UNMEASURED

# How an evaluation was done, what a model is held against and why it was not measured may be said of anything; what
# came out of it may not.
_JUDGED = "|".join((*KINDS, "references", "rules"))
_QUALITY = re.compile(
    rf"evaluate\.({_JUDGED})\.(?!(\w+\.)?(against|{UNMEASURED})$).+"
    r"|validate\.[\w.]+\.(kl|argmax_agreement|max_logit_difference)_to_\w+"
)


def without_quality(measured: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """The same measurements, those of quality refused: evaluation, and how far apart two models' predictions are."""
    return tuple(
        replace(each, value=None, status="refused")
        if each.status == "known" and _QUALITY.fullmatch(each.id)
        else each
        for each in measured
    )
