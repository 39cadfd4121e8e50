"""`hubpub check --baseline FILE`: written where it is missing, else what it knows is left out."""

from __future__ import annotations

import errno
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from publisher.cli.check_targets import Asked, Looked
from publisher.cli.output import Output
from publisher.errors import HubpubError


def apply_baseline(looked: Sequence[Looked], file: Path, asked: Asked, *, update: bool) -> list[Looked]:
    """What was looked at, without the findings that the file knows.

    Raises:
        HubpubError: HP-M09, the file is no baseline, or cannot be read or written.
    """
    from publisher.checks.baseline import Baseline, Entry, entries_of, keys_of
    from publisher.checks.lines import Lines
    from publisher.checks.registry import choose

    root = file.parent
    keys = [keys_of(each.report, Lines(each.source), partial(each.path_from, root)) for each in looked]
    found = Counter(key for each in keys for key in each)
    chosen = {rule.code for rule in choose(asked.select, asked.ignore)}

    def judged(entry: Entry) -> bool:
        """Whether the rule looked at the file in this run."""
        return entry.code in chosen and any(
            each.has(entry.path, root) and entry.code not in {skip.code for skip in each.report.skipped}
            for each in looked
        )

    exists = file.exists()
    known = Baseline.parse(_read(file), str(file)) if exists else Baseline(())
    gone = known.gone(found, judged)
    if update or not exists:
        now = {
            entry.key: entry
            for each, its in zip(looked, keys, strict=True)
            for entry in entries_of(each.report, its)
        }
        kept = [entry for entry in known.entries if not judged(entry) and entry.key not in now]
        known = Baseline((*kept, *(replace(entry, count=found[entry.key]) for entry in now.values())))
        _write(file, known.text())
        count = sum(entry.count for entry in known.entries)
        Output().talk(f"wrote {file} with {count} finding{'' if count == 1 else 's'}: commit it")
    elif gone:
        count = sum(entry.count for entry in gone)
        names = ", ".join(f"{entry.code} in {entry.path}" for entry in gone[:3])
        more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
        again = " ".join(shlex.quote(each.typed or each.report.target) for each in looked)
        Output().talk(
            f"{count} of {file} no longer occur{'s' if count == 1 else ''} ({names}{more}); to write the file anew: "
            f"hubpub check {again} --baseline {shlex.quote(str(file))} --update-baseline{asked.options}"
        )
    return [
        replace(each, report=known.left_out_of(each.report, its))
        for each, its in zip(looked, keys, strict=True)
    ]


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise _refused(file, "read", error) from None


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _refused(file, "written", error) from None


def _refused(file: Path, what: str, error: OSError) -> HubpubError:
    return HubpubError(
        "HP-M09",
        f"the baseline cannot be {what}: {error.strerror}",
        where=str(file),
        hint="--baseline FILE, in a folder that exists",
    )
