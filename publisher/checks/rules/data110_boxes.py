"""DATA110 boxes: boxes, masks or groups of a row that cannot be true.

Why   a box outside its image, or a mask of another area, teaches a model the wrong place, and breaks every crop.
Fix   clip the boxes to the image, and write area and group size from what is stored.

Bad
    train.jsonl:
        {"width": 480, "height": 480, "bbox": {"xmin": 10, "ymin": 10, "xmax": 500, "ymax": 40}, "name": "ship"} ←
Bad
    train.jsonl:
        {"bbox": {"xmin": 0, "ymin": 0, "xmax": 2, "ymax": 2}, "area": 5, "segmentation": {"size": [4, 4], "counts": [0, 4, 12]}} ←
Good
    train.jsonl:
        {"width": 480, "height": 480, "bbox": {"xmin": 10, "ymin": 10, "xmax": 480, "ymax": 40}, "name": "ship"}
        {"bbox": {"xmin": 0, "ymin": 0, "xmax": 2, "ymax": 2}, "area": 4, "segmentation": {"size": [4, 4], "counts": [0, 4, 12]}}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.rowscan import RowScan
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def boxes(scan: RowScan) -> Iterator[Fault | Skip]:
    """Report by split and kind; rows of another schema have no boxes."""
    for seen in scan.boxes:
        yield Fault(
            f"{seen.what}: {seen.count:,} of {seen.of:,} rows",
            seen.path,
            seen.line,
            hint=f"the first is row {seen.row:,}",
        )
    for reason in scan.left_out:
        yield Skip(reason)
