"""DATA111 personal-data: rows hold e-mail addresses, telephone numbers, bank accounts, IP addresses or positions.

Why   whoever publishes them needs the consent of those whom they belong to, and a model may say them again.
Fix   replace them by placeholders such as name@example.com, and save images without EXIF.

Bad
    train.jsonl:
        {"text": "Write to erika.mustermann@uni-musterstadt.de for the maps."} ←
Good
    train.jsonl:
        {"text": "Write to name@example.com or info@uni-musterstadt.de; version 1.2.3.4, +1 555 0100 123."}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.imagefiles import ImageFiles
from publisher.checks.observe.rowscan import RowScan
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def personal_data(scan: RowScan | None, images: ImageFiles) -> Iterator[Fault | Skip]:
    """Report by split, column and kind; what was found is not repeated here."""
    if images.placed:
        yield Fault(
            f"the EXIF of {len(images.placed):,} of {images.looked_at:,} images tells where they were taken",
            images.placed[0],
            hint="save them without EXIF",
        )
    for seen in scan.personal if scan is not None else ():
        yield Fault(
            f"{seen.what} in the column {quote(seen.column)}: {seen.count:,} of {seen.of:,} rows",
            seen.path,
            hint=f"the first is row {seen.row:,}: replace it, or say in the card why it may be there",
            line=seen.line,
        )
    for reason in scan.left_out if scan is not None else ():
        yield Skip(reason)
