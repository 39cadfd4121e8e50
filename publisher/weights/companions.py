"""The files beside the weights that make a model usable: configuration, tokenizer, chat template, processor."""

from __future__ import annotations

import shutil
from pathlib import Path

# An allow-list: cards, code, other formats' weights and whatever else lies in a folder are not carried on.
COMPANIONS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "chat_template.jinja",
    "chat_template.json",
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
)


def copy_companions(source: Path, target: Path, *, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Copy those that are there, byte for byte, readable for all; returns their names.

    Args:
        source: a model's folder.
        target: an existing folder.
        without: names to leave out.
    """
    names = tuple(name for name in COMPANIONS if name not in without and (source / name).is_file())
    for name in names:
        shutil.copyfile(source / name, target / name)  # contents only: the copy's mode is the umask's
        (target / name).chmod(0o644)
    return names
