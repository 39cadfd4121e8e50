"""Whether a model or an adapter has the shape of the base that it names, as far as the sizes of known models tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from publisher.checks.known.models import Mention, Shape, mentions
from publisher.checks.observe.lora import lora_modules
from publisher.checks.observe.target import Absent
from publisher.checks.observe.tensors import AdapterTensors
from publisher.checks.observe.truths import Truths

_LAYER = re.compile(r"(?:^|\.)layers\.(\d{1,4})\.")
_TOWERS = ("vision", "visual", "audio")  # modules there share names with the text model's, not sizes


def shape_of_base(base: Mention, truths: Truths) -> str:
    """Whether config.json has the shape of the base, as far as the sizes of known models tell."""
    if base.shape is None or base.family is None:
        return ""
    pairs = [
        (label, found[0], known)
        for label, key, known in (
            ("layers", "num_hidden_layers", base.shape.layers),
            ("hidden size", "hidden_size", base.shape.hidden),
            ("heads", "num_attention_heads", base.shape.heads),
            ("kv heads", "num_key_value_heads", base.shape.kv_heads),
        )
        if known is not None and (found := truths.configured(key))
    ]
    size = base.family.id(base.shape)
    for label, found_number, known in pairs:
        if found_number != known:
            return f"config.json has {found_number} for {label}, and {size} has {known}"
    return f"{in_a_row([label for label, _, _ in pairs])} are those of {size}" if pairs else ""


def adapter_fits(base: str, tensors: AdapterTensors | Absent) -> str:
    """Whether the adapter's tensors fit the base that it names, as far as the sizes of known models tell."""
    named = next(mentions(base), None)
    if named is None or named.shape is None:
        return "its shapes are not known here"
    if isinstance(tensors, Absent):
        return "not compared, the adapter's tensors are unknown"
    return _fit(named, named.shape, tensors)


def _fit(named: Mention, shape: Shape, tensors: AdapterTensors) -> str:
    compared, wrong, layers = 0, [], set()
    for module in lora_modules(tensors):
        layer = _LAYER.search(module.name)
        if layer is None or any(tower in module.name for tower in _TOWERS):
            continue
        layers.add(int(layer[1]))
        expected = _sizes(shape, module.name.rpartition(".")[2])
        if expected is None or not {"A", "B"} <= set(module.parts):
            continue
        compared += 1
        found = (module.parts["A"].shape[-1:], module.parts["B"].shape[:1])
        if found != ((expected[0],), (expected[1],)):
            wrong.append(module.name)
    size = named.family.id(shape) if named.family is not None else named.text
    if wrong:
        return f"{len(wrong)} of {compared} modules do not have the shapes of {size}, {wrong[0]} first"
    if shape.layers is not None and layers and max(layers) >= shape.layers:
        return f"layer {max(layers)} is adapted, and {size} has {shape.layers} layers"
    if not compared:
        return "no module whose shape is known here"
    return f"all {compared} modules compared have the shapes of {size}"


def _sizes(shape: Shape, module: str) -> tuple[int, int] | None:
    """In and out of a linear layer by its usual name; None where they are not known."""
    if shape.hidden is None:
        return None
    queries = shape.heads * shape.head_dim if shape.heads and shape.head_dim else None
    keys = shape.kv_heads * shape.head_dim if shape.kv_heads and shape.head_dim else None
    inner = shape.intermediate if shape.experts is None else None
    sizes = {
        "q_proj": (shape.hidden, queries),
        "k_proj": (shape.hidden, keys),
        "v_proj": (shape.hidden, keys),
        "o_proj": (queries, shape.hidden),
        "gate_proj": (shape.hidden, inner),
        "up_proj": (shape.hidden, inner),
        "down_proj": (inner, shape.hidden),
    }
    before, after = sizes.get(module, (None, None))
    return (before, after) if before is not None and after is not None else None


def in_a_row(words: Sequence[str]) -> str:
    """Words as a sentence lists them: a, b and c."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)
