"""A sheet of example rows: their pictures, each with what the row says of it. The same rows give the same bytes."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from publisher.data.installed import installed
from publisher.data.rows import parquet_splits
from publisher.records.facts import Json

MOST = 6
_ACROSS = 3
_SIDE = 320  # pixels of a picture's place
_TEXT = 72  # pixels below it
_GAP = 12
_LETTERS = 50  # of a line
_INK, _FAINT, _RED = (30, 30, 30), (110, 110, 110), (255, 0, 0)
# What is looked at to choose: no picture among it.
_TOLD = ("item_type", "expression_type", "category", "scene_id")

Cells = Mapping[str, Json]


def example_rows(folder: Path) -> tuple[int, ...]:
    """Which rows of the training split stand for all, by number: of every kind one, then others of further scenes.

    Args:
        folder: a dataset; none where its rows have no pictures.

    Raises:
        HubpubError: HP-D01, no Parquet files; HP-E01, no pyarrow.
    """
    paths = parquet_splits(folder).get("train", [])
    names = set(_names(paths))
    if not names & {"image", "images"}:
        return ()
    parquet = installed("pyarrow.parquet")
    told = [name for name in _TOLD if name in names]
    rows = [row for path in paths for row in _cells(parquet.read_table(path, columns=told), len(told))]
    chosen: dict[Any, int] = {}
    for number, row in enumerate(rows):
        chosen.setdefault((row.get("item_type"), row.get("expression_type")), number)
    scenes = {rows[number].get("scene_id") for number in chosen.values()}
    for number, row in enumerate(rows):
        if len(chosen) >= MOST:
            break
        scene = row.get("scene_id", number)
        if scene not in scenes and number not in chosen.values():
            scenes.add(scene)
            chosen[number] = number
    return tuple(sorted(chosen.values())[:MOST])


def example_sheet(folder: Path) -> bytes:
    """The example rows as one PNG, at least one.

    Raises:
        HubpubError: HP-D01, no Parquet files; HP-E01, no Pillow or pyarrow.
    """
    rows = list(_rows(folder, example_rows(folder)))
    pil = installed("PIL.Image")
    across, down = min(len(rows), _ACROSS), -(-len(rows) // _ACROSS)
    size = (across * (_SIDE + _GAP) + _GAP, down * (_SIDE + _TEXT + _GAP) + _GAP)
    sheet = pil.new("RGB", size, "white")
    for number, row in enumerate(rows):
        x = _GAP + (number % _ACROSS) * (_SIDE + _GAP)
        y = _GAP + (number // _ACROSS) * (_SIDE + _TEXT + _GAP)
        _tile(sheet, row, x, y)
    stored = io.BytesIO()
    sheet.save(stored, format="PNG", compress_level=9)
    return stored.getvalue()


def _tile(sheet: Any, row: Cells, x: int, y: int) -> None:
    picture = _picture(row)
    picture.thumbnail((_SIDE, _SIDE))
    sheet.paste(picture, (x + (_SIDE - picture.width) // 2, y + (_SIDE - picture.height) // 2))
    pen = installed("PIL.ImageDraw").Draw(sheet)
    fonts = installed("PIL.ImageFont")
    lines = textwrap.wrap(_answer(row), _LETTERS, max_lines=3, placeholder=" …")
    pen.multiline_text((x, y + _SIDE + 4), "\n".join(lines), fill=_INK, font=fonts.load_default(13))
    kind = ", ".join(str(row[name]) for name in ("expression_type", "item_type") if row.get(name))
    pen.text((x, y + _SIDE + _TEXT - 16), kind, fill=_FAINT, font=fonts.load_default(11))


def _picture(row: Cells) -> Any:
    """The first picture that a model sees; else the scene, with a box around what is spoken of."""
    pil = installed("PIL.Image")
    shown = (row.get("images") or [None])[0]
    picture = pil.open(io.BytesIO((shown or row["image"])["bytes"])).convert("RGB")
    box = row.get("bbox")
    if shown is None and box:
        edges = (box["xmin"], box["ymin"], box["xmax"] - 1, box["ymax"] - 1)
        installed("PIL.ImageDraw").Draw(picture).rectangle(edges, outline=_RED, width=3)
    return picture


def _answer(row: Cells) -> str:
    return str(row["messages"][-1]["content"] if row.get("messages") else row.get("completion", ""))


def _rows(folder: Path, numbers: tuple[int, ...]) -> Iterator[Cells]:
    """These rows whole, of each file the row groups that hold one of them."""
    parquet = installed("pyarrow.parquet")
    first = 0
    for path in parquet_splits(folder)["train"]:
        file = parquet.ParquetFile(path)
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            wanted = [number - first for number in numbers if first <= number < first + count]
            if wanted:
                yield from file.read_row_group(group).take(wanted).to_pylist()
            first += count


def _names(paths: list[Path]) -> list[str]:
    parquet = installed("pyarrow.parquet")
    return list(parquet.read_schema(paths[0]).names) if paths else []


def _cells(table: Any, columns: int) -> list[Cells]:
    return table.to_pylist() if columns else [{}] * table.num_rows
