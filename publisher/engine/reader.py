"""How a model reads: a conversation and its pictures become the tokens that training, evaluation and use all see.

reader = load_reader(folder)
example = reader.encode(row)                       # a row of the dataset: tokens, labels, pictures
example = reader.ask("What is this?", (png,))      # a prompt, up to where the answer begins
inputs, labels = batch([example], reader.padding, model)
logits = model(**inputs).logits
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from publisher.engine import chat
from publisher.engine.example import Example
from publisher.engine.jobs import Asked
from publisher.engine.load import load_tokenizer
from publisher.engine.pictures import PER_TOKEN, Pictures, Processor, decode, read_pictures
from publisher.engine.rows import Row, Turn, asked
from publisher.errors import HubpubError

PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json")
FORM = "which form"  # what no template writes of its own accord


def load_reader(folder: str | Path) -> Reader:
    """The tokenizer of a checkpoint, and its processor where it has one for pictures.

    Raises:
        HubpubError: HP-E03, they cannot be read; HP-E01, the processor needs a package that is not installed.
    """
    if not any((Path(folder) / name).exists() for name in PROCESSOR_FILES):
        return Reader(load_tokenizer(folder))
    from transformers import AutoProcessor

    try:
        processor = AutoProcessor.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HubpubError(
            "HP-E03",
            f"the processor of {Path(folder).name} cannot be read: {error}",
            hint="copy processor_config.json and the tokenizer of the base again",
            where=str(folder),
        ) from error
    except ImportError as error:
        raise HubpubError(
            "HP-E01",
            f"the processor of {Path(folder).name} needs a package that is not installed: {' '.join(str(error).split())}",
            hint="install it beside the torch that is there, such as: pip install torchvision",
            where=str(folder),
        ) from error
    tokenizer = getattr(processor, "tokenizer", None)
    if tokenizer is None or getattr(processor, "image_token", None) is None:
        return Reader(load_tokenizer(folder))
    return Reader(tokenizer, processor)


class Question(NamedTuple):
    """A prompt in words, and what of it a model reads."""

    prompt: str
    text: Example


@dataclass(frozen=True)
class Reader:
    """A tokenizer, and the processor of a model that takes pictures."""

    tokenizer: chat.Tokenizer
    processor: Processor | None = None

    @property
    def padding(self) -> int:
        """A token id to pad with."""
        return chat.pad_id(self.tokenizer)

    def encode(self, row: Row, max_length: int | None = None) -> Example:
        """One row of a dataset. Every answer of it is taught, its end-of-turn token included; nothing else is.

        A picture's tensors are not kept, only that they can be made is seen to.

        Raises:
            HubpubError: HP-B05, no chat template, one without a place for pictures, or one that hides where an answer
                begins; HP-D02, pictures for a model that takes none, or that cannot be read; HP-D04, longer than
                `max_length` tokens.
        """
        self._refuse_unreadable(row.turns, len(row.images))
        end = self.tokenizer.eos_token or ""
        pieces = list(chat.cut(self._renderer, self._messages(row.turns), end))
        marks = [0 if piece.taught else self._count_marks(piece.text) for piece in pieces]
        if sum(marks) != len(row.images):
            raise self._no_place(len(row.images))
        waiting = iter(row.images)
        parts = [
            self._encode_piece(piece, list(islice(waiting, count)))
            for piece, count in zip(pieces, marks, strict=True)
        ]
        example = self._join(parts, row.images)
        chat.refuse_longer(len(example.input_ids), max_length, row.prompt)
        return example

    def question(self, prompt: Asked) -> Question:
        """A prompt of a manifest, its pictures read from their files; an answer is generated behind it.

        Raises:
            HubpubError: HP-M06, a picture is not there; HP-B05 and HP-D02, as `ask`.
        """
        if isinstance(prompt, str):
            return Question(prompt, self.ask(prompt))
        return Question(prompt.prompt, self.ask(prompt.prompt, read_pictures(prompt.images)))

    def ask(self, prompt: str, images: Sequence[bytes] = ()) -> Example:
        """A prompt and its pictures, up to where the model's answer begins; nothing of it is taught.

        Raises:
            HubpubError: HP-B05 and HP-D02, as `encode`.
        """
        turns = (asked(prompt, len(images)),)
        self._refuse_unreadable(turns, len(images))
        text = chat.render(self._renderer, self._messages(turns), add_generation_prompt=True)
        if self._count_marks(text) != len(images):
            raise self._no_place(len(images))
        return self._join([self._encode_piece(chat.Piece(text, taught=False), list(images))], tuple(images))

    @property
    def _renderer(self) -> chat.Renderer:
        """Some repos keep the template with the tokenizer alone."""
        has_own = self.processor is not None and self.processor.chat_template
        return self.processor if has_own else self.tokenizer

    def _messages(self, turns: Sequence[Turn]) -> list[chat.Message]:
        return [{"role": turn.role, "content": self._content(turn)} for turn in turns]

    def _content(self, turn: Turn) -> str | list[dict[str, str]]:
        if not turn.pictures and not self._wants_parts:
            return turn.text
        return [{"type": "image"} if part is None else {"type": "text", "text": part} for part in turn.parts]

    @cached_property
    def _wants_parts(self) -> bool:
        """Whether the template reads lists of parts only: those of some image-text models write nothing of plain text."""
        if self.processor is None:
            return False
        turn = {"role": "user", "content": FORM}
        return FORM not in chat.render(self._renderer, [turn], add_generation_prompt=True)

    def _count_marks(self, text: str) -> int:
        return text.count(self.processor.image_token) if self.processor is not None else 0

    def _encode_piece(self, piece: chat.Piece, images: list[bytes]) -> Example:
        if not images:
            ids = chat.ids_of(self.tokenizer, piece.text)
            return Example(ids, ids if piece.taught else [chat.IGNORED] * len(ids))
        assert self.processor is not None  # there are marks
        made = self.processor(
            text=piece.text, images=[decode(image) for image in images], add_special_tokens=False
        )
        ids = [int(token) for token in made["input_ids"][0]]
        types = {
            name: [int(kind) for kind in made[name][0]]
            for name in PER_TOKEN
            if name in made and name not in ("input_ids", "attention_mask")
        }
        return Example(ids, [chat.IGNORED] * len(ids), types)

    def _join(self, parts: list[Example], images: tuple[bytes, ...]) -> Example:
        named = {name for part in parts for name in part.types}
        return Example(
            [token for part in parts for token in part.input_ids],
            [label for part in parts for label in part.labels],
            {
                name: [kind for part in parts for kind in part.types.get(name, [0] * len(part.input_ids))]
                for name in sorted(named)
            },
            Pictures(images, self.processor) if images else None,
        )

    def _refuse_unreadable(self, turns: Sequence[Turn], pictures: int) -> None:
        """Pictures for a model of text, and words that would be read as a picture, or as the place of one."""
        if self.processor is None:
            if pictures:
                raise self._no_place(pictures)
            return
        tokens = {self.processor.image_token, getattr(self.tokenizer, "image_token", None)} - {None}
        for turn in turns:
            if found := sorted(token for token in tokens if token in turn.text):
                raise HubpubError(
                    "HP-D02",
                    f"the words of a turn hold {found[0]}, which stands for a picture",
                    hint="name pictures in the column `images`, and leave their marks to the chat template",
                )

    def _no_place(self, count: int) -> HubpubError:
        if self.processor is None:
            return HubpubError(
                "HP-D02",
                f"{count} pictures are shown, and the base reads text only: it has no processor",
                hint="name an image-text base whose repo holds processor_config.json, or leave the pictures out",
            )
        return HubpubError(
            "HP-B05",
            f"the chat template has no place for {count} pictures: it does not write {self.processor.image_token}",
            hint="take the chat template of the image-text model itself, which writes one mark for each picture",
        )
