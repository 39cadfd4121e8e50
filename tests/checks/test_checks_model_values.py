"""Numbers of a model's weights: NaN and infinities in every type that safetensors stores them in."""

from __future__ import annotations

import json
import struct
import tracemalloc
from pathlib import Path

import pytest

from publisher.checks.observe.depth import Depth
from publisher.checks.observe.model_values import is_broken
from publisher.checks.observe.target import RepoView
from publisher.checks.registry import choose
from publisher.checks.run import check_view
from publisher.checks.source import FolderSource
from publisher.records.findings import Report, Severity

np = pytest.importorskip("numpy")
save_file = pytest.importorskip("safetensors.numpy").save_file
pytestmark = pytest.mark.models


def check(folder: Path, *, deep: bool = False) -> Report:
    return check_view(RepoView(FolderSource(folder), Depth(deep)), choose(["WGT049"]), "model")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 517, -1])
def test_one_bad_number_in_a_tensor_is_found(tmp_path: Path, dtype: type, value: float, place: int) -> None:
    """Wherever it stands, whatever its sign."""
    numbers = np.random.default_rng(7).normal(size=1000).astype(dtype)
    save_file({"sound": numbers.copy()}, tmp_path / "a.safetensors")
    numbers[place] = value
    save_file({"layer.weight": numbers}, tmp_path / "model.safetensors")

    (finding,) = check(tmp_path).findings

    assert ("model.safetensors", Severity.ERROR) == (finding.path, finding.severity)
    assert "a tensor holds NaN or infinity, such as `layer.weight`" == finding.message


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_largest_and_smallest_numbers_are_numbers(tmp_path: Path, dtype: type) -> None:
    """Next to infinity is not infinity."""
    edge = np.finfo(dtype)
    numbers = np.array([edge.max, edge.min, edge.tiny, edge.smallest_subnormal, 0, -0.0, 1], dtype)
    save_file({"layer.weight": numbers}, tmp_path / "model.safetensors")

    assert () == check(tmp_path).findings


# https://arxiv.org/abs/2209.05433, and OCP's Microscaling formats for E8M0; bfloat16 is half of a float32.
BROKEN = {
    "BF16": {struct.pack("<H", bits) for bits in range(2**16) if bits & 0x7F80 == 0x7F80},
    "F8_E4M3": {b"\x7f", b"\xff"},
    "F8_E5M2": {bytes([bits]) for bits in range(256) if bits & 0x7C == 0x7C},
    "F8_E8M0": {b"\xff"},
}


@pytest.mark.parametrize("dtype", BROKEN)
def test_every_pattern_of_the_narrow_types_is_judged_as_their_papers_say(dtype: str) -> None:
    """numpy has none of them: all patterns are tried."""
    width = 2 if dtype == "BF16" else 1
    patterns = [bits.to_bytes(width, "little") for bits in range(256**width)]

    assert BROKEN[dtype] == {raw for raw in patterns if is_broken(raw, dtype)}


def test_masks_are_infinite_on_purpose_and_empty_matrices_are_a_note(tmp_path: Path) -> None:
    """Zero biases are how training begins; a whole matrix of zeros was hardly trained."""
    save_file(
        {
            "attn.causal_mask": np.full((8, 8), -np.inf, np.float32),
            "layer.bias": np.zeros(8192, np.float32),
            "norm.weight": np.zeros(8192, np.float32),
            "small.weight": np.zeros((4, 4), np.float32),
            "layer.weight": np.zeros((64, 64), np.float32),
        },
        tmp_path / "model.safetensors",
    )

    (finding,) = check(tmp_path).findings

    assert Severity.NOTE == finding.severity
    assert "a matrix is all zero, such as `layer.weight`" == finding.message


def sparse_model(folder: Path, numbers: int, bad_at: int) -> None:
    """A float32 model whose file takes no room but for its ends."""
    shape = {"dtype": "F32", "shape": [numbers], "data_offsets": [0, 4 * numbers]}
    raw = json.dumps({"layer.weight": shape}).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw)
        start = file.tell()
        file.truncate(start + 4 * numbers)
        file.seek(start + 4 * bad_at)
        file.write(struct.pack("<f", float("nan")))


def test_large_weights_are_read_with_deep_only_and_piece_by_piece(tmp_path: Path) -> None:
    """A 200 GB model is not read for a lint, and no tensor needs to fit into memory."""
    sparse_model(tmp_path, 30_000_000, bad_at=29_999_998)
    quick = check(tmp_path)
    tracemalloc.start()

    deep = check(tmp_path, deep=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert ["the model's numbers, 0.1 GB, are read with --deep"] == [skip.reason for skip in quick.skipped]
    assert ["WGT049"] == [finding.code for finding in deep.findings]
    assert peak < 60_000_000  # of 120 MB
