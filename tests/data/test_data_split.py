"""Held-out scenes: whole, seeded, and steady."""

import pytest

from publisher.data.split import split_scenes

IDS = [f"scene_{number:05d}" for number in range(40)]


def test_every_scene_is_on_exactly_one_side():
    """An image on both sides would make the held-out loss a lie."""
    split = split_scenes(IDS, validation_share=0.15, seed=7)

    assert (34, 6) == (len(split.train), len(split.validation))
    assert IDS == sorted({*split.train, *split.validation})


def test_the_order_and_repeats_of_the_ids_are_of_no_consequence():
    """Rows come scene by scene, several of each."""
    split = split_scenes(IDS, validation_share=0.15, seed=7)

    assert split == split_scenes([*reversed(IDS), *IDS], validation_share=0.15, seed=7)


def test_another_seed_holds_out_other_scenes():
    """Else the seed in the manifest would do nothing."""
    assert (
        split_scenes(IDS, validation_share=0.15, seed=7).validation
        != split_scenes(IDS, validation_share=0.15, seed=8).validation
    )


@pytest.mark.parametrize(
    ("scenes", "share", "expected"),
    [(2, 0.01, 1), (2, 0.99, 1), (1, 0.15, 0), (10, 0.0, 0), (10, 1.0, 10), (0, 0.5, 0)],
)
def test_each_side_gets_a_scene_where_there_are_two_and_both_are_wanted(scenes, share, expected):
    """Rounding must not leave a split empty that was asked for."""
    assert expected == len(split_scenes(IDS[:scenes], validation_share=share, seed=7).validation)
