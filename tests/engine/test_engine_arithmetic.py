"""What models are computed in, by what the processor can do."""

import pytest

pytestmark = pytest.mark.models


@pytest.mark.parametrize("able", [{"avx512_bf16": True}, {"amx_bf16": True}, {"bf16": True}])
def test_a_processor_that_multiplies_bfloat16_does(able: dict[str, bool]) -> None:
    from publisher.engine.arithmetic import quick_dtype

    assert quick_dtype("bfloat16", "cpu", able) == "bfloat16"


@pytest.mark.parametrize("named", ["bfloat16", "float16"])
def test_one_that_would_emulate_it_computes_in_float32(named: str) -> None:
    from publisher.engine.arithmetic import quick_dtype

    assert quick_dtype(named, "cpu", {"avx2": True, "avx512_bf16": False}) == "float32"


def test_what_is_no_emulation_stays(tmp_path: object) -> None:
    from publisher.engine.arithmetic import quick_dtype

    assert quick_dtype("bfloat16", "cuda:0", {}) == "bfloat16"
    assert quick_dtype("float64", "cpu", {}) == "float64"
    assert quick_dtype("bfloat16", "meta", {}) == "bfloat16"
