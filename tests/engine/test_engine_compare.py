"""The proof of a merge must pass every true merge and no false one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.engine import compare, memory
from publisher.engine.jobs import Compare, JobResult
from publisher.errors import HubpubError

pytestmark = pytest.mark.models

FORGOTTEN = "model.layers.1.self_attn.o_proj.weight"
PROMPTS = ("1+2=?", "how many cars?")


def prove(base: Path, adapter: Path, merged: Path, *, tolerance: float = 0.5) -> JobResult:
    return compare.run(Compare(str(base), str(adapter), str(merged), PROMPTS, tolerance), lambda event: None)


def values(result: JobResult) -> dict[str, Any]:
    return {m.id.removeprefix("validate.merged."): m.value for m in result.measured}


def spoil(source: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, target)
    tensors = load_file(target / "model.safetensors")
    change(tensors)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    return target


def test_a_true_merge_differs_from_base_and_adapter_by_its_rounding_alone(
    tiny_base: Path, tiny_adapter: Path, tiny_merged: Path
) -> None:
    """bfloat16 moves logits by more than many a fault would; only what it does not explain may count."""
    result = prove(tiny_base, tiny_adapter, tiny_merged)
    found = values(result)

    assert 0.0 == found["unexplained_logit_difference"]
    assert 0.0 < found["mean_logit_difference"] < found["max_logit_difference"]
    assert found["max_logit_difference"] == found["rounding_logit_difference"] < found["tolerance"]
    assert 0.9 < found["argmax_agreement"] <= 1.0
    assert "float32" == result.details["dtype"]


def test_the_comparison_holds_in_the_checkpoints_own_dtype_where_float32_has_no_room(
    tiny_base: Path, tiny_adapter: Path, tiny_merged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 12B model in float32 needs 48 GB; the proof must not end there."""
    size = (tiny_base / "model.safetensors").stat().st_size
    monkeypatch.setattr(memory, "available_bytes", lambda: round(1.5 * size))
    result = prove(tiny_base, tiny_adapter, tiny_merged)

    assert ("bfloat16", 0.0) == (result.details["dtype"], values(result)["unexplained_logit_difference"])


def test_the_base_itself_is_no_merge(tiny_base: Path, tiny_adapter: Path) -> None:
    """A merge that silently did nothing is the fault that nobody sees."""
    with pytest.raises(HubpubError, match="exactly those of the base") as caught:
        prove(tiny_base, tiny_adapter, tiny_base, tolerance=100.0)

    assert "HP-E06" == caught.value.code


def test_weights_that_went_astray_are_over_the_tolerance_and_the_numbers_are_told(
    tiny_base: Path, tiny_adapter: Path, tiny_merged: Path, tmp_path: Path
) -> None:
    """A wrong scale or a transposed matrix ends here."""

    def double(tensors: dict[str, Any]) -> None:
        key = "model.layers.0.self_attn.o_proj.weight"
        tensors[key] = tensors[key] * 2

    with pytest.raises(HubpubError, match=r"the tolerance is 0\.5") as caught:
        prove(tiny_base, tiny_adapter, spoil(tiny_merged, tmp_path / "spoilt", double))

    assert "HP-E06" == caught.value.code
    assert caught.value.data["unexplained"]["largest"] > caught.value.data["tolerance"]


def test_a_merge_that_forgot_one_matrix_is_caught_whatever_the_tolerance(
    tiny_base: Path, tiny_adapter: Path, tiny_merged: Path, tmp_path: Path
) -> None:
    """One matrix forgotten moves logits by less than any tolerance that must allow for rounding."""
    from safetensors.torch import load_file

    base = load_file(tiny_base / "model.safetensors")

    def forget(tensors: dict[str, Any]) -> None:
        tensors.update({key: base[key].clone() for key in tensors if key == FORGOTTEN})

    with pytest.raises(HubpubError, match="over 1% of the adapter's own effect") as caught:
        prove(tiny_base, tiny_adapter, spoil(tiny_merged, tmp_path / "less", forget), tolerance=100.0)

    assert "HP-E06" == caught.value.code


def test_nan_in_the_merged_weights_is_not_a_difference_but_an_error(
    tiny_base: Path, tiny_adapter: Path, tiny_merged: Path, tmp_path: Path
) -> None:
    """NaN compares as false with everything, so it would slip under any tolerance."""
    spoilt = spoil(tiny_merged, tmp_path / "nan", lambda t: t["model.norm.weight"].fill_(float("nan")))
    with pytest.raises(HubpubError) as caught:
        prove(tiny_base, tiny_adapter, spoilt)

    assert "HP-E05" == caught.value.code
