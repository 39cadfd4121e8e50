"""The filter: small rules, each of which says of an answer why it is left out, and a count of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from publisher.data.language import is_foreign
from publisher.data.sample import Sample
from publisher.manifest.dataset import ExpressionFilter, RowFilter

# What a pipeline writes in place of an answer that it did not get.
_ERROR = re.compile(
    r"\s*(?:processing error\b|error:|exception:|traceback \(most recent|null$|none$|nan$|n/a$|\[error)",
    re.IGNORECASE,
)
# What the pictures are marked with, which is not there for whoever reads the expression.
_MARK = re.compile(
    r"\b(?:red (?:bounding )?(?:box|rectangle|outline|frame|overlay|mask)|bounding box|highlighted|(?:red|colou?red) tint"
    r"|tinted|mask(?:ed)?|overlaid|outlined in red|marked in red|close-?up|(?:first|second) (?:image|picture))\b",
    re.IGNORECASE,
)

Reason = Callable[[Sample], bool]


@dataclass(frozen=True)
class Kept:
    """What stays, in the order it came in, and how many were dropped for each reason that there is."""

    samples: tuple[Sample, ...]
    dropped: Mapping[str, int]


def keep(
    samples: Iterable[Sample],
    settings: RowFilter,
    is_ambiguous: Callable[[Sample], bool] = lambda sample: False,
) -> Kept:
    """Drop what must not be trained on; the first reason in the order of `reasons` counts.

    Args:
        samples: of all scenes.
        settings: which rules hold, and their bounds.
        is_ambiguous: whether an answer fits another item too; asked only where `settings` has that rule.
    """
    every = list(samples)
    rules = reasons(every, settings, is_ambiguous)
    dropped = Counter(dict.fromkeys(rules, 0))
    kept = []
    for sample in every:
        reason = next((name for name, applies in rules.items() if applies(sample)), None)
        if reason is None:
            kept.append(sample)
        else:
            dropped[reason] += 1
    return Kept(tuple(kept), dict(dropped))


def reasons(
    samples: Sequence[Sample], settings: RowFilter, is_ambiguous: Callable[[Sample], bool]
) -> dict[str, Reason]:
    """The rules that hold, by the name under which they count."""
    rules: dict[str, Reason] = {}
    if settings.errors:
        rules["error_in_band"] = lambda sample: is_error(sample.answer)
    if isinstance(settings, ExpressionFilter) and settings.marks:
        rules["mark_leaked"] = lambda sample: speaks_of_mark(sample.answer)
    rules["too_short"] = lambda sample: len(sample.answer.split()) < settings.min_words
    if (longest := settings.max_words) is not None:
        rules["too_long"] = lambda sample: len(sample.answer.split()) > longest
    if (language := settings.language) is not None:
        rules["other_language"] = lambda sample: is_foreign(sample.answer, language)
    if isinstance(settings, ExpressionFilter) and settings.unique:
        rules["not_unique"] = _said_of_several(samples)
    if isinstance(settings, ExpressionFilter) and settings.unambiguous:
        rules["ambiguous"] = is_ambiguous
    if settings.duplicates:
        rules["duplicate"] = _said_before()
    return rules


def is_error(answer: str) -> bool:
    """Whether an answer is what a program wrote when it had none."""
    return _ERROR.match(answer) is not None


def speaks_of_mark(answer: str) -> bool:
    """Whether an expression speaks of how the item was shown, not of the item."""
    return _MARK.search(answer) is not None


def unseen(held_out: Iterable[Sample], train: Iterable[Sample]) -> Iterator[Sample]:
    """Held-out samples that are not trained on word for word."""
    seen = {sample.trained for sample in train}
    return (sample for sample in held_out if sample.trained not in seen)


def _said_of_several(samples: Sequence[Sample]) -> Reason:
    items: dict[tuple[str, str], set[int]] = {}
    for sample in samples:
        items.setdefault((sample.scene, _plain(sample.answer)), set()).add(sample.item)
    return lambda sample: len(items[sample.scene, _plain(sample.answer)]) > 1


def _said_before() -> Reason:
    seen: set[tuple[object, ...]] = set()

    def applies(sample: Sample) -> bool:
        # Only what passed every other rule gets here, so the first one that stays is the one that counts.
        told = (sample.scene, sample.item, *sample.trained) if sample.scene else sample.trained
        known = told in seen
        seen.add(told)
        return known

    return applies


def _plain(answer: str) -> str:
    """Without what does not tell two expressions apart: case, spaces, a last full stop."""
    return " ".join(answer.casefold().split()).rstrip(".")
