"""The banner of a card whose repo shows an older version than one that was withdrawn."""

from __future__ import annotations

import re

from publisher.card.markdown import lines
from publisher.card.readme import front_matter_end

# How the built-in partial begins, and so an earlier banner is known.
EARLIER = re.compile(r"\s*> \*\*Withdrawn: [^\r\n]*(?:\r?\n>[^\r\n]*)*")


def with_banner(text: str, banner: str) -> str:
    """Put a banner right below the title of a README, in place of an earlier one; on top where there is no title."""
    newline = "\r\n" if "\r\n" in text else "\n"
    body = front_matter_end(text)
    title_end = _title_end(text[body:])
    place = body + title_end
    above, below = text[:place].rstrip("\r\n") if title_end else text[:place], text[place:]
    earlier = EARLIER.match(below)
    below = (below[earlier.end() :] if earlier else below).lstrip("\r\n")
    shown = newline.join(banner.strip().splitlines())
    gap = newline * 2
    return f"{above}{gap if title_end else ''}{shown}{gap + below if below else newline}"


def _title_end(body: str) -> int:
    """Where the line of the first heading of level 1 ends, in characters; 0 where there is none."""
    end = 0
    for line in lines(body):
        end += len(line.text)
        if line.level == 1:
            return end
    return 0
