"""How far modules moved, from the bytes of two versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from publisher.weights import norms  # noqa: E402
from publisher.weights.lora import read_adapter  # noqa: E402
from publisher.weights.norms import ModuleNorm, Weights, adapter_norms, norms_of  # noqa: E402
from publisher.weights.shards import read_shards  # noqa: E402

NAMES = {"<f4": "F32", "<f2": "F16", "<u2": "BF16", "|u1": "U8"}


def save(file: Path, tensors: dict[str, Any]) -> Path:
    """A safetensors file; arrays of `<u2` are the upper halves of float32, which is bfloat16."""
    header, at = {}, 0
    for name, array in tensors.items():
        header[name] = {
            "dtype": NAMES[array.dtype.str], "shape": array.shape, "data_offsets": [at, at + array.nbytes]
        }  # fmt: skip
        at += array.nbytes
    raw = json.dumps(header).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(len(raw).to_bytes(8, "little") + raw + b"".join(a.tobytes() for a in tensors.values()))
    return file.parent


def bfloat16(array: Any) -> Any:
    return (array.astype("<f4").view("<u4") >> 16).astype("<u2")


def here(folder: Path) -> Weights:
    return Weights.here(read_shards(folder))


def test_norms_are_the_textbook_s_whatever_type_the_values_come_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weight and bias are one module; pieces smaller than a tensor; bfloat16 against float32."""
    monkeypatch.setattr(norms, "PIECE", 5)
    old = np.arange(12, dtype="<f4").reshape(3, 4)
    new = old + np.full((3, 4), 0.5, "<f4")
    bias = np.ones(3, "<f2")
    before = save(tmp_path / "old" / "model.safetensors", {"a.q.weight": bfloat16(old), "a.q.bias": bias})
    now = save(tmp_path / "new" / "model.safetensors", {"a.q.weight": new, "a.q.bias": bias})
    (found,) = norms_of(here(before), here(now))

    assert "a.q" == found.module
    assert pytest.approx((3.0**0.5, (506 + 3) ** 0.5)) == (found.change, found.before)
    assert pytest.approx((3 / 509) ** 0.5) == found.relative


def test_modules_that_one_version_lacks_or_has_in_another_shape_are_told_and_packed_ones_left_out(
    tmp_path: Path,
) -> None:
    """Nothing is made up for what cannot be compared."""
    one, two, packed = np.ones(2, "<f4"), np.ones(3, "<f4"), np.ones(2, "|u1")
    before = save(tmp_path / "old" / "model.safetensors", {"a.w": one, "b.w": one, "n.w": packed})
    now = save(tmp_path / "new" / "model.safetensors", {"b.w": two, "c.w": one, "n.w": packed})

    assert [ModuleNorm(name, None, None) for name in "abc"] == list(norms_of(here(before), here(now)))


def test_an_adapter_is_compared_by_its_product(tmp_path: Path) -> None:
    """Twice A and half of B is the same update; another rank and another scale are none of their own."""
    random = np.random.default_rng(0)
    up, down = random.standard_normal((5, 2)).astype("<f4"), random.standard_normal((2, 4)).astype("<f4")

    def adapter(name: str, up: Any, down: Any, alpha: int) -> Any:
        key = "base_model.model.layers.0.q_proj.lora_"
        folder = save(
            tmp_path / name / "adapter_model.safetensors", {f"{key}A.weight": down, f"{key}B.weight": up}
        )
        config = {"peft_type": "LORA", "r": len(down), "lora_alpha": alpha, "target_modules": ["q_proj"]}
        (folder / "adapter_config.json").write_text(json.dumps(config))
        return read_adapter(folder)

    old = adapter("old", up, down, 2)
    same = adapter("same", up / 2, down * 2, 2)
    wider = adapter("wider", np.hstack([up, up]), np.vstack([down, down]), 4)
    (unmoved,), (moved,) = adapter_norms(old, same), adapter_norms(old, wider)
    size = float(np.linalg.norm(up.astype("f8") @ down.astype("f8")))

    assert pytest.approx((0.0, size), abs=1e-6) == (unmoved.change, unmoved.before)
    assert pytest.approx(size) == moved.change
