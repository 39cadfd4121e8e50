"""Rows that are no data: an error message where a text should be, nothing where one is needed, labels out of range."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from publisher.checks.observe.cell_texts import texts_of

# A request's failure that was written down as its answer; a log or a question about errors begins otherwise.
_ERROR = re.compile(
    r"\s*(?:Processing error: |Error (?:processing|generating|calling|during (?:generation|processing|API call))\b|"
    r"(?:openai\.|anthropic\.|litellm\.)?(?:RateLimitError|APIConnectionError|APITimeoutError|APIStatusError|InternalServerError)\b|"
    r"Error code: [45]\d\d(?: - |\s*$)|(?:HTTP ?Error|HTTPError):? [45]\d\d\b:?|\[?API (?:error|ERROR)\]?:)"
)
_LONGEST_ERROR = 2000  # characters: longer texts speak of errors, they are none
# Columns that a model is trained on; elsewhere an empty text can mean something.
_NEEDED = frozenset({"completion", "response", "chosen", "rejected", "caption", "expression"})
_LABELS = frozenset({"label", "labels", "class"})
_UNLABELLED = -1  # what `datasets` and GLUE write where the label is kept secret


def flaws(row: Mapping[str, Any], labels: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Columns of a row and what is wrong with them.

    Args:
        row: one row.
        labels: the names of each class-label column.
    """
    for column, value in row.items():
        if any(_ERROR.match(text) for text in texts_of(value) if len(text) <= _LONGEST_ERROR):
            yield column, "an error message in place of data"
        elif column in _NEEDED and isinstance(value, str) and not value.strip():
            yield column, "an empty text"
        elif column in _LABELS and value is None:
            yield column, "no label"
        if column in labels and labels[column] and _outside(value, labels[column]):
            yield column, "a label that is not declared"


def _outside(value: Any, names: tuple[str, ...]) -> bool:
    """A number beyond the names, or a text that is none of them; lists of labels are another feature."""
    if type(value) is int:
        return value != _UNLABELLED and not 0 <= value < len(names)
    if isinstance(value, str) and value:
        number = value.isdecimal() and int(value) < len(names)
        return value not in names and not number and value != str(_UNLABELLED)
    return False
