"""Cells of the tables that the reference is made of."""

from __future__ import annotations


def cell(text: str) -> str:
    """One line of a table: no line breaks, no bars that would end the cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
