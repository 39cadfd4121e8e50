"""CLAIM125 precision: the card names another dtype than the weights have.

Why   dtype decides the memory that a reader needs, and whether his card can run the model.
Fix   write the dtype of the safetensors files.

Bad
    README.md:
        - **Tensor type**: BF16 ←
    config.json:
        {}
    model.safetensors (safetensors):
        model.a F32 4x4
Good
    README.md:
        - **Tensor type**: BF16
        - Compute dtype: float16, in training
    config.json:
        {}
    model.safetensors (safetensors):
        model.a BF16 4x4
        model.norm F32 1x4
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from publisher.checks.observe.outline import Passage
from publisher.checks.observe.readme import README
from publisher.checks.observe.truths import Truths
from publisher.checks.quoting import quote
from publisher.checks.restate import replaced
from publisher.checks.rule import Edit, Fault, Skip, rule
from publisher.records.findings import Severity

_LABEL = re.compile(
    r"(?:tensor|weight|model|torch|parameter)[ _]?(?:type|dtype|precision)|weights? (?:format|in)",
    re.IGNORECASE,
)
_NAMES = (
    (re.compile(r"\bb(?:float|f)[ -]?16\b", re.IGNORECASE), "BF16"),
    (re.compile(r"\b(?:fp|f|float)[ -]?16\b|\bhalf\b", re.IGNORECASE), "F16"),
    (re.compile(r"\b(?:fp|f|float)[ -]?32\b", re.IGNORECASE), "F32"),
)
# By what a name contains, the longest first: how the same kind of name says each dtype.
_SPELT = {
    "float": {"BF16": "bfloat16", "F16": "float16", "F32": "float32"},
    "fp": {"BF16": "bf16", "F16": "fp16", "F32": "fp32"},
    "half": {"BF16": "bf16", "F32": "fp32"},
    "f": {"BF16": "bf16", "F16": "f16", "F32": "f32"},
}


@rule(Severity.WARNING, fixable=True)
def precision(truths: Truths) -> Iterator[Fault | Skip]:
    """Compare a labelled dtype with the one that most numbers of the files have; adapters and packed weights apart."""
    for passage in truths.claims.outline.passages:
        if not passage.label or not _LABEL.fullmatch(passage.label):
            continue
        named = {dtype for name, dtype in _NAMES if name.search(passage.value)}
        if not named:
            continue
        if truths.headers is None or truths.parameters is None:
            yield Skip("no plain weights to compare the card's dtype with")
            return
        sizes: Counter[str] = Counter()
        for header in truths.headers.files:
            for tensor in header.tensors.values():
                sizes[tensor.dtype] += math.prod(tensor.shape)
        true = sizes.most_common(1)[0][0]
        if true not in named:
            yield Fault(
                f"the card says {quote(passage.value, 40)}; most of the weights are {true}",
                README,
                passage.line,
                hint=f"write {true}",
                edit=_edit(passage, true),
            )


def _edit(passage: Passage, true: str) -> Edit | None:
    """The dtype in the kind of name that the card uses; None where it uses several."""
    names = [found[0] for name, _ in _NAMES for found in name.finditer(passage.value)]
    if len(names) != 1:
        return None
    kind = next(kind for kind in _SPELT if kind in names[0].lower())
    after = _SPELT[kind].get(true, "")
    after = after.upper() if names[0].isupper() else after
    return replaced(passage.raw, passage.line, names[0], after) if after else None
