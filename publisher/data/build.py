"""The dataset of synthetic aerial scenes, from a seed to Parquet: drawn, described, filtered, split, written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from publisher.data.aerial.expressions import Expression, generate
from publisher.data.aerial.prompts import prompt
from publisher.data.aerial.relations import describe
from publisher.data.aerial.scene import Scene, validate_scene
from publisher.data.aerial.scenes import draw_scene
from publisher.data.aerial.terrain import IMAGE_SIDE
from publisher.data.aerial.unique import REASONS, keep_unique
from publisher.data.package import image, integer, list_of, split_path, text, write_split
from publisher.data.split import split_scenes
from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement

FEATURES: dict[str, Json] = {
    "image": image(),
    "scene_id": text(),
    "object_id": integer(),
    "item_type": text(),
    "category": text(),
    "bbox": {"xmin": integer(), "ymin": integer(), "xmax": integer(), "ymax": integer()},
    "expression": text(),
    "expression_type": text(),
    "expressions_features": list_of(text()),
    "prompt": text(),
    "completion": text(),
}

_OVER_LIMIT = "over_limit"  # unambiguous, but enough is said of the item already
_SEEN_IN_TRAIN = "seen_in_train"  # another scene gives the very same texts to train on

Row = dict[str, Json]


@dataclass(frozen=True)
class SceneSettings:
    """What to draw and how much of it to keep. The same settings give the same files.

    Attributes:
        scenes: images to draw.
        seed: decides everything that is left open here.
        validation_share: 0..1, share of the scenes that is held out.
        min_objects: fewest in one scene.
        max_objects: most in one scene; a full scene may hold fewer.
        expressions_per_item: most that are kept of one object or group, a shortest one among them.
    """

    scenes: int = 60
    seed: int = 7
    validation_share: float = 0.15
    min_objects: int = 4
    max_objects: int = 9
    expressions_per_item: int = 3


@dataclass(frozen=True)
class _SceneRows:
    """What one scene gives: its rows, and how many expressions were made and dropped on the way."""

    scene: Scene
    rows: tuple[Row, ...]
    generated: int
    dropped: Counter[str]


def build_scenes(
    settings: SceneSettings, out: Path, on_progress: Callable[[int, int], None]
) -> tuple[Measurement, ...]:
    """Build the dataset and measure it.

    Args:
        settings: see there.
        out: an empty folder; gets `data/train-…parquet` and `data/validation-…parquet`.
        on_progress: called after each scene with the scenes done and the scenes in all.

    Raises:
        HubpubError: HP-D01, there would be no rows, or none in one of the splits; HP-D03, a scene is malformed, or the settings ask for
            more objects than fit or for fewer than one; HP-E01, Pillow or pyarrow is not installed.
    """
    _check(settings)
    drawn = []
    for index in range(settings.scenes):
        drawn.append(_rows_of(settings, index))
        on_progress(index + 1, settings.scenes)
    used = [one for one in drawn if one.rows]
    split = split_scenes(
        (one.scene.id for one in used), validation_share=settings.validation_share, seed=settings.seed
    )
    train = [row for one in used if one.scene.id in split.train for row in one.rows]
    held_out = [row for one in used if one.scene.id in split.validation for row in one.rows]
    validation = _unseen(held_out, train)
    write_split(out, "train", FEATURES, train)
    write_split(out, "validation", FEATURES, validation)

    dropped = sum((one.dropped for one in drawn), Counter({_SEEN_IN_TRAIN: len(held_out) - len(validation)}))
    sizes = [split_path(out, name).stat().st_size for name in ("train", "validation")]
    in_use = {row["scene_id"] for row in (*train, *validation)}
    objects = [thing for one in used if one.scene.id in in_use for thing in one.scene.objects]
    return (
        Measurement("dataset.rows", len(train) + len(validation), "rows"),
        Measurement("dataset.train.rows", len(train), "rows"),
        Measurement("dataset.validation.rows", len(validation), "rows"),
        Measurement("dataset.scenes", len(in_use), "scenes"),
        Measurement("dataset.train.scenes", len({row["scene_id"] for row in train}), "scenes"),
        Measurement("dataset.validation.scenes", len({row["scene_id"] for row in validation}), "scenes"),
        Measurement("dataset.objects", len(objects), "objects"),
        Measurement("dataset.expressions_generated", sum(one.generated for one in drawn), "expressions"),
        *(
            Measurement(f"dataset.dropped.{reason}", dropped[reason], "expressions")
            for reason in (*REASONS, _OVER_LIMIT, _SEEN_IN_TRAIN)
        ),
        Measurement("dataset.categories", sorted({thing.name for thing in objects})),
        Measurement("dataset.image_width", IMAGE_SIDE, "pixels"),
        Measurement("dataset.image_height", IMAGE_SIDE, "pixels"),
        Measurement("dataset.seed", settings.seed),
        Measurement("dataset.size_bytes", sum(sizes), "bytes"),
        Measurement("dataset.columns", list(FEATURES)),
    )


def _check(settings: SceneSettings) -> None:
    if settings.scenes < 1:
        raise HubpubError(
            "HP-D01",
            f"{settings.scenes} scenes give no rows",
            hint="set scenes to 1 or more; the default is 60",
            scenes=settings.scenes,
        )
    if settings.expressions_per_item < 1:
        raise HubpubError(
            "HP-D01",
            f"{settings.expressions_per_item} expressions per object give no rows",
            hint="set expressions_per_item to 1 or more; the default is 3",
            expressions_per_item=settings.expressions_per_item,
        )
    if not 1 <= settings.min_objects <= settings.max_objects:
        raise HubpubError(
            "HP-D03",
            f"a scene cannot hold {settings.min_objects} to {settings.max_objects} objects",
            hint="set min_objects to 1 or more and max_objects to no less than that",
            min_objects=settings.min_objects,
            max_objects=settings.max_objects,
        )


def _rows_of(settings: SceneSettings, index: int) -> _SceneRows:
    drawn = draw_scene(
        settings.seed, index, min_objects=settings.min_objects, max_objects=settings.max_objects
    )
    scene = describe(drawn.scene)
    validate_scene(scene)
    generated = generate(scene)
    filtered = keep_unique(scene, generated)
    rng = Random(f"{settings.seed}/{scene.id}")
    kept = list(_few_of_each(filtered.kept, settings.expressions_per_item, rng))
    dropped = Counter(filtered.dropped)
    dropped[_OVER_LIMIT] = len(filtered.kept) - len(kept)
    rows = tuple(_row(scene, drawn.png, expression) for expression in kept)
    return _SceneRows(scene, rows, len(generated), dropped)


def _few_of_each(expressions: Iterable[Expression], limit: int, rng: Random) -> Iterator[Expression]:
    """Of each item the shortest expression, as a person would say it, and others by chance."""
    by_item: dict[int, list[Expression]] = {}
    for expression in expressions:
        by_item.setdefault(expression.item_id, []).append(expression)
    for said in by_item.values():
        rng.shuffle(said)
        said.sort(key=lambda expression: len(expression.words.features))
        shortest, *others = said
        yield from [shortest, *rng.sample(others, k=min(limit - 1, len(others)))]


def _row(scene: Scene, png: bytes, expression: Expression) -> Row:
    things = {thing.id: thing for thing in scene.objects}
    groups = {group.id: group for group in scene.groups}
    item = things.get(expression.item_id) or groups[expression.item_id]
    box = item.bndbox
    return {
        "image": {"bytes": png, "path": scene.filename},
        "scene_id": scene.id,
        "object_id": item.id,
        "item_type": "group" if item.id in groups else "object",
        "category": expression.words.category,
        "bbox": {"xmin": box.xmin, "ymin": box.ymin, "xmax": box.xmax, "ymax": box.ymax},
        "expression": expression.words.text,
        "expression_type": "original",
        "expressions_features": list(expression.words.features),
        "prompt": prompt(scene, item),
        "completion": expression.words.text,
    }


def _unseen(rows: list[Row], train: list[Row]) -> list[Row]:
    seen = {(row["prompt"], row["completion"]) for row in train}
    return [row for row in rows if (row["prompt"], row["completion"]) not in seen]
