"""`--fix`: the edits that faults carry, made in memory. Nothing but the named place changes, byte for byte.

An edit is not made where its place does not hold what the rule saw, or where the front matter would not say the same
as before but for what was mended. Made twice, it changes nothing the second time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from publisher.checks.observe.frontmatter import UnboundedError, read_yaml
from publisher.checks.observe.ignores import Ignores
from publisher.checks.observe.readme import README, Readme
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.rule import Edit, Rule, Skip
from publisher.checks.run import feed
from publisher.records.facts import Json

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|$)")
_MARK = "\N{BYTE ORDER MARK}"


def mended(view: RepoView, rules: Sequence[Rule]) -> dict[str, tuple[bytes, bytes]]:
    """Every file that the rules can mend: by path, what it holds and what it would hold.

    Findings that the card's author answered for are left alone.
    """
    files: dict[str, tuple[bytes, bytes]] = {}
    for path, edits in _edits(view, rules).items():
        exists = any(entry.path == path for entry in view.source.entries())
        before = view.source.read(path) if exists else b""
        after = before
        for edit in sorted(edits, key=lambda edit: (edit.line, edit.column or 0), reverse=True):
            changed = apply(after, edit)
            if path != README or _says_the_same(after, changed, edit):
                after = changed
        if after != before:
            files[path] = (before, after)
    return files


def apply(raw: bytes, edit: Edit) -> bytes:
    """Make one edit; the same bytes where its place does not hold what it expects."""
    lines = [line for line in _LINE.findall(raw) if line]
    end = next((line[len(line.rstrip(b"\r\n")) :] for line in lines if line.endswith((b"\n", b"\r"))), b"\n")
    if edit.line == 0:
        joint = end if lines and not lines[-1].endswith((b"\n", b"\r")) else b""
        return raw + joint + edit.after.encode() + end
    if edit.line > len(lines):
        return raw
    index = edit.line - 1
    if edit.drop:
        if edit.before.encode() == lines[index].strip():
            del lines[index]
        return b"".join(lines)
    if edit.column is None:
        lines.insert(index + 1, edit.after.encode() + end)
        return b"".join(lines)
    spanned = slice(index, index + 1 + edit.before.count("\n"))
    try:
        text = b"".join(lines[spanned]).decode("utf-8")
    except UnicodeDecodeError:
        return raw
    start = edit.column - 1 + (edit.line == 1 and text.startswith(_MARK))
    spellings = (edit.before, edit.before.replace("\n", end.decode()))
    # the value itself, or behind its quotation mark
    for before, at in ((before, at) for before in spellings for at in (start, start + 1)):
        if before and text[at : at + len(before)] == before:
            lines[spanned] = [(text[:at] + edit.after + text[at + len(before) :]).encode()]
            return b"".join(lines)
    return raw


def _edits(view: RepoView, rules: Sequence[Rule]) -> dict[str, list[Edit]]:
    ignores = Ignores.observe(view)
    found: dict[str, list[Edit]] = defaultdict(list)
    for rule in rules:
        fed = feed(rule, view) if rule.fixable else None
        if fed is None or isinstance(fed, Absent):
            continue
        for outcome in rule.check(**fed):
            if isinstance(outcome, Skip) or outcome.edit is None:
                continue
            if ignores.answering(rule.code, outcome.path, outcome.line):
                continue
            for edit in (outcome.edit, *outcome.edit.more):
                found[edit.path].append(edit)
    return found


def _says_the_same(before: bytes, after: bytes, edit: Edit) -> bool:
    """Whether the front matter reads as before, but for one key: a new one, another value, or another name.

    An edit of its last line joins a second block to it, which may only bring keys. An edit below may change nothing.
    """
    block = Readme.parse(before).block
    if edit.column is not None and (block is None or (block.last is not None and edit.line > block.last)):
        return Readme.parse(after).block == block
    old, new = _front_matter(before), _front_matter(after)
    if old is None or new is None:
        return False
    gone = [key for key in old if key not in new or new[key] != old[key]]
    come = [key for key in new if key not in old or old[key] != new[key]]
    if block is not None and edit.line == block.last:
        return not gone and bool(come)
    return (len(gone), len(come)) == ((0, 1) if edit.column is None and not edit.drop else (1, 1))


def _front_matter(raw: bytes) -> dict[str, Json] | None:
    """Keys and values; None where there is no front matter, or none that can be read."""
    block = Readme.parse(raw).block
    if block is None or block.last is None:
        return None
    try:
        top, faults = read_yaml(block)
    except UnboundedError:
        return None
    return top.data if top is not None and not faults and isinstance(top.data, dict) else None
