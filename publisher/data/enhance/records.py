"""What goes to a model to be said better, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from publisher.data.enhance.answer import Answer, Outcome


@dataclass(frozen=True)
class Target:
    """One item of a scene, with what the rules say of it.

    Attributes:
        scene_id: the image's id.
        item_id: the object's or group's id in its scene.
        item_type: decides how the two views are told to the model.
        category: its name, like `storage tank`.
        expressions: the original ones, each unambiguous in the scene; at least one.
        views: two images as PNG bytes; `aerial.views` makes them.
    """

    scene_id: str
    item_id: int
    item_type: Literal["object", "group"]
    category: str
    expressions: tuple[str, ...]
    views: tuple[bytes, bytes] = field(repr=False)  # asyncio writes its tasks out, results and all


@dataclass(frozen=True)
class Enhanced:
    """What a model made of one target.

    Attributes:
        target: what it was asked about.
        variations: (original, variation) for each original expression, in their order; empty unless enhanced.
        unique: further expressions, seen in the views alone; empty unless enhanced.
        outcome: anything but `enhanced` is a failure that is counted; the target's own expressions stand.
        answers: everything the endpoint ever said to this question, the useless answers included.
        asked: how many of these came in this run; the others were kept from earlier ones.
    """

    target: Target
    variations: tuple[tuple[str, str], ...]
    unique: tuple[str, ...]
    outcome: Outcome
    answers: tuple[Answer, ...] = ()
    asked: int = 0
