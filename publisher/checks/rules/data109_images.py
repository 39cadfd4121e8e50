"""DATA109 images: images that will not open, or that are not there.

Why   one such image stops a training run in its middle, and the viewer with it.
Fix   write them again, or take their rows out.

Bad
    README.md:
        ---
        license: mit
        task_categories: [image-classification]
        ---
    images/one.png: ←
        <html>404: not found</html>
Bad
    metadata.jsonl:
        {"file_name": "one.png", "text": "a ship"} ←
Good
    metadata.jsonl:
        {"file_name": "images/one.gif", "text": "a ship"}
    images/one.gif:
        GIF89a and pixels
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.imagefiles import ImageFiles
from publisher.checks.observe.rowscan import RowScan
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

_MOST = 20  # files that are named one by one


@rule(Severity.ERROR)
def images(scan: RowScan | None, files: ImageFiles) -> Iterator[Fault | Skip]:
    """Report files one by one, and images in rows by split and column."""
    for path, picture in files.broken[:_MOST]:
        yield Fault(f"the image will not open: {picture.fault}", path)
    if len(files.broken) > _MOST:
        yield Fault(f"{len(files.broken) - _MOST:,} more images will not open", files.broken[_MOST][0])
    for seen in scan.images if scan is not None else ():
        yield Fault(
            f"images in the column {quote(seen.column)}: {seen.what}: {seen.count:,} of {seen.of:,} rows",
            seen.path,
            seen.line,
            hint=f"the first is row {seen.row:,}",
        )
    for reason in scan.left_out if scan is not None else ():
        yield Skip(reason)
    if files.looked_at < files.there:
        yield Skip(f"{files.looked_at:,} of {files.there:,} images were opened; --deep opens all")
