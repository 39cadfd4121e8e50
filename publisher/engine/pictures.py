"""Pictures as a model is shown them: files decoded, and made into the processor's tensors when they are needed."""

from __future__ import annotations

import io
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

    def tensors(self) -> dict[str, Tensor]:
        """What the processor makes of the pictures, by the model's names; the first dimension runs over pictures, or
        over their patches.
        """
        made = self.processor(
            text=str(self.processor.image_token) * len(self.files),
            images=[decode(file) for file in self.files],
            add_special_tokens=False,
            return_tensors="pt",
        )
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
