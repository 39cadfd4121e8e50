"""What four bits cost, in nats."""

from __future__ import annotations

import pytest

from publisher.engine.jobs import Divergence

pytestmark = pytest.mark.models
pytest.importorskip("torch")

from publisher.engine import divergence, memory, quantize  # noqa: E402
from publisher.engine.compare import mean_kl  # noqa: E402
from publisher.engine.jobs import Quantize  # noqa: E402


def measured(full, other):
    job = Divergence(str(full), str(other), ("the car", "the house"))
    return {fact.id: fact.value for fact in divergence.run(job, lambda event: None).measured}


def test_a_model_is_no_distance_from_itself(tiny_base):
    """Two loads of the same weights read the same texts."""
    found = measured(tiny_base, tiny_base)

    assert (0.0, 1.0, 0.0) == tuple(
        found[f"validate.nf4.{name}_to_merged"] for name in ("kl", "argmax_agreement", "max_logit_difference")
    )


def test_four_bits_move_the_predictions(tiny_base, tmp_path):
    """Numbers that a gate may bound: divergence above zero, over as many positions as there are tokens."""
    quantize.run(Quantize(str(tiny_base), str(tmp_path / "nf4")), lambda event: None)
    found = measured(tiny_base, tmp_path / "nf4")

    assert found["validate.nf4.kl_to_merged"] > 0.001
    assert found["validate.nf4.argmax_agreement_to_merged"] <= 1.0
    assert found["validate.nf4.positions_to_merged"] > 20


def test_the_divergence_is_the_textbook_s():
    """KL((1/2, 1/2) || (1/4, 3/4)) = ln 2 / 2 + ln (2/3) / 2, averaged over positions."""
    import math

    import torch

    one = torch.log(torch.tensor([[0.5, 0.5], [0.5, 0.5]]))
    other = torch.log(torch.tensor([[0.25, 0.75], [0.5, 0.5]]))
    expected = (math.log(2) / 2 + math.log(2 / 3) / 2) / 2

    assert pytest.approx(expected, abs=1e-6) == mean_kl([one], [other])


def test_of_what_others_packed_nothing_is_known_where_memory_is_short(tiny_base, monkeypatch):
    """Read layer by layer it would have to be unpacked, and how is known of NF4 alone: unknown is no guess."""
    monkeypatch.setattr(memory, "available_bytes", lambda: 1)
    job = Divergence(str(tiny_base), str(tiny_base), ("the car",), "awq", "base")
    found = {fact.id: (fact.value, fact.status) for fact in divergence.run(job, lambda event: None).measured}

    assert (
        dict.fromkeys(
            (
                f"validate.awq.{name}_to_base"
                for name in ("kl", "argmax_agreement", "max_logit_difference", "positions")
            ),
            (None, "unknown"),
        )
        == found
    )
