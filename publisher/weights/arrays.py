"""Tensors of safetensors files as numpy arrays, without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from publisher.errors import HubpubError
from publisher.weights.header import Header

if TYPE_CHECKING:
    import numpy as np

_NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "I8": "i1"}


def read_floats(header: Header, name: str) -> np.ndarray[Any, Any]:
    """One tensor as float32 (float64 stays): shape as stored.

    numpy has no bfloat16; its 16 bits are the upper half of a float32.

    Raises:
        HubpubError: HP-E01, numpy is not installed; HP-A06, a type that cannot be read here.
    """
    try:
        import numpy as np
    except ImportError as error:
        hint = 'pip install "hubpub[models]"'
        raise HubpubError("HP-E01", "reading weights needs numpy", hint=hint, package="numpy") from error

    entry = header.tensors[name]
    with header.file.open("rb") as stream:
        stream.seek(entry.start)
        raw = stream.read(entry.stop - entry.start)
    if entry.dtype == "BF16":
        upper = np.frombuffer(raw, "<u2").astype(np.uint32) << 16
        widened: np.ndarray[Any, Any] = upper.view(np.float32).reshape(entry.shape)
        return widened
    if entry.dtype not in _NUMPY:
        raise HubpubError(
            "HP-A06",
            f"{name} has the type {entry.dtype}, which cannot be read here",
            hint="save the adapter in float32, float16 or bfloat16",
            where=str(header.file),
            dtype=entry.dtype,
        )
    array: np.ndarray[Any, Any] = np.frombuffer(raw, _NUMPY[entry.dtype]).reshape(entry.shape)
    return array if entry.dtype == "F64" else array.astype(np.float32)


def all_finite(values: np.ndarray[Any, Any]) -> bool:
    """Whether no value is NaN or infinite."""
    import numpy as np

    return bool(np.isfinite(values).all())
