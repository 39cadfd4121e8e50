"""tensors: hash each tensor of what is released, so that the next version can say which of them changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from publisher.pipeline.services import ByteCounter, Listener
from publisher.records.artifacts import Kind
from publisher.records.changes import Tensor, Tensors
from publisher.records.digest import canonical_json
from publisher.records.runs import Adapter, Base, Merged, Quantized
from publisher.release.before import TENSORS_SCHEMA
from publisher.weights.tensors import digest_tensors


class WithWeights(tuple[Kind, ...]):
    """The artifacts that are released and hold weights."""

    __slots__ = ()


def tensors(
    listener: Listener,
    released: WithWeights,
    base: Base | None,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
) -> Tensors:
    """One sequential pass over the weight files of every artifact that is released.

    Raises:
        HubpubError: HP-W01, HP-W02 a weight file is damaged or missing.
    """
    made = (base, adapter, merged, quantized)
    artifacts = [m.artifact for m in made if m is not None and m.artifact.kind in released]
    weights = (file.size for a in artifacts for file in a.files if file.path.endswith(".safetensors"))
    hashed = ByteCounter(listener, sum(weights))
    return Tensors(
        {
            a.kind: digest_tensors(
                Path(a.folder), "adapter_model" if a.kind == "adapter" else "model", on_bytes=hashed
            )
            for a in artifacts
        }
    )


def tensors_text(found: Mapping[str, Tensor]) -> str:
    """`evidence/tensors.json`: a line a tensor, so that git's own diff between two versions says which changed."""
    lines = ",\n".join(
        f"{canonical_json(name)}:{canonical_json(tensor)}" for name, tensor in sorted(found.items())
    )
    return f'{{"schema":{canonical_json(TENSORS_SCHEMA)},"tensors":{{\n{lines}\n}}}}\n'
