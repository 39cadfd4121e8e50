"""The picture of what a dataset holds."""

from __future__ import annotations

import io

import pytest

from publisher.card.dataset_plot import dataset_plot

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")
pytestmark = pytest.mark.models

WORDS = {"2": 10, "5": 3, "90": 1}


def test_the_same_numbers_give_the_same_bytes_and_others_do_not() -> None:
    """It is released with the card."""
    categories = {"ship": 3, "plane": 8}

    assert dataset_plot(categories, WORDS) == dataset_plot(dict(reversed(categories.items())), WORDS)
    assert dataset_plot(categories, WORDS) != dataset_plot({"ship": 4, "plane": 8}, WORDS)
    assert dataset_plot(categories, WORDS) != dataset_plot(categories, {"2": 10})


@pytest.mark.parametrize(("categories", "height"), [(0, 480), (4, 480), (200, 1050)])
def test_it_grows_with_the_categories_up_to_a_bound(categories: int, height: int) -> None:
    """A hundred bars could not be told apart."""
    drawn = dataset_plot({f"kind {n}": n + 1 for n in range(categories)}, WORDS)

    assert (1200, height) == Image.open(io.BytesIO(drawn)).size
