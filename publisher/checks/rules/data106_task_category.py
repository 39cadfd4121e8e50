"""DATA106 task-category: an entry of `task_categories` is no task that the Hub knows.

Why   the dataset is found under no task.
Fix   take one of the ids under https://huggingface.co/tasks.

Bad
    README.md:
        ---
        license: mit
        task_categories:
        - text-generation
        - visual-grounding ←
        ---
Good
    README.md:
        ---
        license: mit
        task_categories: [image-text-to-text, other]
        ---
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from publisher.checks.known.ids import pipeline_tags
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

# Ids of former years: they still stand in many sound cards.
_FORMER = frozenset(
    (
        "text2text-generation", "conversational", "text-scoring", "structure-prediction", "sequence-modeling",
        "conditional-text-generation", "text-to-video", "speech-processing", "time-series-forecasting", "code-generation",
        "sequence-classification", "zero-shot-retrieval", "text-to-sql",
    )
)  # fmt: skip


@rule(Severity.WARNING)
def task_category(card: Metadata) -> Iterator[Fault]:
    """Report unknown ids; those of former years are a note."""
    for value in card.texts("task_categories"):
        if value.data in pipeline_tags():
            continue
        near = get_close_matches(value.data[:60], pipeline_tags(), n=1, cutoff=0.7)
        yield Fault(
            f"the Hub does not know the task {quote(value.data)}",
            README,
            value.line,
            value.column,
            hint=f"did you mean {near[0]}?" if near else "an id of https://huggingface.co/tasks",
            severity=Severity.NOTE if value.data in _FORMER else None,
        )
