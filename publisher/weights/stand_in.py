"""The marks that a stand-in's files bear: put there when it is made, looked for before anything leaves this machine."""

from __future__ import annotations

import json
from pathlib import Path

from publisher.errors import HubpubError
from publisher.records.stand_in import MARK, TAG
from publisher.weights.gguf import GgufError, header_of
from publisher.weights.header import read_header


def is_stand_in(folder: str | Path) -> bool:
    """Whether a model's folder holds a stand-in, or something that was made of one with its configuration."""
    return is_marked(Path(folder) / "config.json")


def is_marked(file: Path) -> bool:
    """Whether a config.json, a safetensors file or a GGUF file bears the mark."""
    try:
        if file.name == "config.json":
            config = json.loads(file.read_text(encoding="utf-8"))
            return isinstance(config, dict) and bool(config.get(MARK))
        if file.suffix == ".safetensors":
            return MARK in read_header(file).metadata
        if file.suffix == ".gguf":
            return (header_of(file).text("general.description") or "").startswith(TAG)
    except (OSError, ValueError, HubpubError, GgufError):
        return False  # whoever reads it for its own sake says what is wrong with it
    return False


def mark_weights(file: Path) -> None:
    """Put the mark into the header of a safetensors file, whose tensors stay as they are.

    Written here and not by the library, which orders several entries of its metadata by chance.

    Raises:
        HubpubError: HP-W01, the file is damaged.
    """
    metadata = {**read_header(file).metadata, MARK: "true"}
    raw = file.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    content = json.loads(raw[8 : 8 + length]) | {"__metadata__": dict(sorted(metadata.items()))}
    header = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    file.write_bytes(len(header).to_bytes(8, "little") + header + raw[8 + length :])
