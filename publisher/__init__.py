"""hubpub: release fine-tuned models to the Hugging Face Hub, proven. Importing this does nothing.

import publisher

report = publisher.check("out/adapter")
for finding in report.findings:
    print(finding.path, finding.line, finding.code, finding.message)
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for True; `typing` is ten milliseconds
if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from typing import Any

    from publisher.errors import HubpubError
    from publisher.records.findings import Finding, Report, Severity

__all__ = ["Finding", "HubpubError", "Report", "Severity", "check"]


def check(
    path: str | PathLike[str],
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    deep: bool = False,
) -> Report:
    """Check a model, adapter or dataset folder, or one README.md, as `hubpub check` does. Reads, runs nothing.

    Args:
        path: a folder that holds what a repo holds, or a card.
        select: codes or families to run, such as `META010` or `SEC`; empty: all.
        ignore: codes or families to leave out.
        deep: read every number of the weights and every row of the data, not a sample of them.

    Returns:
        Findings, what was not looked at and why, and what was recognised; `report.summary` counts by severity.

    Raises:
        HubpubError: HP-M09, there is nothing at the path, or no such rule.
    """
    from pathlib import Path

    from publisher.checks.run import check_card, check_folder

    place = Path(path)
    if not place.is_dir():
        return check_card(place, select=select, ignore=ignore)
    from publisher.pipeline.tables import beside_the_files

    return check_folder(place, select=select, ignore=ignore, known=beside_the_files(deep=deep))


def __getattr__(name: str) -> Any:
    """The public classes, imported when they are first asked for."""
    if name == "HubpubError":
        from publisher.errors import HubpubError

        return HubpubError
    if name in __all__:
        from publisher.records import findings

        return getattr(findings, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
