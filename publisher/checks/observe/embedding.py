"""How many tokens a model's embedding has room for."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.tensors import Tensor

_NAMES = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight")
_FLOATS = frozenset(("F32", "F16", "BF16", "F64"))


def rows_in(tensors: Mapping[str, Tensor]) -> int | None:
    """Rows of the input embedding; None where no tensor is one, or it is packed."""
    for name, tensor in tensors.items():
        if name.endswith(_NAMES) and tensor.dtype in _FLOATS and len(tensor.shape) == 2:
            return tensor.shape[0]
    return None


def rows_said(config: ModelConfig) -> int | None:
    """`vocab_size`, which multimodal models keep under text_config."""
    size = config.data.get("vocab_size")
    inner = config.data.get("text_config")
    if size is None and isinstance(inner, dict):
        size = inner.get("vocab_size")
    return size if type(size) is int else None
