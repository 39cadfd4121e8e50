"""The loss curve as a picture: the same log gives the same bytes on the same matplotlib."""

from __future__ import annotations

from typing import Any

from publisher.card.drawing import GRID, INK, PALE, drawing, png_of


def loss_plot(
    log: list[dict[str, Any]], *, unit: str | None = "nats/token", counts: str = "optimizer step"
) -> bytes:
    """Draw loss over optimizer steps, with the learning rate as a light second line.

    Args:
        log: per-step rows with `step` and `loss` and, if known, `learning_rate`.
        unit: of the losses; None where another trainer did not say.
        counts: what `step` counts.

    Returns:
        A PNG of 1200 by 600 pixels.

    Raises:
        HubpubError: HP-E01, matplotlib is not installed.
        ValueError: no row has a loss.
    """
    rows = [row for row in log if row.get("loss") is not None]
    if not rows:
        raise ValueError("the training log has no losses to draw")
    steps = [row["step"] for row in rows]
    rates = [row.get("learning_rate") for row in rows]

    with drawing(8, 4) as figure:
        from matplotlib.ticker import MaxNLocator

        axes = figure.add_subplot()
        axes.plot(
            steps, [row["loss"] for row in rows], color=INK, linewidth=2, marker="o" if len(rows) < 40 else ""
        )
        axes.set_xlabel(counts)
        axes.set_ylabel("training loss" + (f" ({unit.replace('/', ' per ')})" if unit else ""), color=INK)
        if min(row["loss"] for row in rows) >= 0:  # a loss of another trainer may be a log-likelihood
            axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(visible=True, color=GRID)
        axes.spines[["top", "right"]].set_visible(False)
        if all(rate is not None for rate in rates):
            beside = axes.twinx()
            beside.plot(steps, rates, color=PALE, linewidth=1, linestyle="--")
            beside.set_ylabel("learning rate (dashed)", color=PALE)
            beside.set_ylim(bottom=0)
            beside.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
            beside.spines[["top"]].set_visible(False)
        return png_of(figure)
