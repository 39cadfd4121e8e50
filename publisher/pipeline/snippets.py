"""A card's code blocks, ready to run against folders that hold the same bytes as the repos that they name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from publisher.card.readme import code_blocks
from publisher.engine.jobs import Snippet


def snippets_of(card: str, folders: Mapping[str, str]) -> tuple[Snippet, ...]:
    """The Python blocks of a card as we rendered it, with each quoted repo id turned into its folder.

    Never of a README as it stands on a Hub: what others wrote into it is not run.
    """
    return tuple(
        Snippet(f"README.md:{block.line}", on_folders(block.code, folders))
        for block in code_blocks(card, "python")
    )


def on_folders(code: str, folders: Mapping[str, str]) -> str:
    """Code with each quoted repo id turned into its folder; its lines stay where they are."""
    if not folders:
        return code
    ids = re.compile(
        "|".join(rf"""(?:"{re.escape(repo_id)}"|'{re.escape(repo_id)}')""" for repo_id in sorted(folders))
    )
    return ids.sub(lambda found: repr(folders[found[0][1:-1]]), code)
