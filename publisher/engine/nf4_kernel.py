"""NF4 codes of raw weights, compiled by numba: the same bits as bitsandbytes' CPU code at many times its speed.

bitsandbytes (backends/default/ops.py, 0.50) makes a float32 copy, divides each block of 64 by its largest absolute
value, and looks every value up with a search. Here one pass over the bytes does it all: largest value, its inverse,
fifteen comparisons, two codes packed into a byte, the first in the high half.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

BLOCK = 64  # weights that share a scale; bitsandbytes' default, and what its checkpoints declare
_CHUNK = 256  # blocks that one thread takes at a time


def available() -> bool:
    """Whether numba is installed; without it bitsandbytes itself does the work."""
    return find_spec("numba") is not None


def quantize(raw: Any, bounds: Any) -> tuple[Any, Any, bool]:
    """Quantize whole blocks.

    Args:
        raw: numpy array, uint16 (the bits of bfloat16) or float32, a multiple of 64 long.
        bounds: numpy float32 (15,), rising: a value's code is the number of bounds below it.

    Returns:
        Packed codes, uint8 (n / 2,); largest absolute value of each block, float32 (n / 64,); whether all values
        are finite. Where they are not, the codes are meaningless.
    """
    import numpy as np

    packed = np.empty(raw.size // 2, np.uint8)
    absmax = np.empty(raw.size // BLOCK, np.float32)
    words, shift = (raw, 16) if raw.dtype == np.uint16 else (raw.view(np.uint32), 0)
    finite = _compiled()(words, np.uint32(shift), bounds, packed, absmax)
    return packed, absmax, bool(finite)


@cache
def _compiled() -> Any:
    """The kernel. It is compiled once for a type of weights, about two seconds, and then kept on the disk."""
    import numba
    import numpy as np

    @numba.njit(parallel=True, cache=True)
    def kernel(words: Any, shift: Any, bounds: Any, packed: Any, absmax: Any) -> bool:
        blocks = absmax.size
        smallest: Any = np.float32(1e-38)
        broken = 0
        for chunk in numba.prange((blocks + _CHUNK - 1) // _CHUNK):
            bits: Any = np.empty(BLOCK + 1, np.uint32)
            values: Any = bits.view(np.float32)
            codes: Any = np.empty(BLOCK, np.uint8)
            for block in range(chunk * _CHUNK, min(blocks, (chunk + 1) * _CHUNK)):
                largest = np.uint32(0)
                for i in range(BLOCK):
                    word = np.uint32(words[block * BLOCK + i]) << shift
                    bits[i] = word
                    largest = max(largest, word & np.uint32(0x7FFFFFFF))
                if largest >= np.uint32(0x7F800000):  # an infinity or a NaN
                    broken += 1
                bits[BLOCK] = largest
                scale: Any = values[BLOCK]
                absmax[block] = scale
                inverse: Any = np.float32(1.0) / (scale if scale > smallest else smallest)
                for i in range(BLOCK):
                    value = values[i] * inverse
                    code = np.uint8(0)
                    for k in range(15):
                        code += np.uint8(value > bounds[k])
                    codes[i] = code
                for i in range(BLOCK // 2):
                    packed[block * (BLOCK // 2) + i] = (codes[2 * i] << 4) | codes[2 * i + 1]
        return broken == 0

    return kernel
