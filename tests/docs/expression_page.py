"""docs/expressions.md: what the rules say of drawn scenes, five of each kind, with the item marked in its picture."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from PIL import Image

from publisher.data.aerial.source import AerialSource
from publisher.data.aerial.synthetic import synthetic_scenes
from publisher.data.sample import Sample
from publisher.manifest.dataset import ScenesSettings

SEED, SCENES = 7, 60  # the demo's
OF_EACH = 5
SIDE = 190  # pixels of one scene
KINDS = {
    "category": ("Category alone", "Where nothing else of the category stands in the scene."),
    "category+position": ("Position", "A cell of a grid of three by three."),
    "category+extreme": ("Extreme", "The outermost of its category."),
    "category+size": ("Size", "The largest or the smallest of its category."),
    "category+color": ("Colour", "As it is seen in the picture; a doubtful one is not said."),
    "category+relation": ("Relation", "One of eight directions, from something within 150 pixels."),
    "category+group": ("Group", "What stands together."),
    "category+class": ("All of a category", "Everything of it in the scene."),
}
HEAD = """# What the rules say

Scenes that are drawn by code (`dataset: {{build: {{from: scenes, scenes: {scenes}, seed: {seed}}}}}`, the demo's) and described by
the grammar. An object has a red box in these pictures, a group is tinted. Page and pictures are made by the project's own code.
Everything here is of the type `original`: `enhanced` and `unique` are what a language model makes of it
([enhance.md](enhance.md)), and no such model wrote for this page.
"""
DROPPED = {
    "ambiguous": "fits more than one item of its scene",
    "ambiguous_color": "names a colour that is not certain",
    "cut_off": "is of an object that reaches over the edge",
    "over_limit": "unambiguous, but enough is said of the item already",
}


@dataclass(frozen=True)
class ExpressionPage:
    """The page, and its pictures as JPEG bytes by their names in `docs/expressions/`."""

    text: str
    pictures: Mapping[str, bytes]


def expression_page() -> ExpressionPage:
    """Make both."""
    careful, samples, parts = _read(borderline=False)
    pictures = {}
    for rule, (title, sentence) in KINDS.items():
        chosen = _of_five_scenes(one for one in samples if one.origin.rule == rule)
        name = f"{rule.rpartition('+')[2]}.jpg"
        pictures[name] = _strip(careful, chosen)
        parts += _section(title, sentence, name, chosen)
    daring, more, _ = _read(borderline=True)
    known = {(one.scene, one.item, one.answer) for one in samples}
    new = (one for one in more if (one.scene, one.item, one.answer) not in known)
    chosen = _of_five_scenes(one for one in new if one.origin.rule == "category+position")
    pictures["borderline.jpg"] = _strip(daring, chosen)
    sentence = "With `borderline: true`: near a line of the grid the neighbouring cell is said as well."
    parts += _section("Borderline", sentence, "borderline.jpg", chosen)
    return ExpressionPage("\n".join(parts), pictures)


def _read(*, borderline: bool) -> tuple[AerialSource, tuple[Sample, ...], list[str]]:
    """The source, all that stays of what is said, and the beginning of the page: what was dropped."""
    recipe = {
        "from": "scenes",
        "scenes": SCENES,
        "seed": SEED,
        "format": "image-text",
        "borderline": borderline,
    }
    settings = ScenesSettings.model_validate(recipe)
    source = AerialSource(synthetic_scenes(settings), settings, SEED)
    drawn = source.read(lambda done, of: None)
    rows = [f"| {DROPPED[reason]} | {count:,} |" for reason, count in sorted(drawn.dropped.items())]
    table = [
        "| expressions | |",
        "|---|---:|",
        f"| made | {drawn.made:,} |",
        *rows,
        f"| **kept** | {len(drawn.samples):,} |",
    ]
    return source, drawn.samples, [HEAD.format(scenes=SCENES, seed=SEED), *table, ""]


def _of_five_scenes(samples: Iterable[Sample]) -> list[Sample]:
    """The first of each scene: five pictures of one would look alike."""

    def firsts() -> Iterator[Sample]:
        seen: set[str] = set()
        for sample in samples:
            if sample.scene not in seen:
                seen.add(sample.scene)
                yield sample

    return list(islice(firsts(), OF_EACH))


def _section(title: str, sentence: str, picture: str, chosen: list[Sample]) -> list[str]:
    said = [f"{number}. {sample.answer}" for number, sample in enumerate(chosen, start=1)]
    return [f"## {title}\n", f"{sentence}\n", f"![{title}: five scenes](expressions/{picture})\n", *said, ""]


def _strip(source: AerialSource, chosen: list[Sample]) -> bytes:
    """Their scenes side by side, in the order of the list."""
    strip = Image.new("RGB", (OF_EACH * SIDE + 4 * (OF_EACH - 1), SIDE), "white")
    for place, sample in enumerate(chosen):
        marked = Image.open(io.BytesIO(source.row(sample)["images"][0].read())).convert("RGB")
        strip.paste(marked.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (place * (SIDE + 4), 0))
    packed = io.BytesIO()
    strip.save(packed, format="JPEG", quality=82)
    return packed.getvalue()
