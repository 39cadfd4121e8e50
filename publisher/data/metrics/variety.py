"""How varied texts are among each other: words that repeat, and answers that repeat each other."""

from __future__ import annotations

import re
from collections.abc import Sequence

from publisher.data.installed import installed

_WORD = re.compile(r"\w+(?:['’-]\w+)*")


def words(text: str) -> list[str]:
    """The words of a text, in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def distinct(texts: Sequence[str], size: int) -> float | None:
    """Different runs of so many words among all of them, 0..1; None where no text has so many words.

    It falls with the number of words, so it compares the same number of texts of like length only.
    """
    runs = [run for text in texts for run in _runs(words(text), size)]
    return len(set(runs)) / len(runs) if runs else None


def vocabulary(texts: Sequence[str]) -> int:
    """How many different words are used."""
    return len({word for text in texts for word in words(text)})


def self_bleu(texts: Sequence[str]) -> float | None:
    """Mean BLEU of each text against all others, 0..100: 100 where all say the same. None for fewer than two texts."""
    if len(texts) < 2:
        return None
    metric = installed("sacrebleu").BLEU(effective_order=True, lowercase=True)
    scores = [
        metric.sentence_score(text, [*texts[:index], *texts[index + 1 :]]).score
        for index, text in enumerate(texts)
    ]
    return float(sum(scores) / len(scores))


def _runs(parts: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(parts[start : start + size]) for start in range(len(parts) - size + 1)]
