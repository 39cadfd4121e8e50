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

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.leftovers import leftover_folder
from publisher.checks.observe.pickles import Pickles
from publisher.checks.observe.target import Heads
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_LEFTOVERS = ("training_args", "optimizer", "scheduler", "rng_state")


@rule(Severity.ERROR)
def pickle(files: Files, heads: Heads, pickles: Pickles) -> Iterator[Fault]:
    """Report each; an error where one reaches the machine, else a warning."""
    for entry in pickles.find(files, heads):
        dangerous = pickles.scan(entry.path, entry.size).dangerous if entry.readable else ()
        if dangerous:
            yield Fault(
                f"loading this file runs {', '.join(dangerous[:5])}", entry.path, hint="do not load it"
            )
            continue
        leftover = any(name in entry.path for name in _LEFTOVERS)
        if leftover and leftover_folder(entry.path):  # which is reported as a whole
            continue
        yield Fault(
            "a pickled file: loading it runs code",
            entry.path,
            hint="leave it out of the upload" if leftover else "save it as safetensors",
            severity=Severity.WARNING,
        )
