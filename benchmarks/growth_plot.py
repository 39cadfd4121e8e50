"""How the work time of merges grows with the size of the model: one panel an adapter, one line a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PROGRAMS = ("hubpub", "peft", "axolotl", "cp", "cp + fsync")


def draw_growth(rows: Iterable[Mapping[str, Any]], file: Path) -> None:
    """Draw the rows that say how long a merge worked, and beside whom, into an SVG."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "hubpub"  # equal numbers, equal bytes
    from matplotlib import pyplot as plt

    timed = [
        row for row in rows if row["unit"] == "s" and row["what"].endswith(": work") and "adapted" in row
    ]
    panels = list(dict.fromkeys(row["adapted"] for row in timed))
    figure, axes = plt.subplots(1, len(panels), figsize=(4.5 * len(panels), 3.4), squeeze=False)
    for axis, panel in zip(axes[0], panels, strict=True):
        for program, points in _lines([row for row in timed if row["adapted"] == panel]).items():
            axis.plot(*zip(*sorted(points.items()), strict=True), marker="o", markersize=4, label=program)
        axis.set(title=panel, xlabel="model, GB", ylabel="work, s", xlim=(0, None), ylim=(0, None))
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _lines(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[float, float]]:
    """Seconds by size, by program."""
    lines: dict[str, dict[float, float]] = {program: {} for program in PROGRAMS}
    for row in rows:
        lines["hubpub"][row["gigabytes"]] = row["ours"]
        lines[row["peer_name"]][row["gigabytes"]] = row["peer"]
    return {program: points for program, points in lines.items() if points}
