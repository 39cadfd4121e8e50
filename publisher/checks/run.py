"""The check itself: observe a target, feed every rule, sort what was found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from publisher.checks import registry, suppress
from publisher.checks.card_statements import Ask, Outcomes, card_statements
from publisher.checks.observe.ignores import Ignores
from publisher.checks.observe.statements import Statements
from publisher.checks.observe.target import Absent, RepoView, unreadable
from publisher.checks.quoting import clean
from publisher.checks.recognised import recognised
from publisher.checks.rule import Fault, Rule, Skip
from publisher.checks.source import CardSource, FolderSource
from publisher.errors import HubpubError
from publisher.records.facts import Json
from publisher.records.findings import Finding, Report, SkippedRule, Statement

_MOST = 10_000  # findings of one rule; whoever has more has another problem


def check_folder(
    folder: Path,
    *,
    target: str | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    readme: Path | None = None,
    known: Sequence[object] = (),
) -> Report:
    """Check a folder that holds what a repo holds, or will hold.

    Args:
        folder: the repo's files.
        target: what the report calls it; the folder's path where nothing is given.
        select: codes or families to run; empty = all.
        ignore: codes or families to leave out.
        readme: a file elsewhere that stands for the folder's README.md.
        known: observations that its files cannot give.

    Raises:
        HubpubError: HP-M09, there is no such folder, or no such rule.
    """
    if not folder.is_dir():
        raise HubpubError(
            "HP-M09", f"there is no folder {folder}", hint="give a folder, a README.md or a release"
        )
    return check_view(
        RepoView(FolderSource(folder, readme), *known),
        registry.choose(select, ignore),
        target or str(folder),
    )


def check_card(
    readme: Path, *, target: str | None = None, select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> Report:
    """Check one card by itself; rules that need the repo's files are skipped and say so.

    Raises:
        HubpubError: HP-M09, there is no such file, or no such rule.
    """
    if not readme.is_file():
        raise HubpubError(
            "HP-M09", f"there is no card {readme}", hint="give a folder, a README.md or a release"
        )
    return check_view(RepoView(CardSource(readme)), registry.choose(select, ignore), target or str(readme))


def check_view(view: RepoView, rules: Sequence[Rule], target: str) -> Report:
    """Run rules over what is known of a target: findings by path, line and code, skipped rules by code."""
    ignores = Ignores.observe(view)
    said: dict[str, Outcomes] = {}

    def ask(code: str) -> Outcomes:
        """What the rule of a code says, chosen or not; each is run once."""
        if code not in said:
            said[code] = outcomes_of(registry.by_code(code), view)
        return said[code]

    if any(rule.code.startswith(suppress.OWN_FAMILY) for rule in rules):
        view = view.told(suppress.idle(ignores, ask))
    findings: list[Finding] = []
    skipped: list[SkippedRule] = []
    for rule in rules:
        outcomes = ask(rule.code)
        if isinstance(outcomes, Absent):
            skipped.append(SkippedRule(rule.code, outcomes.reason, outcomes.missing))
            continue
        for outcome in outcomes:
            if isinstance(outcome, Skip):
                skipped.append(SkippedRule(rule.code, clean(outcome.reason)))
            else:
                findings.append(_finding(rule, outcome))
    stand, answered = suppress.split(findings, ignores)
    return Report(
        target,
        tuple(sorted(stand, key=_order)),
        tuple(sorted(skipped + answered, key=lambda skip: (skip.code, skip.reason))),
        _statements(view, ask),
        (recognised(view, target),),
    )


def _statements(view: RepoView, ask: Ask) -> tuple[Statement, ...]:
    """What the repo says of itself, and whether it holds, whichever rules were chosen; nothing secret in it."""
    evidence = view.observe(Statements)
    held = () if isinstance(evidence, Absent) else tuple(each.statement for each in evidence.all)
    known = {each.fact for each in held}
    printed = card_statements(view, ask)
    stated = (*held, *(each for each in printed if each.fact not in known))
    return tuple(
        Statement(clean(each.fact), _shown(each.stated), _shown(each.found), each.status, clean(each.reason))
        for each in stated
    )


def _shown(value: Json) -> Json:
    """A value fit for a report: texts cleaned, what is long cut."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | dict):
        written = json.dumps(value, ensure_ascii=False)
        return value if clean(written) == written else clean(written)
    return value


def outcomes_of(rule: Rule, view: RepoView) -> Outcomes:
    """What a rule says of a target; Absent: it cannot run, and why."""
    fed = feed(rule, view)
    if isinstance(fed, Absent):
        return fed
    try:
        outcomes = list(islice(rule.check(**fed), _MOST + 1))
    except OSError as error:  # a file went away since it was listed
        return unreadable(error)
    if len(outcomes) > _MOST:
        outcomes[_MOST:] = [Skip(f"more than {_MOST:,} findings: the others are left out")]
    return outcomes


def feed(rule: Rule, view: RepoView) -> dict[str, Any] | Absent:
    """The observations that a rule asks for, by parameter; Absent: it cannot run, and why."""
    fed: dict[str, Any] = {}
    for parameter, need in rule.needs.items():
        observed = view.observe(need.wanted)
        if isinstance(observed, Absent):
            if not (need.optional and observed.missing):
                return observed
            observed = None
        fed[parameter] = observed
    return fed


def _finding(rule: Rule, fault: Fault) -> Finding:
    """The fault as it is reported; rules quote files, and neither a secret nor a terminal control may leave with a quotation."""
    return Finding(
        code=rule.code,
        severity=fault.severity or rule.severity,
        message=clean(fault.message),
        path=fault.path,
        line=fault.line,
        column=fault.column,
        hint=clean(fault.hint),
        fixable=fault.edit is not None,
    )


def _order(finding: Finding) -> tuple[str, int, str, int, str]:
    return finding.path, finding.line or 0, finding.code, finding.column or 0, finding.message
