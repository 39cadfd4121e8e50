"""The loss curve."""

import struct
from importlib.util import find_spec

import pytest

from publisher.card.plot import loss_plot

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed"),
]
LOG = [{"step": n, "loss": 4 / n, "learning_rate": 2e-4 * (1 - n / 10)} for n in range(1, 11)]


def test_the_same_log_gives_the_same_picture():
    """A released file must not change because it was drawn again."""
    first, second = loss_plot(LOG), loss_plot(LOG)

    assert first == second
    assert struct.unpack(">II", first[16:24]) == (1200, 600)
    assert b"matplotlib" not in first.lower()


def test_a_log_without_learning_rates_is_drawn_and_one_without_losses_is_refused():
    """Other trainers log less."""
    assert loss_plot([{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}]).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="no losses"):
        loss_plot([{"step": 1, "loss": None}])
