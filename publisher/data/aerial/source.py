"""Scenes as rows: each item in words and pictures, described by rules or by what its source says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from random import Random

from publisher.data.aerial.columns import features, item_columns, mask_counts
from publisher.data.aerial.contents import columns_of
from publisher.data.aerial.expressions import Expression, generate
from publisher.data.aerial.loaded import Load, LoadedScene, with_colours
from publisher.data.aerial.prompts import prompt, prompt_for_views
from publisher.data.aerial.relations import describe
from publisher.data.aerial.resolver import parse
from publisher.data.aerial.rle import mask_of
from publisher.data.aerial.scene import Group, Scene, SceneObject, validate_scene
from publisher.data.aerial.unique import REASONS, Viewer, keep_unique
from publisher.data.aerial.views import group_views, object_views
from publisher.data.enhance.records import Target
from publisher.data.sample import Drawn, OnProgress, Origin, Picture, Row, Sample
from publisher.errors import HubpubError
from publisher.manifest.dataset import AerialdSettings, CocoSettings, ScenesSettings
from publisher.records.facts import Json, Measurement

OVER_LIMIT = "over_limit"  # unambiguous, but enough is said of the item already
# What iSAID's images (those of DOTA) and LoveDA, of which AerialD was made, may be used for.
_TERMS = "for academic purposes only, any commercial use is prohibited"
_BY_FILE = "of the source"  # who says it where no rule of ours can read it

Settings = ScenesSettings | AerialdSettings | CocoSettings


class AerialSource:
    """A `Source` of scenes."""

    def __init__(self, loads: Sequence[Load], settings: Settings, seed: int) -> None:
        """Take the scenes, none of them read yet.

        Args:
            loads: one a scene.
            settings: the recipe.
            seed: decides which expressions are kept of an item of which too many are said.
        """
        self._loads = loads
        self._settings = settings
        self._seed = seed
        self._scenes: dict[str, LoadedScene] = {}
        self._shown: dict[str, str] = {}  # sha256 of an image → the first scene of it
        # An item's rows stand together: its two views are drawn once for all of them; and so do those of a scene.
        self._drawn = lru_cache(maxsize=2)(self._draw)
        self._viewer = lru_cache(maxsize=1)(lambda scene_id: Viewer(self._scenes[scene_id].scene))

    @property
    def features(self) -> Mapping[str, Json]:
        """The columns."""
        first = next(iter(self._scenes.values()))
        return features(with_scene=first.picture is not None, with_views=self._sees)

    @property
    def _sees(self) -> bool:
        return self._settings.format == "image-text"

    def read(self, on_progress: OnProgress) -> Drawn:
        """Every expression of every scene.

        Raises:
            HubpubError: HP-D01, there is no scene, or nothing is said of any; HP-D02, the text format of scenes of
                which only some items are known; HP-D03, a scene is malformed.
        """
        samples: list[Sample] = []
        dropped: Counter[str] = Counter(dict.fromkeys((*REASONS, OVER_LIMIT) if self._by_rules else (), 0))
        made = 0
        for number, load in enumerate(self._loads, start=1):
            loaded = self._grouped(self._described(load()))
            self._take(loaded)
            said, lost = self._said(loaded)
            asks = {item: self._question(loaded.scene, item) for item, _, _ in said}
            samples += [self._sample(loaded, asks[one[0]], *one) for one in said]
            dropped.update(lost)
            made += len(said) + sum(lost.values())
            on_progress(number, len(self._loads))
        return Drawn(tuple(samples), made, dict(dropped))

    def row(self, sample: Sample) -> Row:
        """A sample with its item, its pictures and who says it."""
        loaded = self._scenes[sample.scene]
        item = loaded.scene.item(sample.item)
        origin = sample.origin
        pictures: Row = {"image": loaded.picture} if loaded.picture is not None else {}
        if self._sees:
            pictures["images"] = list(self._views(loaded, item))
        return {
            **pictures,
            **item_columns(loaded.scene, item),
            **(columns_of(loaded.scene) if loaded.picture is not None else {}),
            "expression": sample.answer,
            "expression_type": origin.type,
            "expressions_features": _features(loaded.scene, sample.answer),
            "provenance": {
                "rule": origin.rule,
                "model": origin.model,
                "prompt_version": origin.prompt_version,
            },
            "prompt": sample.asks,
            "completion": sample.answer,
        }

    def category(self, sample: Sample) -> str:
        """The item's."""
        return _category(self._scenes[sample.scene].scene.item(sample.item))

    def is_ambiguous(self, sample: Sample) -> bool:
        """Whether the words, read by the grammar, fit another item too; what it cannot read is not judged."""
        scene = self._scenes[sample.scene].scene
        words = parse(sample.answer, {thing.name for thing in scene.objects})
        return words is not None and bool(self._viewer(sample.scene).fitting(words) - {sample.item})

    def targets(self, samples: Iterable[Sample]) -> Collection[Target]:
        """The items of these samples with what is originally said of them; pictures are made when it is their turn."""
        by_item: dict[tuple[str, int], list[str]] = {}
        for sample in samples:
            if sample.origin.type == "original":
                by_item.setdefault((sample.scene, sample.item), []).append(sample.answer)
        return _Targets(tuple(by_item.items()), self._target)

    def measure(self, splits: Mapping[str, Iterable[Sample]]) -> tuple[Measurement, ...]:
        """Scenes, objects and sizes of what stays."""
        sides = {split: {one.scene for one in samples} for split, samples in splits.items()}
        used = [self._scenes[scene].scene for scene in sorted(set().union(*sides.values()))]
        objects = [thing for scene in used for thing in scene.objects]
        categories = {thing.name for thing in objects} | {g.category for scene in used for g in scene.groups}
        sizes = {(scene.width, scene.height) for scene in used}
        width, height = next(iter(sizes))
        return (
            Measurement("dataset.scenes", len(used), "scenes"),
            *(Measurement(f"dataset.{side}.scenes", len(ids), "scenes") for side, ids in sides.items()),
            Measurement("dataset.objects", len(objects), "objects"),
            Measurement("dataset.categories", sorted(categories)),
            Measurement("dataset.described_by", "rules" if self._by_rules else "source"),
            *((Measurement("dataset.source_terms", _TERMS),) if self._is_aeriald else ()),
            *(
                (
                    Measurement("dataset.image_width", width, "pixels"),
                    Measurement("dataset.image_height", height, "pixels"),
                )
                if len(sizes) == 1
                else ()
            ),
        )

    @property
    def _is_aeriald(self) -> bool:
        return isinstance(self._settings, AerialdSettings)

    @property
    def _by_rules(self) -> bool:
        return not isinstance(self._settings, AerialdSettings) or self._settings.rules

    def _described(self, loaded: LoadedScene) -> LoadedScene:
        validate_scene(loaded.scene, loaded.where)
        loaded = with_colours(loaded)
        described = describe(loaded.scene)
        if not self._by_rules:  # the groups are those that the source speaks of
            described = replace(described, groups=loaded.scene.groups)
        return replace(loaded, scene=described)

    def _grouped(self, loaded: LoadedScene) -> LoadedScene:
        """A scene whose image came before belongs to the same photo as that one: both stay on one side."""
        if loaded.picture is None:
            return loaded
        first = self._shown.setdefault(sha256(loaded.picture.read()).hexdigest(), loaded.scene.id)
        earlier = self._scenes.get(first)
        if earlier is None or first == loaded.scene.id:
            return loaded
        if self._settings.split.by != "scene" and earlier.split != loaded.split:
            raise HubpubError(
                "HP-D03",
                f"two scenes show the same image on two sides of the split: {earlier.where} and {loaded.where}",
                hint="leave one of them out, or split.by: scene",
                where=loaded.where,
            )
        return replace(loaded, photo=earlier.photo or earlier.scene.id)

    def _take(self, loaded: LoadedScene) -> None:
        earlier = self._scenes.setdefault(loaded.scene.id, loaded)
        if earlier is not loaded:
            raise HubpubError(
                "HP-D03",
                f"two scenes are called {loaded.scene.id}: {earlier.where} and {loaded.where}",
                hint="give each image a name of its own",
                where=loaded.where,
            )
        if loaded.picture is None and not self._sees:
            raise HubpubError(
                "HP-D02",
                "scenes of which only some items are known cannot be told in words",
                hint="format: image-text, or the layout with XML, which tells every object",
                where=loaded.where,
            )

    def _said(self, loaded: LoadedScene) -> tuple[list[tuple[int, str, Origin]], Mapping[str, int]]:
        """What is said of the scene's items, and what of it was dropped."""
        if self._by_rules:
            return self._by_grammar(loaded)
        wanted = self._settings.expressions if isinstance(self._settings, AerialdSettings) else ()
        said = [
            (one.item_id, one.text, self._credited(loaded.scene, one.text, one.origin))
            for one in loaded.said or ()
            if one.origin.type in wanted
        ]
        return said, {"error_in_band": loaded.failed} if loaded.failed else {}

    def _credited(self, scene: Scene, text: str, origin: Origin) -> Origin:
        if origin.type != "original":
            return origin
        return replace(origin, rule="+".join(_features(scene, text)) or _BY_FILE)

    def _by_grammar(self, loaded: LoadedScene) -> tuple[list[tuple[int, str, Origin]], Mapping[str, int]]:
        scene = loaded.scene
        filtered = keep_unique(scene, generate(scene, borderline=self._settings.borderline))
        rng = Random(f"{self._seed}/{scene.id}")
        kept = list(_few_of_each(filtered.kept, self._settings.expressions_per_item, rng))
        dropped = Counter(filtered.dropped)
        dropped[OVER_LIMIT] = len(filtered.kept) - len(kept)
        said = [
            (one.item_id, one.words.text, Origin("original", rule="+".join(one.words.features)))
            for one in kept
        ]
        return said, dropped

    def _question(self, scene: Scene, item_id: int) -> str:
        item = scene.item(item_id)
        return prompt_for_views(item) if self._sees else prompt(scene, item)

    def _sample(self, loaded: LoadedScene, asks: str, item_id: int, text: str, origin: Origin) -> Sample:
        scene = loaded.scene
        return Sample(
            answer=text,
            asks=asks,
            group=loaded.photo or scene.id,
            where=loaded.where,
            columns={},
            shown=(f"{scene.id}/{item_id}",) if self._sees else (),
            scene=scene.id,
            item=item_id,
            origin=origin,
            split=loaded.split,
        )

    def _views(self, loaded: LoadedScene, item: SceneObject | Group) -> tuple[Picture, Picture]:
        ready = loaded.views.get(item.id)
        if ready is not None:
            return ready
        marked, plain = ("mask", "clean") if isinstance(item, Group) else ("bbox", "focused")
        stem = f"{loaded.scene.id}_{item.id}"

        def read(index: int) -> Callable[[], bytes]:
            return lambda: self._drawn(loaded.scene.id, item.id)[index]

        return Picture(f"{stem}_{marked}.png", read(0)), Picture(f"{stem}_{plain}.png", read(1))

    def _draw(self, scene_id: str, item_id: int) -> tuple[bytes, bytes]:
        return _draw_views(self._scenes[scene_id], item_id)

    def _target(self, scene_id: str, item_id: int, expressions: Sequence[str]) -> Target:
        loaded = self._scenes[scene_id]
        item = loaded.scene.item(item_id)
        first, second = self._views(loaded, item)
        return Target(
            scene_id,
            item_id,
            "group" if isinstance(item, Group) else "object",
            _category(item),
            tuple(expressions),
            (first.read(), second.read()),
        )


