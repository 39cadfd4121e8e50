"""What a model answered to the test prompts, kept so that a later version's answers can be held against it.

The prompts are the manifest's own words and are kept as such. Of an answer only the digest is: a model may repeat what it
was trained on, and a fact travels further than the data may.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from publisher.records.digest import digest
from publisher.records.facts import Json

ANSWERS = ".answers"  # how the ids of facts end that hold rows of these


def kept_answer(prompt: str, asked: Json, text: str) -> dict[str, Json]:
    """One row: the prompt, the digest of all that it was asked by, the sha256 of the answer in hex.

    Args:
        prompt: in words.
        asked: everything that decides the answer besides the model: limits, pictures.
        text: the answer, decoded.
    """
    return {
        "prompt": prompt,
        "asked": digest([prompt, asked]),
        "answer": hashlib.sha256(text.encode()).hexdigest(),
    }


def by_question(rows: Json) -> dict[str, str]:
    """Answers by the digest of what was asked; empty where the value holds no such rows."""
    return {str(row["asked"]): str(row["answer"]) for row in rows if _is_row(row)} if _is_rows(rows) else {}


def answered_otherwise(rows: Json, before: Mapping[str, str]) -> tuple[int, list[str]]:
    """Hold answers against those of an earlier version.

    Args:
        rows: of this version.
        before: of the earlier one, as `by_question` gives them.

    Returns:
        How many prompts both were asked, in the same way; and those of them, in words, that got another answer.
    """
    shared = [row for row in rows if _is_row(row) and row["asked"] in before] if _is_rows(rows) else []
    return len(shared), [str(row["prompt"]) for row in shared if row["answer"] != before[row["asked"]]]


def _is_rows(value: Json) -> bool:
    return isinstance(value, list | tuple)


def _is_row(row: Json) -> bool:
    return isinstance(row, Mapping) and {"prompt", "asked", "answer"} <= row.keys()
