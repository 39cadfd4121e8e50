"""NaN, infinity and zero, told from the bytes of every float type that an adapter may have."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from publisher.errors import HubpubError
from publisher.weights import values
from publisher.weights.header import Header, read_header
from publisher.weights.values import all_finite, any_value

CASES = {
    "F32": {
        "largest": (0x7F7FFFFF, True, True),
        "smallest": (0x00000001, True, True),
        "minus zero": (0x80000000, True, False),
        "infinite": (0x7F800000, False, True),
        "minus infinite": (0xFF800000, False, True),
        "nan": (0x7FC00000, False, True),
        "nan by its last bit": (0xFF800001, False, True),
    },
    "BF16": {
        "largest": (0x7F7F, True, True),
        "smallest": (0x0001, True, True),
        "minus zero": (0x8000, True, False),
        "infinite": (0x7F80, False, True),
        "nan": (0xFFC0, False, True),
    },
    "F16": {
        "largest": (0x7BFF, True, True),
        "smallest": (0x0001, True, True),
        "minus zero": (0x8000, True, False),
        "infinite": (0x7C00, False, True),
        "minus infinite": (0xFC00, False, True),
        "nan": (0x7E00, False, True),
        "what is infinite in bfloat16": (0x7800, True, True),
    },
}


def _tensor(file: Path, dtype: str, bits: list[int]) -> Header:
    raw = struct.pack(f"<{len(bits)}{'I' if dtype in ('F32', 'I32') else 'H'}", *bits)
    told = {"t": {"dtype": dtype, "shape": [len(bits)], "data_offsets": [0, len(raw)]}}
    text = json.dumps(told).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + raw)
    return read_header(file)


@pytest.mark.parametrize(
    ("dtype", "bits", "finite", "anything"),
    [
        pytest.param(dtype, *case, id=f"{dtype}: {name}")
        for dtype, cases in CASES.items()
        for name, case in cases.items()
    ],
)
def test_one_value_among_zeros_in_the_last_piece_is_found(
    dtype: str, bits: int, finite: bool, anything: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large tensor is read in pieces, and one NaN in a million values ruins the model as well."""
    monkeypatch.setattr(values, "PIECE", 64)
    header = _tensor(tmp_path / "w.safetensors", dtype, [0] * 100 + [bits, 0])

    assert (finite, anything) == (all_finite(header, "t"), any_value(header, "t"))


def test_a_type_that_is_no_float_is_refused(tmp_path: Path) -> None:
    """A packed adapter is not guessed at."""
    header = _tensor(tmp_path / "w.safetensors", "I32", [1])
    with pytest.raises(HubpubError) as caught:
        all_finite(header, "t")

    assert ("HP-A06", "I32") == (caught.value.code, caught.value.data["dtype"])
