"""A stand-in's tokenizer, made by script: byte-pair pieces learned from a few lines of ours, and a token for every byte.

It is written twice, as `tokenizer.json` for transformers and as `tokenizer.model` for llama.cpp's converter: any text
becomes the same tokens by either.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from publisher.records.facts import Json

SPACE = "▁"  # how pieces spell a blank
UNKNOWN = "<unk>"
PIECES = 600  # learned ones at most: enough that an example keeps to a few hundred tokens

# What a rehearsal's data and prompts are about. The words matter, the sentences do not.
LINES = (
    "Describe only the target. Target: green storage tank, center right, topmost. Others: plane yellow center.",
    "Describe the highlighted building in this aerial image so that nothing else in it is meant.",
    "the large red building in the top left that is to the right of a white plane",
    "the small blue ship in the bottom right that is above a black harbor",
    "the bottommost gray vehicle in the center left, below the leftmost tennis court",
    "all of the dark green trees in the image, a group of three light brown storage tanks",
    "the rightmost swimming pool that is to the bottom left of a roundabout, next to the bridge over the water",
    "an orange helicopter, a purple baseball diamond, a basketball court, a soccer ball field and a road",
    "What is the capital of France? What is two plus three? Answer in one word or in one sentence.",
    "You write referring expressions for objects and groups in photographs taken from above. Answer as JSON.",
    '{"enhanced_expressions": [{"original_expression": "the ship", "variation": "the boat"}], "unique": ["it"]}',
    "user assistant system model image expression expressions object category larger smaller topmost leftmost",
)


@dataclass(frozen=True)
class Words:
    """What is special in a family's vocabulary.

    Attributes:
        special: the family's special tokens, in the order of their ids, after `<pad> <eos> <bos> <unk>`.
        last: those that come behind all others, as a multimodal family has its image token.
        turn_end: the token that ends a turn.
        template: the chat template.
        extra: named tokens that a processor asks its tokenizer for, `{"image_token": "<image_soft_token>"}`.
    """

    special: tuple[str, ...]
    turn_end: str
    template: str
    last: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()


def write_tokenizer(folder: Path, words: Words) -> dict[str, int]:
    """Write a tokenizer; returns the id of each of its tokens."""
    merges = _learned()
    singles = sorted({letter for line in LINES for letter in line if letter != " "} | {SPACE})
    leading = ["<pad>", "<eos>", "<bos>", "<unk>", *words.special]
    raw = [f"<0x{byte:02X}>" for byte in range(256)]
    names = [*leading, *raw, *singles, *(left + right for left, right in merges), *words.last]
    ids = {name: place for place, name in enumerate(dict.fromkeys(names))}
    special = [*leading, *words.last]
    _write_json(folder, ids, merges, special, words)
    (folder / "tokenizer.model").write_bytes(_sentencepiece(ids, special, raw))
    (folder / "chat_template.jinja").write_text(words.template, encoding="utf-8")
    return ids


def _learned() -> list[tuple[str, str]]:
    """The merges, most frequent first."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="never")
    learner.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=PIECES, show_progress=False))
    found: list[list[str]] = json.loads(learner.to_str())["model"]["merges"]
    return [(left, right) for left, right in found]


def _write_json(
    folder: Path, ids: dict[str, int], merges: list[tuple[str, str]], special: Sequence[str], words: Words
) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

    bpe = Tokenizer(models.BPE(ids, merges, unk_token=UNKNOWN, byte_fallback=True, fuse_unk=True))
    bpe.normalizer = normalizers.Replace(" ", SPACE)
    bpe.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    bpe.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in special])
    bpe.save(str(folder / "tokenizer.json"))
    config: dict[str, Json] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "<pad>",
        "eos_token": "<eos>",
        "bos_token": "<bos>",
        "unk_token": "<unk>",
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 8192,
    }
    if words.extra:
        config["extra_special_tokens"] = dict(words.extra)
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


# The parts of SentencePiece's protocol buffer that its readers ask for: numbers of fields, and of the kinds of pieces.
_PIECE, _TRAINER, _NORMALIZER = 1, 2, 3
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
_BPE = 2


def _sentencepiece(ids: dict[str, int], special: Sequence[str], raw: Sequence[str]) -> bytes:
    """The same vocabulary as a SentencePiece model. A piece's score is its rank: what was learned first joins first."""
    kinds = dict.fromkeys(special, _CONTROL) | dict.fromkeys(raw, _BYTE) | {"<unk>": _UNKNOWN}
    pieces = [
        _message(1, name.encode()) + _float(2, float(-place)) + _number(3, kinds.get(name, _NORMAL))
        for name, place in ids.items()
    ]
    numbered = ((40, "<unk>"), (41, "<bos>"), (42, "<eos>"), (43, "<pad>"))  # unk_id, bos_id, eos_id, pad_id
    trainer = (
        _number(3, _BPE) + _number(4, len(ids)) + _number(35, 1)
    )  # model_type, vocab_size, byte_fallback
    trainer += b"".join(_number(field, ids[name]) for field, name in numbered)
    normalizer = _message(1, b"identity") + b"".join(
        _number(field, flag) for field, flag in ((3, 0), (4, 0), (5, 1))
    )
    return b"".join(
        (
            *(_message(_PIECE, piece) for piece in pieces),
            _message(_TRAINER, trainer),
            _message(_NORMALIZER, normalizer),
        )
    )


def _varint(value: int) -> bytes:
    return bytes(_digits(value))


def _digits(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)
