"""A drawing that gives the same bytes wherever it is made, on the same matplotlib."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from publisher.errors import HubpubError

INK, PALE, GRID = "#1f4e79", "#c98b3a", "#e6e6e6"
# No date and no program name: matplotlib would write its own version into the file.
METADATA: dict[str, Any] = {"Software": None}

Figure = Any  # matplotlib.figure.Figure; naming it would import matplotlib


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """An empty figure of so many inches, at 150 dots an inch; the user's own matplotlibrc does not count.

    Raises:
        HubpubError: HP-E01, matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise HubpubError(
            "HP-E01", "drawing a plot needs matplotlib", hint="pip install 'hubpub[models]'"
        ) from error
    with mpl.rc_context():
        mpl.rcdefaults()
        figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def png_of(figure: Figure) -> bytes:
    """The figure as PNG."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata=METADATA)
    return picture.getvalue()