@dataclass(frozen=True)
class _Targets(Collection[Target]):
    """Targets that are made one by one."""

    items: tuple[tuple[tuple[str, int], list[str]], ...]
    make: Callable[[str, int, Sequence[str]], Target]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Target]:
        return (self.make(scene, item, said) for (scene, item), said in self.items)

    def __contains__(self, target: object) -> bool:
        return any(target == one for one in self)


def _draw_views(loaded: LoadedScene, item_id: int) -> tuple[bytes, bytes]:
    scene, item = loaded.scene, loaded.scene.item(item_id)
    if loaded.picture is None:
        raise ValueError(f"{scene.id} has neither an image nor ready pictures")
    png = loaded.picture.read()
    if not isinstance(item, Group):
        return object_views(png, item.bndbox)
    counts = mask_counts(scene, item)
    mask = mask_of(counts, scene.width, scene.height).tobytes() if counts is not None else None
    members = [thing.bndbox for thing in scene.members(item)] or [item.bndbox]
    return group_views(png, members, mask)


def _few_of_each(expressions: Iterable[Expression], limit: int | None, rng: Random) -> Iterator[Expression]:
    """Of each item the shortest expression, as a person would say it, and others by chance."""
    by_item: dict[int, list[Expression]] = {}
    for expression in expressions:
        by_item.setdefault(expression.item_id, []).append(expression)
    for said in by_item.values():
        rng.shuffle(said)
        said.sort(key=lambda expression: len(expression.words.features))
        shortest, *others = said
        most = len(others) if limit is None else min(limit - 1, len(others))
        yield from [shortest, *rng.sample(others, k=most)]


def _category(item: SceneObject | Group) -> str:
    return item.category if isinstance(item, Group) else item.name


def _features(scene: Scene, text: str) -> list[str]:
    """The parts of the grammar that a text uses; none where it is not of the grammar."""
    words = parse(text, {thing.name for thing in scene.objects} | {group.category for group in scene.groups})
    return list(words.features) if words is not None else []
