"""CARD013 html-stripped: the card holds HTML that the Hub takes out, or an image that counts its readers.

Why   scripts, frames and handlers are removed before the page is shown: what they were to show is missing. An
      invisible image of one pixel tells a stranger who read the card.
Fix   link to the demo or the video instead; leave the pixel out.

Bad
    README.md:
        # A model
        <iframe src="https://www.youtube.com/embed/x"></iframe> ←
        <img src="https://track.example.org/p.gif" width="1" height="1"> ←
        <a href="#x" onclick="go()">go</a> ←
Good
    README.md:
        # A model
        `<script>` is cut by the tokenizer.
        ```html
        <iframe src="https://www.youtube.com/embed/x"></iframe>
        ```
        <img src="picture.png" width="100" alt="one image">
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.readme import README, Readme
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_ACTIVE = re.compile(r"(?<!\\)<(script|iframe|object|embed)(?=[\s>])", re.IGNORECASE)
_HANDLER = re.compile(
    r"<[a-z]{1,10}\s[^<>]{0,300}?\s?\bon(?:click|load|error|mouse\w{2,6}|submit)\s*=", re.IGNORECASE
)
_IMAGE = re.compile(r"<img\s[^<>]{1,500}>", re.IGNORECASE)
_ONE_PIXEL = tuple(
    re.compile(rf"""\b{side}\s*[=:]\s*["']?1(?:px)?(?![\d.%])""", re.IGNORECASE)
    for side in ("width", "height")
)
_LONGEST = 20_000
_MOST = 5


@rule(Severity.NOTE)
def html_stripped(readme: Readme) -> Iterator[Fault]:
    """Report each line once; code shows HTML and holds none."""
    found = 0
    for line in readme.classified:
        if line.kind != "prose" or "<" not in line.text or found == _MOST:
            continue
        words = line.words[:_LONGEST]
        cut = _ACTIVE.search(words) or _HANDLER.search(words)
        pixel = next((image for image in _IMAGE.finditer(words) if _counts(image[0])), None)
        if cut is not None:
            yield Fault(
                f"{quote(cut[0], 60)} is taken out by the Hub",
                README,
                line.number,
                cut.start() + 1,
                hint="link to it instead",
            )
        elif pixel is not None:
            yield Fault(
                "an image of one pixel from elsewhere: it only counts readers",
                README,
                line.number,
                pixel.start() + 1,
                hint="leave it out",
            )
        found += cut is not None or pixel is not None


def _counts(image: str) -> bool:
    return "://" in image and all(side.search(image) for side in _ONE_PIXEL)
