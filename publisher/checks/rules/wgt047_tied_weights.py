"""WGT047 tied-weights: the output embedding is saved though the model ties it, or missing though it does not.

Why   a tied copy is downloaded and thrown away; a missing one is filled with random numbers.
Fix   save with `save_pretrained`, and make `tie_word_embeddings` what the training used.

Bad
    config.json:
        {
          "architectures": ["LlamaForCausalLM"],
          "tie_word_embeddings": false ←
        }
    model.safetensors (safetensors):
        model.embed_tokens.weight F32 8x8
        model.norm.weight F32 8
Bad
    config.json:
        {
          "architectures": ["LlamaForCausalLM"],
          "tie_word_embeddings": true ←
        }
    model.safetensors (safetensors):
        model.embed_tokens.weight F32 8x8
        lm_head.weight F32 8x8
Good
    config.json:
        {"architectures": ["LlamaForCausalLM"], "tie_word_embeddings": true}
    model.safetensors (safetensors):
        model.embed_tokens.weight F32 8x8
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.tensors import Headers
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_KEY = "tie_word_embeddings"
_OUTPUTS = ("head", "output", "embed_out", "score")


@rule(Severity.WARNING)
def tied_weights(config: ModelConfig, headers: Headers, kind: RepoKind) -> Iterator[Fault]:
    """Look at language models with the usual names only; a copy of a tied embedding is a note."""
    tied, names = config.data.get(_KEY), config.data.get("architectures")
    if kind is not RepoKind.MODEL or not isinstance(tied, bool) or not isinstance(names, list):
        return
    if not any(str(name).endswith("ForCausalLM") for name in names) or any(
        h.faults or h.pointer for h in headers.files
    ):
        return
    tensors = {name for header in headers.files if "/" not in header.path for name in header.tensors}
    if "model.embed_tokens.weight" not in tensors:
        return
    if tied and "lm_head.weight" in tensors:
        yield Fault(
            "the embeddings are tied, and lm_head.weight is saved once more",
            config.path,
            config.line(_KEY),
            hint=f'"{_KEY}": false, if they differ',
            severity=Severity.NOTE,
        )
    elif not tied and not any(output in name for name in tensors for output in _OUTPUTS):
        yield Fault(
            "the embeddings are not tied, and no output embedding is in the files",
            config.path,
            config.line(_KEY),
            hint=f'"{_KEY}": true, or save lm_head.weight',
        )
