"""Where the search begins: small files of each format that are right, made here and by nobody's tool."""

from __future__ import annotations

import io
import json
import pickle
import struct
import tarfile
import zipfile

CARD = b"""---
license: gemma
base_model: [google/gemma-3-4b-it, &a b, *a]
tags:
- lora # hubpub: ignore[META024] ours
model-index:
- name: x
  results: [{task: {type: text-generation}, metrics: [{type: loss, value: 1.93}]}]
---
# Title

- **Rank:** 8, 4.3 B parameters, q_proj and v_proj
| Split | Rows |
|---|---:|
| train | 1,200 |

<!-- hubpub: ignore[CLAIM120] measured otherwise -->
```python
>>> from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained("a/b", torch_dtype="auto", **kwargs)
```
```bash
pip install -U peft && python train.py --lr 2e-4
```
"""
TEMPLATE = b"""{%- for message in messages %}{{ '<|' + message['role'] + '|>' + message.content | trim }}
{%- if loop.last and add_generation_prompt %}{{ '<|a|>' }}{% endif %}{% endfor %}"""
BASELINE = b'{"schema": "hubpub/baseline/1", "findings": [{"path": "README.md", "code": "META010", "fingerprint": "00", "count": 1, "message": "m"}]}'


def safetensors() -> bytes:
    text = json.dumps(
        {
            "__metadata__": {"format": "pt"},
            "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
            "b": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [8, 12]},
        }
    ).encode()
    return struct.pack("<Q", len(text)) + text + bytes(12)


def gguf() -> bytes:
    def text(value: bytes) -> bytes:
        return struct.pack("<Q", len(value)) + value

    return (
        b"GGUF" + struct.pack("<IQQ", 3, 1, 3)
        + text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")
        + text(b"llama.block_count") + struct.pack("<II", 4, 32)
        + text(b"tokens") + struct.pack("<IIQ", 9, 8, 2) + text(b"a") + text(b"b")
    )  # fmt: skip


def parquet() -> bytes:
    """FileMetaData: version, a schema of a root and one column, three rows, no row groups."""
    root = b"\x48\x06schema\x15\x02\x00"
    column = b"\x15\x0c\x25\x02\x18\x06prompt\x25\x00\x00"
    return b"\x15\x04\x19\x2c" + root + column + b"\x16\x06\x19\x0c\x00"


def archive() -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as packed:
        packed.writestr(zipfile.ZipInfo("images/a.png"), b"x")
    return raw.getvalue()


def tar() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as packed:
        link = tarfile.TarInfo("lib")
        link.type, link.linkname = tarfile.SYMTYPE, "a.png"
        packed.addfile(link)
    return raw.getvalue()


def tiff() -> bytes:
    """A directory that points to a position: north, east."""
    numbers = struct.pack("<6I", 52, 1, 30, 1, 0, 1)
    gps = struct.pack("<HHHIIHHII", 2, 2, 5, 3, 60, 4, 5, 3, 60) + bytes(4)
    return b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x8825, 4, 1, 26, 0) + gps + bytes(4) + numbers


def jpeg() -> bytes:
    exif = b"Exif\0\0" + tiff()
    frame = b"\xff\xc0" + struct.pack(">HBHH", 11, 8, 4, 4) + bytes(6)
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + frame


SEEDS: dict[str, tuple[bytes, ...]] = {
    "front-matter": (CARD.split(b"---\n")[1], b"a: &x {b: [*x]}\n<<: *x\n", b"%YAML 1.1\n---\na: 0o17\n"),
    "card": (CARD,),
    "safetensors": (safetensors(),),
    "json-file": (b'{"r": 8, "a": {"b": [1.5, null, "\\u00e9"]}}', b'\xef\xbb\xbf{"r": 1, "r": 2}'),
    "gguf": (gguf(),),
    "pickle": (
        pickle.dumps({"a": [1, "b", 2.5]}),
        pickle.dumps(struct.pack, protocol=0),
        pickle.dumps(struct.pack, protocol=5),
    ),
    "parquet": (parquet(),),
    "template": (TEMPLATE,),
    "baseline": (BASELINE,),
    "archive": (archive(), tar()),
    "picture": (tiff(), jpeg(), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(9) + b"eXIf" + tiff() + b"IEND"),
    "whole-check": (CARD,),
}
