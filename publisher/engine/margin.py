"""How far a mean loss could be off: 95% of the time the true value lies within it. Standard library only, no chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

CONFIDENCE = 0.95
NORMAL_95 = 1.959963984540054  # standard errors to either side that hold 95% of a normal distribution


def margin(losses: Sequence[float], tokens: Sequence[int]) -> float | None:
    """Half the width of the 95% interval of `sum(losses) / sum(tokens)`, in nats per token.

    Rows are what was drawn, not tokens: the tokens of one answer hang together. So this is the ratio estimator's
    standard error over rows, in its normal approximation.

    Args:
        losses: summed loss of each row in nats, or the difference of two models' on that row.
        tokens: answer tokens of each row.

    Returns:
        None for fewer than two rows: one row does not tell how much rows differ.
    """
    rows = len(losses)
    if rows < 2:
        return None
    total = sum(tokens)
    mean = math.fsum(losses) / total
    squares = math.fsum((loss - mean * count) ** 2 for loss, count in zip(losses, tokens, strict=True))
    return NORMAL_95 * math.sqrt(rows / (rows - 1) * squares) / total
