"""The sizes that a language model's memory and time follow from: read from headers, or from what names them alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from publisher.weights.describe import (
    Config,
    count_parameters,
    is_embedding,
    is_head,
    language_config,
    tied_embeddings,
)
from publisher.weights.gguf import GgufHeader
from publisher.weights.shards import ShardSet

NOT_TEXT = re.compile(r"vision|visual|audio|projector")


@dataclass(frozen=True)
class Linear:
    """A linear layer's weight (outs, ins), and how many times it is there. `name` ends as the module's does."""

    name: str
    outs: int
    ins: int
    times: int = 1

    @property
    def of_text(self) -> bool:
        """Whether it is the decoder's, not one of a tower for other senses."""
        return not NOT_TEXT.search(self.name)


@dataclass(frozen=True)
class ModelShape:
    """A decoder's sizes.

    Attributes:
        hidden: width of the stream between layers.
        intermediate: width inside a feed-forward layer.
        queries: width of a layer's queries, all heads; `keys` of its keys, and of its values.
        parameters: every weight, a vision tower's included; a head that is tied to the embedding counts once.
        linears: the weights that an adapter may be put on.
        tied: whether output and input embedding are one tensor.
    """

    layers: int
    hidden: int
    intermediate: int
    queries: int
    keys: int
    vocabulary: int
    parameters: int
    linears: tuple[Linear, ...]
    tied: bool

    @property
    def embedding(self) -> int:
        """Weights of the input embedding, and of the head where that is a tensor of its own."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def of_a_layer(self) -> tuple[tuple[int, int], ...]:
        """Weights (outs, ins) of one layer's linear parts."""
        hidden, inside = self.hidden, self.intermediate
        attention = ((self.queries, hidden), (self.keys, hidden), (self.keys, hidden), (hidden, self.queries))
        return (*attention, (inside, hidden), (inside, hidden), (hidden, inside))

    @property
    def multiplied(self) -> int:
        """Weights that each token is multiplied with: the text's linear layers, and the head."""
        inside = sum(linear.times * linear.outs * linear.ins for linear in self.linears if linear.of_text)
        return inside + self.vocabulary * self.hidden


def decoder(
    *,
    layers: int,
    hidden: int,
    intermediate: int,
    queries: int,
    keys: int,
    vocabulary: int,
    tied: bool,
    parameters: int | None = None,
) -> ModelShape:
    """A dense decoder of the kind of Llama, Gemma and Qwen; without `parameters`, the sizes tell them (norms left out)."""
    linears = (
        Linear("layers.*.self_attn.q_proj", queries, hidden, layers),
        Linear("layers.*.self_attn.k_proj", keys, hidden, layers),
        Linear("layers.*.self_attn.v_proj", keys, hidden, layers),
        Linear("layers.*.self_attn.o_proj", hidden, queries, layers),
        Linear("layers.*.mlp.gate_proj", intermediate, hidden, layers),
        Linear("layers.*.mlp.up_proj", intermediate, hidden, layers),
        Linear("layers.*.mlp.down_proj", hidden, intermediate, layers),
    )
    inside = sum(linear.times * linear.outs * linear.ins for linear in linears)
    counted = parameters or inside + vocabulary * hidden * (1 if tied else 2)
    return ModelShape(layers, hidden, intermediate, queries, keys, vocabulary, counted, linears, tied)


def shape_of_shards(config: Config, shards: ShardSet) -> ModelShape | None:
    """Of a checkpoint, by the headers of its files; None where its layers are not named as most models' are."""
    linears = tuple(
        Linear(name.removesuffix(".weight"), entry.shape[0], entry.shape[1])
        for name, entry in shards.tensors.items()
        if name.endswith(".weight") and len(entry.shape) == 2 and not (is_head(name) or is_embedding(name))
    )
    found = {
        last: [each for each in linears if each.of_text and each.name.endswith(f".{last}")]
        for last in ("q_proj", "k_proj", "gate_proj")
    }
    table = next((entry.shape for name, entry in shards.tensors.items() if is_embedding(name)), None)
    if table is None or not all(found.values()):
        return None
    return ModelShape(
        layers=len(found["q_proj"]),
        hidden=table[1],
        intermediate=found["gate_proj"][0].outs,
        queries=found["q_proj"][0].outs,
        keys=found["k_proj"][0].outs,
        vocabulary=table[0],
        parameters=count_parameters(config, shards),
        linears=linears,
        tied=tied_embeddings(config, shards),
    )


def shape_of_config(config: Config) -> ModelShape | None:
    """Of config.json alone; None where it leaves sizes open, or tells of experts, of which a token takes but a few."""
    text = language_config(config)

    def number(key: str) -> int | None:
        value = text.get(key)
        return value if isinstance(value, int) and value > 0 else None

    if any("expert" in key for key in text):
        return None
    return _shape(
        number("num_hidden_layers"),
        number("hidden_size"),
        number("intermediate_size"),
        number("num_attention_heads"),
        number("num_key_value_heads"),
        number("head_dim"),
        number("vocab_size"),
        tied=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", False))),
    )


def shape_of_gguf(header: GgufHeader) -> ModelShape | None:
    """Of a GGUF file's metadata, its head taken to be tied; None as for `shape_of_config`."""
    name = header.text("general.architecture")
    if header.number(f"{name}.expert_count"):
        return None
    return _shape(
        header.number(f"{name}.block_count"),
        header.number(f"{name}.embedding_length"),
        header.number(f"{name}.feed_forward_length"),
        header.number(f"{name}.attention.head_count"),
        header.number(f"{name}.attention.head_count_kv"),
        header.number(f"{name}.attention.key_length"),
        header.lengths.get("tokenizer.ggml.tokens"),
        tied=True,
    )


def _shape(
    layers: int | None,
    hidden: int | None,
    intermediate: int | None,
    heads: int | None,
    kv_heads: int | None,
    head_dim: int | None,
    vocabulary: int | None,
    *,
    tied: bool,
) -> ModelShape | None:
    if not (layers and hidden and intermediate and heads and vocabulary):
        return None
    width = head_dim or hidden // heads
    return decoder(
        layers=layers,
        hidden=hidden,
        intermediate=intermediate,
        queries=heads * width,
        keys=(kv_heads or heads) * width,
        vocabulary=vocabulary,
        tied=tied,
    )
