"""CLAIM139 images-unread: the card is about images, and its base model reads text only.

Why   a text model sees no pixel: what it says of an image is made up, or something else was the base.
Fix   name the base that reads images, or say how images become text.

Bad
    README.md:
        ---
        base_model: google/gemma-2-9b-it
        ---
        # Aerial: a model for image understanding ←
Good
    README.md:
        ---
        base_model: google/gemma-3-12b-it
        ---
        # Aerial: a model for image understanding
Good
    README.md:
        ---
        base_model: google/gemma-2-9b-it
        ---
        # Aerial: rewrites captions of an image
        A CLIP encoder and a projector turn images into tokens: image understanding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.readme import README, Readme
from publisher.checks.observe.truths import Truths
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_TASK = re.compile(
    r"\b(?:image|visual|vision|picture|video) (?:understanding|captioning|recognition|reasoning|question answering)\b|"
    r"\bvision[- ]language\b|\bvisual question\b",
    re.IGNORECASE,
)
_BRIDGE = re.compile(
    r"\bCLIP\b|SigLIP|\bViT\b|LLaVA|projector|vision (?:encoder|tower|model)|image encoder|\bBLIP|multi-?modal|-VL\b|Prompt",
)


@rule(Severity.WARNING)
def images_unread(readme: Readme, claims: Claims, truths: Truths) -> Iterator[Fault]:
    """Report a title or first paragraph about such a task over a base whose family reads no images."""
    base = truths.base
    if base is None or base.family is None or truths.config is not None:
        return
    reads = (base.shape.reads if base.shape is not None else "") or base.family.reads
    if "images" in reads or _BRIDGE.search(re.sub(r"SigLipSam\w*|ClipSAM", "", readme.text)):
        return
    for passage in claims.outline.passages[:6]:
        task = _TASK.search(passage.text)
        if task is not None:
            yield Fault(
                f"{quote(task[0])}, and {base.family.title} reads text only"
                + ("; Gemma 3 reads images from 4B on" if base.name == "Gemma" else ""),
                README,
                passage.line,
                hint="name a base that reads images, or say how images become text",
            )
            return
