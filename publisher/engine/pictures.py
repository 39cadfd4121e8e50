"""Pictures as a model is shown them: files decoded, and made into the processor's tensors when they are needed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError

Tensor = Any  # torch.Tensor; naming it would import torch
Processor = Any  # transformers.ProcessorMixin
PER_TOKEN = (
    "input_ids",
    "attention_mask",
    "token_type_ids",
    "mm_token_type_ids",
)  # what a processor says of words


@dataclass(frozen=True)
class Pictures:
    """The pictures of one example, as files. What a model needs of them is many times larger, so it is not kept."""

    files: tuple[bytes, ...]
    processor: Processor = field(repr=False, compare=False)


def tensors_of(shown: Sequence[Pictures]) -> dict[str, Tensor]:
    """What the processor makes of the pictures of several examples, by the model's names.

    It is shown all of them at once: how they are joined is the model's own, one after the other, a row for each example
    filled up with empty pictures, or patches of them all.

    Args:
        shown: at least one, all of one processor.

    Raises:
        HubpubError: HP-D02, a picture cannot be read; HP-M10, the processor cannot join them.
    """
    processor = shown[0].processor
    images = [[decode(file) for file in each.files] for each in shown]
    try:
        made = processor(
            text=[str(processor.image_token) * len(each) for each in images],
            images=images,
            add_special_tokens=False,
            padding=len(shown) > 1,  # of the text, which is of no use here
            return_tensors="pt",
        )
    except ValueError as error:
        if len(shown) == 1:
            raise
        raise HubpubError(
            "HP-M10",
            f"this model's processor cannot put the pictures of {len(shown)} examples into one batch: {error}",
            hint="write `batch_size: 1` under `train:`, and a larger `gradient_accumulation`",
        ) from error
    return {name: value for name, value in made.items() if name not in PER_TOKEN}


def decode(file: bytes) -> Any:
    """A picture as RGB (PIL.Image).

    Raises:
        HubpubError: HP-D02, these bytes are no picture, or only part of one.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(file)) as opened:
            return opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise HubpubError(
            "HP-D02",
            f"a picture cannot be read: {error}",
            hint="save it again as PNG or JPEG",
        ) from error


def read_pictures(paths: tuple[str, ...]) -> tuple[bytes, ...]:
    """The files of a prompt's pictures.

    Raises:
        HubpubError: HP-M06, one of them is not there.
    """
    found = []
    for path in paths:
        try:
            found.append(Path(path).read_bytes())
        except OSError as error:
            raise HubpubError(
                "HP-M06",
                f"a smoke prompt's picture cannot be read: {error.strerror}",
                hint="correct `images:` of that prompt under `smoke:`",
                where=path,
            ) from error
    return tuple(found)
