"""What a dataset holds, as a picture: rows by category, and how long the answers are."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.card.drawing import GRID, INK, Figure, drawing, png_of

_MOST_CATEGORIES = 25  # more bars could not be told apart; the last one holds the others
_BINS = 30  # of answers' lengths


def dataset_plot(categories: Mapping[str, int], words: Mapping[str, int]) -> bytes:
    """Draw a dataset.

    Args:
        categories: category → rows; empty where the rows are of none.
        words: how many words → how many answers have so many; at least one.

    Returns:
        A PNG, 1200 pixels wide.

    Raises:
        HubpubError: HP-E01, matplotlib is not installed.
    """
    shown = _largest(categories)
    with drawing(8, max(3.2, 1 + 0.24 * len(shown))) as figure:
        axes = figure.subplots(1, 2 if shown else 1, squeeze=False)[0]
        if shown:
            _bars(axes[0], shown)
        _lengths(axes[-1], {int(count): rows for count, rows in words.items()})
        return png_of(figure)


def _largest(categories: Mapping[str, int]) -> dict[str, int]:
    ranked = sorted(categories.items(), key=lambda one: (-one[1], one[0]))
    if len(ranked) <= _MOST_CATEGORIES:
        return dict(ranked)
    rest = ranked[_MOST_CATEGORIES - 1 :]
    return {**dict(ranked[: _MOST_CATEGORIES - 1]), f"{len(rest)} others": sum(rows for _, rows in rest)}


def _bars(axes: Figure, categories: Mapping[str, int]) -> None:
    axes.barh(list(categories), list(categories.values()), color=INK)
    axes.invert_yaxis()
    axes.set_xlabel("rows")
    _plain(axes, "x")


def _lengths(axes: Figure, words: Mapping[int, int]) -> None:
    shortest, longest = min(words), max(words)
    width = max(1, -(-(longest - shortest + 1) // _BINS))  # whole words
    edges = [shortest - 0.5 + width * step for step in range((longest - shortest) // width + 2)]
    axes.hist(
        list(words), bins=edges, weights=list(words.values()), color=INK, edgecolor="white", linewidth=0.5
    )
    axes.set_xlabel("words of an answer")
    axes.set_ylabel("rows")
    _plain(axes, "y")


def _plain(axes: Figure, grid: str) -> None:
    axes.grid(visible=True, axis=grid, color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
