"""A dataset from its source to Parquet: read, said in other words, filtered, split, written, measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from publisher.data.enhance.endpoint import ready
from publisher.data.enhance.estimate import Estimate, estimate
from publisher.data.enhance.measure import measured as measured_enhancement
from publisher.data.enhance.prompt import Prompt, load_prompt
from publisher.data.enhance.records import Enhanced
from publisher.data.enhance.run import enhance
from publisher.data.filter import keep, unseen
from publisher.data.measure import measure
from publisher.data.package import write_split
from publisher.data.registry import open_source
from publisher.data.sample import OnProgress, Origin, Sample, Source
from publisher.data.split import sides_of
from publisher.errors import HubpubError
from publisher.manifest.dataset import BuildSettings
from publisher.manifest.enhance import EnhanceSettings
from publisher.records.facts import Measurement

SEEN_IN_TRAIN = "seen_in_train"  # held out, and trained on word for word


@dataclass(frozen=True)
class Places:
    """Where a build finds and keeps things.

    Attributes:
        root: what the manifest's paths are relative to.
        source: the same, or where a Hub's dataset was fetched to.
        answers: keeps what a language model answered.
    """

    root: Path
    source: Path
    answers: Path


@dataclass(frozen=True)
class Draft:
    """A dataset before it is written.

    Attributes:
        source: makes rows of samples.
        drawn: what the source says, before anything else.
        splits: name → samples, `train` first; one that would be empty is there all the same.
        made: how many samples there were before any was dropped.
        dropped: why how many were.
        enhanced: what is to be said of the enhancement; empty without.
    """

    source: Source
    drawn: tuple[Sample, ...]
    splits: Mapping[str, tuple[Sample, ...]]
    made: int
    dropped: Mapping[str, int]
    enhanced: tuple[Measurement, ...] = ()


def build(
    settings: BuildSettings, places: Places, out: Path, on_progress: OnProgress
) -> tuple[Measurement, ...]:
    """Build the dataset and measure it.

    Args:
        settings: the recipe.
        places: see there.
        out: an empty folder; gets `data/train-…parquet`, `data/validation-…parquet` and what other splits there are.
        on_progress: called with the scenes, files or items done and those in all.

    Raises:
        HubpubError: HP-D01, there would be no rows, or none in one of the splits; HP-D02, HP-D03, HP-D06, what the
            source is refused for; HP-L01, HP-L02, HP-L03, the language model; HP-E01, a package is not installed.
    """
    drafted = draft(settings, places, on_progress)
    for split, samples in drafted.splits.items():
        write_split(out, split, drafted.source.features, map(drafted.source.row, samples))
    return (
        *measure(settings, drafted.source, drafted.splits, drafted.made, drafted.dropped),
        *drafted.enhanced,
    )


def draft(settings: BuildSettings, places: Places, on_progress: OnProgress, *, ask: bool = True) -> Draft:
    """Everything up to writing. `ask`: whether a language model is asked where the recipe wants one.

    Raises:
        HubpubError: as `build`.
    """
    wish: EnhanceSettings | None = getattr(settings, "enhance", None) if ask else None
    if wish is not None:
        ready(wish)  # a missing key is told before scenes are drawn for minutes
    source = open_source(settings, places.source)
    drawn = source.read(on_progress)
    samples = drawn.samples
    enhanced: tuple[Measurement, ...] = ()
    if wish is not None:
        samples, enhanced = _in_other_words(source, samples, wish, places, on_progress)
    filtered = keep(samples, settings.filter, source.is_ambiguous)
    splits = sides_of(filtered.samples, settings)
    dropped = Counter(drawn.dropped)
    dropped.update(filtered.dropped)
    if settings.filter.seen_in_train:
        held_out = {
            name: tuple(unseen(of, splits["train"])) for name, of in splits.items() if name != "train"
        }
        dropped[SEEN_IN_TRAIN] = sum(len(splits[name]) - len(of) for name, of in held_out.items())
        splits = {**splits, **held_out}
    made = drawn.made + len(samples) - len(drawn.samples)
    _refuse_empty(splits, made, dropped)
    return Draft(source, drawn.samples, splits, made, dict(dropped), enhanced)


def _refuse_empty(splits: Mapping[str, Sequence[Sample]], made: int, dropped: Mapping[str, int]) -> None:
    """A split without rows, told with what became of the rows that there were."""
    split = next((name for name, of in splits.items() if not of), None)
    if split is None:
        return
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items() if count)
    left_out = f"; left out were: {reasons}" if reasons else ""
    raise HubpubError(
        "HP-D01",
        f"the {split} split has no rows: {made:,} were made or read{left_out}",
        hint="give the dataset more scenes or rows, another filter or another split, in release.yaml",
        split=split,
        dropped=dict(dropped),
    )


def enhancement_cost(settings: BuildSettings, places: Places, drafted: Draft) -> Estimate | None:
    """What asking the language model would cost now; None where the recipe wants none."""
    wish: EnhanceSettings | None = getattr(settings, "enhance", None)
    if wish is None:
        return None
    return estimate(drafted.source.targets(drafted.drawn), wish, _prompt(wish, places), places.answers)


def _in_other_words(
    source: Source, samples: Sequence[Sample], wish: EnhanceSettings, places: Places, on_progress: OnProgress
) -> tuple[tuple[Sample, ...], tuple[Measurement, ...]]:
    """The samples and, behind those of each item, what a language model says of it."""
    prompt = _prompt(wish, places)
    results = []
    said: dict[tuple[str, int], Enhanced] = {}
    for one in enhance(source.targets(samples), wish, prompt, places.answers, on_progress):
        # Without its pictures: they would all stay in memory.
        light = replace(one, target=replace(one.target, views=(b"", b"")))
        results.append(light)
        said[light.target.scene_id, light.target.item_id] = light
    return tuple(_with_said(samples, said, wish.model, prompt)), measured_enhancement(results, wish, prompt)


def _with_said(
    samples: Iterable[Sample], said: Mapping[tuple[str, int], Enhanced], model: str, prompt: Prompt
) -> list[Sample]:
    by_item: dict[tuple[str, int], list[Sample]] = {}
    for sample in samples:
        by_item.setdefault((sample.scene, sample.item), []).append(sample)
    result = []
    for item, own in by_item.items():
        result += own
        if (enhanced := said.get(item)) is not None:
            varied = Origin("enhanced", model=model, prompt_version=prompt.version)
            unique = replace(varied, type="unique")
            result += [own[0].said(variation, varied) for _, variation in enhanced.variations]
            result += [own[0].said(text, unique) for text in enhanced.unique]
    return result


def _prompt(wish: EnhanceSettings, places: Places) -> Prompt:
    return load_prompt(places.root / wish.prompt if wish.prompt else None)
