"""What is, and what cannot be, the id of a repo on the Hub."""

from __future__ import annotations

import re

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_URL = re.compile(r"https?://(?:huggingface\.co|hf\.co)/")


def is_hub_id(text: str) -> bool:
    """Whether a text is `owner/name`."""
    return _ID.fullmatch(text) is not None


def why_no_id(text: str) -> str | None:
    """Why a text cannot be a repo's id; None where it can. Old ids without an owner (`gpt2`) still resolve."""
    if _URL.match(text):
        return "is a web address, not an id"
    if text.startswith(("/", "./", "../", "~")) or _DRIVE.match(text) or "\\" in text or text in (".", ".."):
        return "is a path on somebody's disk"
    if text.casefold() in ("none", "null", ""):
        return "is the word for nothing, not an id"
    if text.count("/") > 1:
        return "is a path, not an id: an id has one slash"
    if "/" in text and not is_hub_id(text):
        return "holds characters that no id has"
    return None if re.fullmatch(r"[\w./-]+", text) else "holds characters that no id has"
