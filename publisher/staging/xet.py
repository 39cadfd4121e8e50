"""Xet."""

from __future__ import annotations

from publisher.staging.call import Call
from publisher.staging.repos import Repo


def take_in(call: Call, repo: Repo, oid: str) -> bool:
    """Bring a large file that came through Xet into the folder of large files; False when Xet has none such."""
    return False
