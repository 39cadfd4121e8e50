"""CARD007 body-short: the card says next to nothing below its front matter.

Why   nobody can tell what the model does, and leaderboards do not take models whose card has less than 200 characters.
Fix   say what it is, what it was trained on, and how to run it.

Bad
    README.md:
        ---
        license: mit
        ---
        # My model ←
    config.json:
        {}
Good
    README.md:
        ---
        license: mit
        ---
        # Aerial captions

        Describes one marked object in an aerial photograph in one sentence of plain English. Fine-tuned from a small
        vision-language model with LoRA on 400 synthetic scenes; the adapter, its evidence and its data are linked below.
    config.json:
        {}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.readme import README, Readme
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_LEAST = 200  # characters


@rule(Severity.WARNING)
def body_short(readme: Readme, kind: RepoKind) -> Iterator[Fault]:
    """Count text and code, where weights lie beside it: datasets are shown by their viewer. An empty file is CARD001's."""
    if kind not in (RepoKind.MODEL, RepoKind.ADAPTER) or not readme.text.strip():
        return
    body = [line for line in readme.classified if line.kind in ("prose", "code")]
    written = " ".join(line.text.strip() for line in body if line.text.strip())
    if len(written) < _LEAST:
        first = next(
            (line.number for line in body if line.text.strip()), readme.block.first if readme.block else 1
        )
        yield Fault(
            f"the card's text has {len(written)} characters",
            README,
            first,
            hint="say what it is, what it was trained on, and how to run it",
        )
