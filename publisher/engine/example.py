"""Examples as models read them: token ids, labels, pictures; and several of them as one batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from publisher.engine import chat
from publisher.engine.pictures import Pictures, Tensor, tensors_of

Model = Any  # transformers.PreTrainedModel or peft.PeftModel


@dataclass(frozen=True)
class Example:
    """One example as tokens.

    Attributes:
        input_ids: with a picture's placeholders where it stands.
        labels: as many; `chat.IGNORED` where nothing is to be learnt: the prompt, and every picture.
        types: what the processor says of each token besides (`token_type_ids`: 1 = of a picture), by the model's names;
            a name that is not there means zeros.
        pictures: what the placeholders stand for; None = there are none.
    """

    input_ids: list[int]
    labels: list[int]
    types: Mapping[str, list[int]] = field(default_factory=dict)
    pictures: Pictures | None = None

    @property
    def supervised(self) -> int:
        """How many of its tokens are learnt from (the first token is never predicted)."""
        return sum(label != chat.IGNORED for label in self.labels[1:])

    def followed_by(self, token_ids: Sequence[int]) -> Example:
        """The same with tokens behind it that nothing is learnt from, such as what a model answered."""
        behind = list(token_ids)
        return dataclasses.replace(
            self,
            input_ids=self.input_ids + behind,
            labels=self.labels + [chat.IGNORED] * len(behind),
            types={name: row + [0] * len(behind) for name, row in self.types.items()},
        )


def example_of(text: Example | list[int]) -> Example:
    """A text that nothing is learnt from, given as token ids; an example as it is."""
    return text if isinstance(text, Example) else Example(text, [chat.IGNORED] * len(text))


def beginning(example: Example, most: int) -> Example:
    """At most so many tokens of a text; one with pictures as it is, since half of a picture is none."""
    return (
        example if example.pictures is not None else Example(example.input_ids[:most], example.labels[:most])
    )


class Batch(NamedTuple):
    """Examples side by side, padded on the right: what the model's forward takes, and labels (rows, tokens)."""

    inputs: dict[str, Tensor]
    labels: Tensor


def batch(examples: Sequence[Example], padding: int, model: Model, device: str | None = None) -> Batch:
    """Bring examples to the length of the longest, with their pictures, on the model's device.

    Padding has mask 0 and label `IGNORED`. What pictures become is of the model's type.

    Args:
        examples: at least one.
        padding: a token id; it is masked.
        model: who shall read them.
        device: where the batch goes; None = where the model is.

    Raises:
        HubpubError: HP-D02, a picture cannot be read; HP-M10, pictures of several examples cannot be joined.
    """
    import torch

    place = device or model.device
    rows = chat.pad([(example.input_ids, example.labels) for example in examples], padding)
    ids, mask, labels = (torch.tensor(part, device=place) for part in rows)
    inputs = {"input_ids": ids, "attention_mask": mask}
    named = {name for example in examples for name in example.types} | _required_types(model)
    for name in sorted(named):
        types = [list(example.types.get(name, ())) for example in examples]
        longest = ids.shape[1]
        padded = [row + [0] * (longest - len(row)) for row in types]
        inputs[name] = torch.tensor(padded, device=place)
    pictures = {
        name: value.to(place, model.dtype if value.is_floating_point() else value.dtype)
        for name, value in _pictures(examples).items()
    }
    return Batch(inputs | pictures, labels)


def _pictures(examples: Sequence[Example]) -> dict[str, Tensor]:
    shown = [example.pictures for example in examples if example.pictures is not None]
    return tensors_of(shown) if shown else {}


def _required_types(model: Model) -> set[str]:
    """What multimodal models insist on while they are trained, also where all is text."""
    multimodal = model.training and hasattr(model.config, "vision_config")
    return {"token_type_ids"} if multimodal and _takes(model, "token_type_ids") else set()


def _takes(model: Model, name: str) -> bool:
    import inspect

    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return name in inspect.signature(inner.forward).parameters
