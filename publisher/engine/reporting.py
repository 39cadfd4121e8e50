"""A run's numbers for programs that draw them, as files in the workspace: nothing is sent, nothing is published."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from publisher.errors import HubpubError

COUNTED = "step"  # what a row's other numbers belong to


class Report(Protocol):
    """One program's files."""

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one optimizer step."""

    def close(self) -> None:
        """Write down what is still in memory."""


@dataclass(frozen=True)
class Reports:
    """All that were asked for."""

    each: tuple[Report, ...]

    @classmethod
    def open(cls, names: tuple[str, ...], folder: Path) -> Reports:
        """Begin, or go on with, the files of these programs.

        Raises:
            HubpubError: HP-E01, one of them is not installed.
        """
        return cls(tuple(KINDS[name](folder) for name in names))

    def add(self, row: Mapping[str, Any]) -> None:
        """A row of the training's log, or of its held-out losses."""
        values = {f"train/{name}": float(value) for name, value in row.items() if name != COUNTED}
        for report in self.each:
            report.add(row[COUNTED], values)

    def __enter__(self) -> Reports:
        """Nothing is left to do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them, however the training ended."""
        for report in self.each:
            report.close()


class _TensorBoard:
    """Event files, `tensorboard --logdir FOLDER/tensorboard`."""

    def __init__(self, folder: Path) -> None:
        _installed("tensorboard")
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder / "tensorboard"))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one optimizer step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write down what is still in memory."""
        self._writer.close()


KINDS: dict[str, Callable[[Path], Report]] = {"tensorboard": _TensorBoard}


def _installed(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise HubpubError(
            "HP-E01",
            f"`report_to: [{package}]` needs the package {package}: {error}",
            hint=f"pip install {package}, or leave it out of `report_to`",
            package=package,
        ) from error
