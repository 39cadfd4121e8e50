"""What stands in a scene, as columns of a row and back: `width`, `height`, `objects`, as detection datasets have them."""

from __future__ import annotations

from publisher.data.aerial.scene import Scene, SceneObject
from publisher.data.package import boolean, integer, list_of, text
from publisher.records.facts import Json

SIDES = ("xmin", "ymin", "xmax", "ymax")

# Boxes are of the visible part, in pixels; `color` is empty where no single one can be named.
FEATURES: dict[str, Json] = {
    "width": integer(),
    "height": integer(),
    "objects": list_of(
        {
            "id": integer(),
            "category": text(),
            "bbox": {side: integer() for side in SIDES},
            "area": integer(),
            "color": text(),
            "possible_colors": list_of(text()),
            "is_cutoff": boolean(),
        }
    ),
}


def columns_of(scene: Scene) -> dict[str, Json]:
    """The cells of `FEATURES` for a scene: what was seen in it, nothing that is derived."""
    return {"width": scene.width, "height": scene.height, "objects": [_cell(one) for one in scene.objects]}


def _cell(thing: SceneObject) -> Json:
    return {
        "id": thing.id,
        "category": thing.name,
        "bbox": {side: getattr(thing.bndbox, side) for side in SIDES},
        "area": thing.area,
        "color": thing.color,
        "possible_colors": list(thing.possible_colors),
        "is_cutoff": thing.is_cutoff,
    }
