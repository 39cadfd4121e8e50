"""WGT043 weights-twice: the repo holds the same weights in two forms.

Why   a stray model.safetensors beside the shards is what loaders take first, and often an older one; a .bin copy
      doubles every full download.
Fix   delete the one that is not meant.

Bad
    model.safetensors (safetensors): ←
        weight F32 8x8
    model.safetensors.index.json:
        {"weight_map": {"weight": "model-00001-of-00001.safetensors"}}
    model-00001-of-00001.safetensors (safetensors):
        weight F32 8x8
Bad
    model.safetensors (safetensors):
        weight F32 8x8
    pytorch_model.bin: ←
Good
    model.safetensors (safetensors):
        weight F32 8x8
    onnx/model.onnx:
Good
    model.safetensors (safetensors):
        weight F32 8x8
    model.safetensors.index.json:
        {"metadata": {"total_size": 256}, "weight_map": {"weight": "model.safetensors"}}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.target import ShardIndexes
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


@rule(Severity.WARNING)
def weights_twice(files: Files, indexes: ShardIndexes | None) -> Iterator[Fault]:
    """Report a stray single file as a warning, a copy as .bin, which may be kept for old readers, as a note."""
    single, sharded = SINGLE in files, INDEX in files
    if single and sharded and not _of_the_single(indexes):
        yield Fault(
            "beside the shards: loaders take this file and leave the shards",
            SINGLE,
            hint="delete it, or the shards and their index",
        )
    copies = [*files.matching("pytorch_model.bin"), *files.matching("pytorch_model-*-of-*.bin")]
    if (single or sharded) and copies:
        size = sum(entry.size for entry in copies)
        yield Fault(
            f"the same weights as safetensors, once more: {size:,} bytes",
            copies[0].path,
            hint="delete the .bin files",
            severity=Severity.NOTE,
        )


def _of_the_single(indexes: ShardIndexes | None) -> bool:
    """Whether the index names the single file alone, as mlx-lm writes one whatever the number of files."""
    maps = [each.data.get("weight_map") for each in (indexes.files if indexes else ()) if each.path == INDEX]
    return any(isinstance(found, dict) and all(name == SINGLE for name in found.values()) for found in maps)
