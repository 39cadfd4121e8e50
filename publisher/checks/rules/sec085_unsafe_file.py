"""SEC085 unsafe-file: the repo holds a program, a link out of itself, or an archive that does harm when it is unpacked.

Why   nobody looks for a program among weights. An archive whose names or links lead upwards overwrites files of whoever
      unpacks it; a small one that unpacks to terabytes fills the disk. A link out of the folder uploads whatever it
      leads to.
Fix   take the program out, or build it where it is used; pack the archive again with relative names; put the file
      itself in the link's place.

Bad
    run.exe: ←
        MZ
Bad
    data.zip (zip of ../../.bashrc): ←
Bad
    train.tar (tar of ../../.bashrc): ←
Bad
    train.tar.gz (tar with a link to /etc): ←
Bad
    bomb.zip (zip bomb): ←
Bad
    key.txt (link outside): ←
Good
    data.zip (zip of images/a.png):
    train.tar (tar of images/a.png):
    lib.tar (tar with a link to a.png):
    run.sh:
        #!/bin/sh
        python train.py
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.archives import TARS, ZIPS, Archives
from publisher.checks.observe.files import Files
from publisher.checks.observe.target import Heads
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.checks.source import Entry
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
# Deflate packs a thousandfold at most; honest archives of this size stay far below half of that.
_BOMB_BYTES, _BOMB_RATIO = 10 * 1000**3, 500


@rule(Severity.ERROR)
def unsafe_file(files: Files, heads: Heads, archives: Archives) -> Iterator[Fault]:
    """Report programs and links as warnings, for some repos are made of them; archives that do harm as errors."""
    for entry in files:
        if not entry.readable:
            continue
        if entry.outside:
            yield Fault(
                "a link to a file outside of this folder: an upload sends what it leads to",
                entry.path,
                hint="put the file itself here, or delete the link",
                severity=Severity.WARNING,
            )
        if entry.path.endswith(_DATA):
            continue
        if entry.path.lower().endswith(_WINDOWS) or heads.of(entry.path, 4).startswith(_PROGRAMS):
            yield Fault("a program", entry.path, hint="take it out", severity=Severity.WARNING)
        elif entry.path.endswith((*ZIPS, *TARS)):
            why = _harm(entry, archives)
            if why is not None:
                yield Fault(f"the archive {why}", entry.path, hint="do not unpack it; pack it again")


def _harm(entry: Entry, archives: Archives) -> str | None:
    unpacked = 0
    for member in archives.members(entry):
        if member.leads_out:
            return f"holds {quote(member.name)}, which leads out of its folder"
        unpacked += member.size
    if unpacked > _BOMB_BYTES and unpacked > _BOMB_RATIO * entry.size and not entry.path.endswith(".tar"):
        return f"unpacks to {unpacked / 1000**3:,.0f} GB from {entry.size / 1000**2:,.1f} MB"
    return None
