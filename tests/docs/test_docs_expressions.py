"""The page of example expressions is what the project's own code makes. UPDATE_GOLDEN=1 writes it again."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.models  # Pillow comes with them

DOCS = Path(__file__).resolve().parents[2] / "docs"
NEAR = 3.0  # of 255, in the mean: what another version of Pillow may round otherwise


def test_the_page_of_example_expressions_is_what_the_code_makes() -> None:
    """Every sentence of it is the grammar's, and each picture shows the item that is meant."""
    from expression_page import expression_page
    from PIL import Image, ImageChops, ImageStat

    page = expression_page()
    if os.environ.get("UPDATE_GOLDEN"):
        (DOCS / "expressions").mkdir(exist_ok=True)
        (DOCS / "expressions.md").write_text(page.text, encoding="utf-8")
        for name, picture in page.pictures.items():
            (DOCS / "expressions" / name).write_bytes(picture)

    assert page.text == (DOCS / "expressions.md").read_text(encoding="utf-8")
    assert set(page.pictures) == {file.name for file in (DOCS / "expressions").iterdir()}
    for name, made in page.pictures.items():
        here = Image.open(DOCS / "expressions" / name)
        difference = ImageChops.difference(here, Image.open(io.BytesIO(made)))
        assert max(ImageStat.Stat(difference).mean) < NEAR
