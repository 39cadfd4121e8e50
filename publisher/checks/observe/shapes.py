"""The sizes that a decoder's weights must have: from a config.json, or from what is known of the base."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from publisher.checks.known import models as known_models
from publisher.checks.observe.jsons import AdapterConfig, ModelConfig
from publisher.checks.observe.target import Absent, RepoView
from publisher.records.facts import Json

# Decoders whose projections have the sizes that `Sizes` says; others fuse them, or compress keys and values.
_PLAIN = frozenset(
    ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "gemma3_text", "smollm3")
)
_HEAD_DIM_FOLLOWS = frozenset(("llama", "mistral", "qwen2"))  # hidden / heads, where it is not stated
_PUBLISHERS = frozenset(("unsloth",))  # mirrors under the publisher's names, of the same shape
# What may follow a size in a repo's name without another shape.
_TAIL = re.compile(
    r"(?:-(?:it|pt|instruct|chat|base|hf|v\d(?:\.\d)?|\d{4}|qat|q4_0|unquantized|awq|gptq|int[48]|unsloth|bnb|[48]bit))*",
    re.IGNORECASE,
)
_HEAD = re.compile(r"[\w.-]+/")
_LAYER = re.compile(r"(?:^|\.)layers\.(\d{1,6})\.(?:self_attn|mlp)\.(\w+)$")
_OTHER_TOWERS = re.compile(r"vision|visual|audio|image|encoder|mtp|assistant", re.IGNORECASE)


@dataclass(frozen=True)
class Sizes:
    """Sizes of a decoder; None: not known. `source` says where they stand, as a message needs it."""

    source: str
    layers: int | None = None
    hidden: int | None = None
    intermediate: int | None = None
    queries: int | None = None  # heads times their size
    keys: int | None = None  # key and value heads times their size
    vocabulary: int | None = None

    def of(self, projection: str) -> tuple[int | None, int | None]:
        """Rows out and columns in of a projection's weight; None where that is not known."""
        return {
            "q_proj": (self.queries, self.hidden),
            "k_proj": (self.keys, self.hidden),
            "v_proj": (self.keys, self.hidden),
            "o_proj": (self.hidden, self.queries),
            "gate_proj": (self.intermediate, self.hidden),
            "up_proj": (self.intermediate, self.hidden),
            "down_proj": (self.hidden, self.intermediate),
        }.get(projection, (None, None))


@dataclass(frozen=True)
class BaseSizes:
    """Of the base that an adapter names, where its name leaves no choice. `reads_text`: it has no other tower."""

    sizes: Sizes
    reads_text: bool

    @classmethod
    def observe(cls, view: RepoView) -> BaseSizes | Absent:
        """From the publisher's own names only: who renames a model may have changed its shape."""
        adapter = view.observe(AdapterConfig)
        if isinstance(adapter, Absent):
            return adapter
        name = adapter.data.get("base_model_name_or_path")
        known = base_sizes(name) if isinstance(name, str) else None
        return Absent("the base's shape is not known here", missing=True) if known is None else known


def base_sizes(name: str) -> BaseSizes | None:
    """What is known of a repo by its name."""
    head = _HEAD.match(name)
    if head is None:
        return None
    for mention in known_models.mentions(name):
        family, shape = mention.family, mention.shape
        if family is None or shape is None or shape.experts is not None or mention.start != head.end():
            continue
        if not (mention.official or mention.owner in _PUBLISHERS):
            continue
        if not _TAIL.fullmatch(name, mention.start + len(mention.text)):
            continue
        queries = _times(shape.heads, shape.head_dim)
        keys = _times(shape.kv_heads, shape.head_dim)
        found = Sizes(name, shape.layers, shape.hidden, shape.intermediate, queries, keys)
        return BaseSizes(found, (shape.reads or family.reads) == "text")
    return None


def configured_sizes(config: ModelConfig) -> Sizes | None:
    """What config.json says; None for architectures whose weights are laid out in another way."""
    inner = config.data.get("text_config")
    data: Mapping[str, Json] = inner if isinstance(inner, dict) else config.data
    outer = config.data.get("model_type")
    kind = data.get("model_type", outer)
    if not (isinstance(outer, str) and isinstance(kind, str) and {outer, kind} <= _PLAIN):
        return None
    hidden, heads = _number(data, "hidden_size"), _number(data, "num_attention_heads")
    head_dim = _number(data, "head_dim")
    if head_dim is None and kind in _HEAD_DIM_FOLLOWS and hidden and heads:
        head_dim = hidden // heads
    kv_heads = _number(data, "num_key_value_heads")
    return Sizes(
        config.path,
        _number(data, "num_hidden_layers"),
        hidden,
        _number(data, "intermediate_size"),
        _times(heads, head_dim),
        _times(kv_heads, head_dim),
        _number(data, "vocab_size"),
    )


def decoder_modules(names: Iterator[str]) -> Iterator[tuple[str, int, str]]:
    """Of modules' names, those of a decoder's layers: name, layer, projection. Towers for images are left out."""
    for name in names:
        match = _LAYER.search(name)
        if match is not None and not _OTHER_TOWERS.search(name):
            yield name, int(match[1]), match[2]


def _number(data: Mapping[str, Json], key: str) -> int | None:
    value = data.get(key)
    return value if type(value) is int and value > 0 else None


def _times(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one * other
