"""A true number put where a card has a wrong one, written as the card writes: its unit, its commas, its decimals."""

from __future__ import annotations

import re

from publisher.checks.observe.claim_words import UNITS
from publisher.checks.observe.claims import Number
from publisher.checks.observe.readme import README
from publisher.checks.rule import Edit

_FAMILIES = (("k", "m", "b", "t"), ("thousand", "million", "billion", "trillion"))


def restated(number: Number, true: float) -> Edit | None:
    """The edit that writes the true number; None where the old one's place, or the unit to write, is in doubt."""
    after = _with_unit(number, true) if number.unit else in_style(number.digits, true)
    return None if after is None else replaced(number.raw, number.line, number.written, after)


def replaced(raw: str, line: int, before: str, after: str) -> Edit | None:
    """The edit of a word or number in one line of the card; None where it does not stand there exactly once.

    Args:
        raw: the line as the file has it.
        line: its number, from 1.
        before: what is to be replaced.
        after: what by.
    """
    places = list(re.finditer(rf"(?<![\w.,]){re.escape(before)}(?!\w|[.,]\d)", raw))
    return Edit(README, line, after, places[0].start() + 1, before) if len(places) == 1 else None


def in_style(digits: str, true: float) -> str | None:
    """A number without unit, with commas where the old one has them; None for a fraction of such a one."""
    if true != int(true):
        return None if "," in digits else f"{true:g}"
    return f"{int(true):,}" if "," in digits else f"{int(true)}"


def _with_unit(number: Number, true: float) -> str | None:
    """In the card's unit where that leaves a number from 1 to 999, else in the next that does."""
    family = next(family for family in _FAMILIES if number.unit.lower() in family)
    fitting = [unit for unit in family if 1 <= true / UNITS[unit] < 1000]
    if not fitting:
        return None
    unit, value = fitting[0], true / UNITS[fitting[0]]
    decimals = max(len(number.digits.partition(".")[2]), 1 if value < 10 else 0)
    between = number.written.removeprefix(number.digits).removesuffix(number.unit)
    return f"{value:.{decimals}f}{between}{unit.upper() if number.unit.isupper() else unit}"
