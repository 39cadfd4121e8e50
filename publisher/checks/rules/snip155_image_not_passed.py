"""SNIP155 image-not-passed: a snippet asks about an image and passes none.

Why   the model sees a sentence about a picture and no picture: whatever it answers is made up.
Fix   load the processor, and pass the image with the text: `processor(text=prompt, images=image)`.

Bad
    README.md:
        ```python
        from transformers import AutoModelForCausalLM, AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained("acme/model")
        model = AutoModelForCausalLM.from_pretrained("acme/model")
        inputs = tokenizer("Describe the building in this aerial image:", return_tensors="pt") ←
        out = model.generate(**inputs)
        ```
Good
    README.md:
        ```python
        from PIL import Image
        from transformers import AutoModelForImageTextToText, AutoProcessor
        processor = AutoProcessor.from_pretrained("acme/model")
        model = AutoModelForImageTextToText.from_pretrained("acme/model")
        image = Image.open("patch.png")
        inputs = processor(text="Describe the building in this aerial image:", images=image)
        out = model.generate(**inputs)
        ```
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from publisher.checks.observe.models_in_code import ModelsInCode
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import constant, nodes
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_ASKS = re.compile(
    r"\b(?:in|of|from|about|describe|segment|caption) (?:this|the|that|following) (?:\w+ )?(?:image|picture|photo|photograph)\b",
    re.IGNORECASE,
)
_PASSES = re.compile(
    r"Image\.|images?=|pixel_values|<\|?(?:image|img|vision)|[\"']image|Processor|load_image|image_url|imread|svg|html",
    re.IGNORECASE,
)


@rule(Severity.WARNING)
def image_not_passed(models: ModelsInCode) -> Iterator[Fault]:
    """Report a prompt in a block that generates and in which nothing reads or passes an image."""
    for generation in models.generations:
        block = generation.block
        if _PASSES.search(block.text):
            continue
        for node in nodes(block):
            text = constant(node)
            if isinstance(node, ast.Constant) and isinstance(text, str):
                asked = _ASKS.search(text[:2000])
                if asked is not None:
                    yield Fault(
                        f"the prompt asks {quote(asked[0])}, and no image is passed",
                        README,
                        block.line(node),
                        block.column(node),
                        hint="load AutoProcessor and pass the image: processor(text=prompt, images=image)",
                    )
                    return
