"""What a card may say of a dataset: how many rows, of what, from where, and what was dropped on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

from publisher.data.sample import Sample, Source
from publisher.manifest.dataset import BuildSettings, HubSettings, ScenesSettings
from publisher.records.facts import Measurement, Status


def measure(
    settings: BuildSettings,
    source: Source,
    splits: Mapping[str, Sequence[Sample]],
    made: int,
    dropped: Mapping[str, int],
) -> tuple[Measurement, ...]:
    """Facts of a dataset. What was made is what stays and what was dropped, counted together."""
    every = list(chain.from_iterable(splits.values()))
    speaks_of_items = any(sample.scene for sample in every)
    unit, word = ("expressions", "expressions_generated") if speaks_of_items else ("rows", "rows_read")
    return (
        Measurement("dataset.source", settings.from_),
        *_pinned(settings),
        *((Measurement("dataset.source_datasets", list(settings.sources)),) if settings.sources else ()),
        Measurement("dataset.rows", len(every), "rows"),
        *(Measurement(f"dataset.{split}.rows", len(of), "rows") for split, of in splits.items()),
        Measurement(f"dataset.{word}", made, unit),
        *(Measurement(f"dataset.dropped.{reason}", count, unit) for reason, count in dropped.items()),
        *((Measurement("dataset.seed", settings.seed),) if isinstance(settings, ScenesSettings) else ()),
        *_held_out(settings, every),
        Measurement("dataset.columns", list(source.features)),
        Measurement("dataset.answer_words", _words(every)),
        *(_of_items(source, every) if speaks_of_items else ()),
        *source.measure(splits),
    )


def _held_out(settings: BuildSettings, samples: Sequence[Sample]) -> tuple[Measurement, ...]:
    """What decided the split: the source, or a seed."""
    keeps_own = settings.split.by in (None, "given")
    if keeps_own and (settings.split.by or any(sample.split == "validation" for sample in samples)):
        return (Measurement("dataset.split_by", "given"),)
    kept_together = settings.split.by or ("scene" if any(sample.scene for sample in samples) else "row")
    return (
        Measurement("dataset.split_by", kept_together),
        Measurement("dataset.split_seed", settings.seed_of_split),
    )


def _pinned(settings: BuildSettings) -> tuple[Measurement, ...]:
    if not isinstance(settings, HubSettings):
        return ()
    repo_id, _, revision = settings.repo.partition("@")
    return Measurement("dataset.source_repo", repo_id), Measurement("dataset.source_revision", revision)


def _words(samples: Sequence[Sample]) -> dict[str, int]:
    """How many answers have so many words, from few to many."""
    counted = Counter(len(sample.answer.split()) for sample in samples)
    return {str(words): counted[words] for words in sorted(counted)}


def _of_items(source: Source, samples: Sequence[Sample]) -> tuple[Measurement, ...]:
    types = Counter(sample.origin.type for sample in samples)
    rules = Counter(sample.origin.rule for sample in samples if sample.origin.rule)
    categories = Counter(source.category(sample) for sample in samples)
    items = {(sample.scene, sample.item) for sample in samples}
    return (
        Measurement("dataset.items", len(items), "items"),
        Measurement("dataset.rows_by.type", dict(sorted(types.items()))),
        Measurement("dataset.rows_by.rule", dict(sorted(rules.items()))),
        Measurement("dataset.rows_by.category", dict(sorted(categories.items()))),
        *_of_models(samples),
    )


def _of_models(samples: Sequence[Sample]) -> tuple[Measurement, ...]:
    """How many rows are in a language model's words, and in whose, where every one of them says so."""
    models = [sample.origin.model for sample in samples if sample.origin.type != "original"]
    if not models:
        return ()
    told = sorted({model for model in models if model})
    status: Status = "known" if all(models) else "unknown"
    return (
        Measurement("dataset.model_rows", len(models), "rows"),
        Measurement("dataset.model_names", told if status == "known" else None, status=status),
    )
