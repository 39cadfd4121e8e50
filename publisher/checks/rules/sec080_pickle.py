"""SEC080 pickle: the repo holds pickled files.

Why   unpickling runs whatever code the file says; what it would import is read from its opcodes, without running it.
      Weights as safetensors need no trust; training_args.bin, optimizer.pt and the like are leftovers that nobody
      needs for inference.
Fix   save weights with `safe_serialization=True` (the default), and leave the other files out of the upload.

Bad
    training_args.bin: ←
Bad
    pytorch_model.bin: ←
Bad
    classifier.bin (pickle): ←
Bad
    model.pkl (pickle of os.system): ←
Good
    model.safetensors (safetensors):
        weight F32 8x8
    model.onnx.bin:
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.pickles import Pickles
from publisher.checks.observe.target import Heads
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_ENDINGS = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill")
# Names that torch.save wrote whenever they were seen; any other .bin is judged by its first bytes.
_NAMES = re.compile(
    r"(?:.{0,300}/)?(?:(?:pytorch|adapter|diffusion_pytorch)_model[\w.-]{0,80}|training_args|optimizer|scheduler)\.bin"
)
_ZIP = b"PK\x03\x04"
_HEAD_BYTES = 128  # a torch archive's first member is <folder>/data.pkl


@rule(Severity.ERROR)
def pickle(files: Files, heads: Heads, pickles: Pickles) -> Iterator[Fault]:
    """Report by name, and .bin files of other names by their first bytes; an error where one reaches the machine."""
    for entry in files:
        if entry.path.endswith(_ENDINGS) or _NAMES.fullmatch(entry.path):
            is_pickle = True
        elif entry.path.endswith(".bin") and entry.readable:
            is_pickle = _looks_pickled(heads.of(entry.path, _HEAD_BYTES))
        else:
            is_pickle = False
        if is_pickle:
            dangerous = pickles.scan(entry.path, entry.size).dangerous if entry.readable else ()
            leftover = "training_args" in entry.path or "optimizer" in entry.path or "scheduler" in entry.path
            yield Fault(
                f"loading this file runs {', '.join(dangerous[:5])}"
                if dangerous
                else "a pickled file: loading it runs code",
                entry.path,
                hint="do not load it"
                if dangerous
                else "leave it out of the upload"
                if leftover
                else "save it as safetensors",
                severity=None if dangerous else Severity.WARNING,
            )


def _looks_pickled(head: bytes) -> bool:
    protocol = len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5
    return protocol or (head.startswith(_ZIP) and b"data.pkl" in head)
