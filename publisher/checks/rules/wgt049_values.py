"""WGT049 values: the model's weights hold NaN or infinity.

Why   every answer of such a model is noise, and nothing says so: loaders read NaN as they read any number.
Fix   look at the training's loss, take an earlier checkpoint, or convert again in a type with more range.

Bad
    model.safetensors (safetensors): ←
        model.layers.0.mlp.up_proj.weight BF16 8x64 nan
Good
    model.safetensors (safetensors):
        model.layers.0.mlp.up_proj.weight BF16 8x64 ones
        model.layers.0.mlp.up_proj.bias BF16 8x64
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from publisher.checks.observe.model_values import ModelValues
from publisher.checks.observe.tensors import Headers
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_LEAST_NUMBERS = 4096  # of a matrix whose zeros are worth a word


@rule(Severity.ERROR)
def values(headers: Headers, seen: ModelValues) -> Iterator[Fault]:
    """Report file by file; masks are infinite on purpose, and a large matrix of zeros is a note."""
    tensors = {header.path: header.tensors for header in headers.files}
    for file in seen.files:
        broken = [name for name in file.broken if "mask" not in name.casefold()]
        if broken:
            count = "a tensor holds" if len(broken) == 1 else f"{len(broken):,} tensors hold"
            yield Fault(
                f"{count} NaN or infinity, such as {quote(broken[0])}",
                file.path,
                hint="take an earlier checkpoint, or convert it again in bfloat16",
            )
        shapes = {name: tensors[file.path][name].shape for name in file.zero if name.endswith(".weight")}
        blank = [n for n, shape in shapes.items() if len(shape) > 1 and math.prod(shape) >= _LEAST_NUMBERS]
        if blank:
            count = "a matrix is" if len(blank) == 1 else f"{len(blank):,} matrices are"
            yield Fault(
                f"{count} all zero, such as {quote(blank[0])}",
                file.path,
                hint="was it trained, and was all of it saved?",
                severity=Severity.NOTE,
            )
