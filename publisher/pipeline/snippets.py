"""A card's code blocks, ready to run against folders that hold the same bytes as the repos that they name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from publisher.card.readme import code_blocks
from publisher.engine.jobs import Snippet


def snippets_of(folder: Path, folders: Mapping[str, str]) -> tuple[Snippet, ...]:
    """The Python blocks of `folder/README.md`, with each quoted repo id turned into its folder."""
    readme = (folder / "README.md").read_text(encoding="utf-8")
    ids = re.compile(
        "|".join(rf"""(?:"{re.escape(repo_id)}"|'{re.escape(repo_id)}')""" for repo_id in sorted(folders))
    )
    return tuple(
        Snippet(f"README.md:{block.line}", ids.sub(lambda found: repr(folders[found[0][1:-1]]), block.code))
        for block in code_blocks(readme, "python")
    )
