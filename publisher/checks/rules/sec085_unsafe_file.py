"""SEC085 unsafe-file: the repo holds a program, or an archive that writes outside of its folder.

Why   nobody looks for a program among weights. An archive whose names lead upwards overwrites files of whoever
      unpacks it.
Fix   take the program out, or build it where it is used; pack the archive again with relative names.

Bad
    run.exe: ←
        MZ
Bad
    data.zip (zip of ../../.bashrc): ←
Good
    data.zip (zip of images/a.png):
    run.sh:
        #!/bin/sh
        python train.py
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.pickles import Pickles
from publisher.checks.observe.target import Heads
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

# First bytes of programs (ELF, Windows, Mach-O in both byte orders and as a fat binary).
_PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xca\xfe\xba\xbe")
_WINDOWS = (".exe", ".dll", ".msi", ".scr", ".com", ".sys")
_DATA = (
    ".safetensors",
    ".parquet",
    ".gguf",
    ".json",
    ".jsonl",
    ".csv",
    ".md",
    ".txt",
    ".png",
    ".jpg",
    ".jpeg",
)
_UPWARDS = re.compile(r"^(?:[/\\]|[A-Za-z]:)|(?:^|[/\\])\.\.(?:[/\\]|$)")
_MOST_MEMBERS = 200_000


@rule(Severity.ERROR)
def unsafe_file(files: Files, heads: Heads, pickles: Pickles) -> Iterator[Fault]:
    """Report programs as warnings, for some repos are made of them; names that lead out of the folder as errors."""
    for entry in files:
        if not entry.readable or entry.path.endswith(_DATA):
            continue
        if entry.path.lower().endswith(_WINDOWS) or heads.of(entry.path, 4).startswith(_PROGRAMS):
            yield Fault("a program", entry.path, hint="take it out", severity=Severity.WARNING)
        elif entry.path.endswith((".zip", ".npz", ".whl")):
            name = _leads_out(pickles, entry.path, entry.size)
            if name is not None:
                yield Fault(f"the archive holds {quote(name)}, which leads out of its folder", entry.path)


def _leads_out(pickles: Pickles, path: str, size: int) -> str | None:
    """The first member's name that does; only the archive's directory is read."""
    try:
        with zipfile.ZipFile(pickles.open(path, size)) as archive:
            names = (member.filename for member in archive.infolist()[:_MOST_MEMBERS])
            return next((name for name in names if _UPWARDS.search(name)), None)
    except (
        zipfile.BadZipFile,
        OSError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        struct.error,
    ):
        return None  # no archive: nothing will be unpacked from it
