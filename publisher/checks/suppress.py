"""Findings that an author took on knowingly, in the files themselves, and whether those comments still say anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from publisher.checks import registry
from publisher.checks.observe.ignored import IdleIgnores, Unused
from publisher.checks.observe.ignores import Ignore, Ignores
from publisher.checks.observe.target import Absent
from publisher.checks.rule import Fault, Skip
from publisher.records.findings import Finding, SkippedRule

Ask = Callable[[str], Sequence[Fault | Skip] | Absent]  # what the rule of a code says of the target
OWN_FAMILY = "HUBP"  # the rules on these comments: they are not asked about themselves


def split(findings: Sequence[Finding], ignores: Ignores) -> tuple[list[Finding], list[SkippedRule]]:
    """The findings that stand, and those that the author answered for, as skipped with his reason."""
    stand: list[Finding] = []
    answered: list[SkippedRule] = []
    for finding in findings:
        ignore = ignores.answering(finding.code, finding.path, finding.line)
        if ignore is None:
            stand.append(finding)
            continue
        place = finding.path if finding.line is None else f"{finding.path}:{finding.line}"
        answered.append(SkippedRule(finding.code, f"{place} ignored by its author: {ignore.reason}"))
    return stand, answered


def idle(ignores: Ignores, ask: Ask) -> IdleIgnores:
    """Which comments do nothing: without a reason, with codes that nobody knows, or answering for nothing.

    Every rule that a comment names is asked, whichever were chosen. One that could not look, or not at everything,
    leaves open whether the comment is needed.
    """
    codes = {rule.code for rule in registry.all_rules()}
    unknown: list[Unused] = []
    unused: list[Unused] = []
    for ignore in ignores.all:
        strange = [code for code in ignore.codes if code not in codes]
        unknown += [Unused(ignore, code) for code in strange]
        if ignore.reason:
            known = [code for code in ignore.codes if code in codes and not code.startswith(OWN_FAMILY)]
            unused += [Unused(ignore, code) for code in known if _is_unused(ignore, code, ask(code))]
    unreasoned = tuple(ignore for ignore in ignores.all if not ignore.reason or not ignore.codes)
    return IdleIgnores(tuple(unused), tuple(unknown), unreasoned)


def _is_unused(ignore: Ignore, code: str, outcomes: Sequence[Fault | Skip] | Absent) -> bool:
    if isinstance(outcomes, Absent):
        return False
    return not any(
        isinstance(outcome, Skip) or ignore.answers(code, outcome.path, outcome.line) for outcome in outcomes
    )
