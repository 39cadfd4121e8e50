"""The rate that a training's time is estimated from: of both methods, and of many rows by a few."""

from __future__ import annotations

import pytest

from publisher.engine.jobs import MatmulRate

pytestmark = pytest.mark.models
pytest.importorskip("torch")

from publisher.engine import matmul_rate  # noqa: E402


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_a_rate_is_measured_with_weights_as_the_method_holds_them(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of rows that nobody waits for follows from two shorter passes: 64 rows, and 192."""
    timed = []

    def taken(layers: list[object], rows: int, dtype: object) -> float:
        timed.append((rows, type(layers[0]).__name__))
        return 1.0 + rows / 64

    monkeypatch.setattr(matmul_rate, "_seconds", taken)
    job = MatmulRate(method, "float32", 640, ((64, 128), (128, 64)), seconds=0.0)  # type: ignore[arg-type]
    found = matmul_rate.run(job, lambda event: None).details["flops_per_second"]

    layer = "Linear4bit" if method == "qlora" else "Linear"
    assert [(64, layer), (64, layer), (192, layer), (64, layer), (192, layer)] == timed
    assert found == pytest.approx(4 * 640 * 2 * 64 * 128 / 11)


def test_a_pass_takes_time_and_goes_both_ways() -> None:
    job = MatmulRate("qlora", "bfloat16", 8, ((64, 128),), seconds=0.0)

    assert 0 < matmul_rate.run(job, lambda event: None).details["flops_per_second"] < 1e16
