"""bfloat16 plus a scaled float32 update, rounded once, compiled by numba: torch's bits in one pass over the bytes."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

_CHUNK = 1 << 10  # weights that are taken through one loop after the other: they stay in the first cache


def available() -> bool:
    """Whether numba is installed; without it torch itself does the sum."""
    return find_spec("numba") is not None


def add(bits: Any, update: Any, scale: float) -> tuple[bool, bool]:
    """Add `update * scale` to weights in place: product and sum in float32, each rounded, the sum to bfloat16.

    Args:
        bits: numpy uint16 (n,), the bits of bfloat16.
        update: numpy float32 (n,).
        scale: rounded to float32, as torch does with a Python number.

    Returns:
        Whether any weight changed, and whether all sums are finite.
    """
    import numpy as np

    changed, broken = _compiled()(bits, update, np.float32(scale))
    return bool(changed), not broken


@cache
def _compiled() -> Any:
    import numba
    import numpy as np

    # One plain loop a step, without a branch and in one width, so that the compiler makes vector instructions of each.
    @numba.njit(nogil=True, cache=True)
    def kernel(bits: Any, update: Any, scale: Any) -> tuple[Any, Any]:
        changed = np.uint32(0)
        broken = np.uint32(0)
        words: Any = np.empty(_CHUNK, np.uint32)
        values: Any = words.view(np.float32)
        for first in range(0, bits.size, _CHUNK):
            weights = bits[first : first + _CHUNK]
            updates = update[first : first + _CHUNK]
            for i in range(weights.size):
                words[i] = np.uint32(weights[i]) << np.uint32(16)
            for i in range(weights.size):
                values[i] = values[i] + updates[i] * scale
            for i in range(weights.size):
                word = words[i]
                # to the nearest, a tie to the even one
                tie = (word >> np.uint32(16)) & np.uint32(1)
                rounded = (word + np.uint32(0x7FFF) + tie) >> np.uint32(16)
                changed |= rounded ^ np.uint32(weights[i])
                # an exponent of nothing but ones carries into the sign's place
                broken |= ((rounded & np.uint32(0x7F80)) + np.uint32(0x80)) & np.uint32(0x8000)
                weights[i] = np.uint16(rounded)
        return changed, broken

    return kernel
