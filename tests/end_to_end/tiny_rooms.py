"""The project of a few kilobytes that the benchmarks release, and their kills: nothing in it needs torch."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import chaos
from tiny_project import NAME, write_project

__all__ = ["NAME", "chaos", "write_project"]
