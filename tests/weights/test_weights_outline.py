"""A model's modules by kind: every element is counted once."""

from __future__ import annotations

import math

from publisher.weights.outline import outline

SHAPES = {
    "model.embed.weight": (32, 16),
    "model.layers.0.q.weight": (16, 16),
    "model.layers.0.q.bias": (16,),
    "model.layers.1.q.weight": (16, 16),
    "model.layers.1.q.bias": (16,),
    "model.layers.2.q.weight": (8, 16),
    "model.layers.0.experts.0.up.weight": (4, 4),
    "model.layers.0.experts.1.up.weight": (4, 4),
    "model.gamma": (),
}


def test_modules_that_differ_in_numbers_alone_are_one_row():
    """Thirty layers are one line; a layer of another width is not hidden in it."""
    rows = outline((name, shape, math.prod(shape)) for name, shape in SHAPES.items())

    assert [
        ("model.embed", 1, [32, 16], 512),
        ("model.gamma", 1, [], 1),
        ("model.layers.*.experts.*.up", 2, [4, 4], 32),
        ("model.layers.*.q", 2, [16, 16], 544),
        ("model.layers.*.q", 1, [8, 16], 128),
    ] == [(row["module"], row["times"], row["shape"], row["parameters"]) for row in rows]
    assert sum(row["parameters"] for row in rows) == sum(math.prod(shape) for shape in SHAPES.values())
