"""Which scenes are trained on and which are held out: whole scenes, so that no image is on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from publisher.data.sample import Sample
from publisher.manifest.dataset import BuildSettings


@dataclass(frozen=True)
class Split:
    """Scene ids of both sides, sorted; no id is on both."""

    train: tuple[str, ...]
    validation: tuple[str, ...]


def split_scenes(scene_ids: Iterable[str], *, validation_share: float, seed: int) -> Split:
    """Hold out a share of the scenes.

    Scenes are ranked by the digest of seed and id: the order they come in is of no consequence, and when a few
    scenes are added to the data most others stay on their side.

    Args:
        scene_ids: repeats count once.
        validation_share: 0..1; rounded to whole scenes, but at least one scene on either side where there are
            two and the share is neither 0 nor 1.
        seed: another seed holds out other scenes.
    """
    ranked = sorted(set(scene_ids), key=lambda scene_id: _rank(seed, scene_id))
    held_out = round(len(ranked) * validation_share)
    if len(ranked) > 1 and 0 < validation_share < 1:
        held_out = min(max(held_out, 1), len(ranked) - 1)
    return Split(train=tuple(sorted(ranked[held_out:])), validation=tuple(sorted(ranked[:held_out])))


def sides_of(samples: Iterable[Sample], settings: BuildSettings) -> dict[str, tuple[Sample, ...]]:
    """Samples by split, in their order: `train`, `validation`, and `test` where the source has one.

    What the source holds out stays held out. Where it does not say what to validate on, a share of the rest is: whole
    groups of samples that belong together.
    """
    every = tuple(samples)
    keeps_own = settings.split.by in (None, "given")
    own = {sample.split for sample in every if sample.split} if keeps_own else set[str]()
    if "validation" in own or settings.split.by == "given":
        sides = {"train": tuple(sample for sample in every if sample.split in (None, "train"))}
        return sides | {
            name: tuple(sample for sample in every if sample.split == name)
            for name in ("validation", *(["test"] if "test" in own else []))
        }
    tested = tuple(sample for sample in every if keeps_own and sample.split == "test")
    rest = tuple(sample for sample in every if not keeps_own or sample.split != "test")
    split = split_scenes(
        (sample.group for sample in rest), validation_share=settings.held_out, seed=settings.seed_of_split
    )
    held_out = frozenset(split.validation)
    return {
        "train": tuple(sample for sample in rest if sample.group not in held_out),
        "validation": tuple(sample for sample in rest if sample.group in held_out),
        **({"test": tested} if tested else {}),
    }


def _rank(seed: int, scene_id: str) -> str:
    return hashlib.sha256(f"{seed}/{scene_id}".encode()).hexdigest()
