"""A report for people: what was recognised, what was found and how to mend it, the totals, what was not looked at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from publisher.checks.lines import Lines
from publisher.checks.quoting import clean
from publisher.checks.report import Locate
from publisher.checks.source import Source
from publisher.records.findings import Finding, Outcome, Recognised, Report, Severity, SkippedRule, Statement

FRAME_WIDTH = 100  # characters of a source line that are shown
_FEW = 2  # codes that are named beside a reason; of more, the number
_REASONS = 5  # reasons for not looking that are listed without -v

_COLOURS = {
    Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.NOTE: "1;36",
    "title": "1", "dim": "2", "mark": "1;34", "good": "1;32",
}  # fmt: skip
_MARKS = {Outcome.HOLDS: "✓", Outcome.FAILS: "✗", Outcome.UNKNOWN: "–"}


@dataclass(frozen=True)
class Screen:
    """How a report is shown.

    Attributes:
        colour: with the terminal's colours.
        verbose: every statement, and the codes of all rules that did not run.
        fix: the command that mends what can be mended; empty where nothing can be mended in place.
        baseline: the file that old findings were left out by.
        locate: where a file lies for whoever reads, so that a terminal's links lead there.
    """

    colour: bool = False
    verbose: bool = False
    fix: str = ""
    baseline: str = ""
    locate: Locate = str

    def paint(self, style: Severity | str, text: str) -> str:
        """The text in a colour, where there are any."""
        return f"\033[{_COLOURS[style]}m{text}\033[0m" if self.colour else text


def to_text(report: Report, source: Source | None = None, screen: Screen | None = None) -> str:
    """The whole screen.

    Args:
        report: of one target.
        source: its files, for the lines that findings stand in.
        screen: how it is shown; plain and short by default.
    """
    how, lines = screen or Screen(), Lines(source)
    parts = [_recognised_text(each, how) for each in report.recognised]
    for severity in Severity:  # the worst first
        parts += [_finding_text(each, lines, how) for each in report.findings if each.severity is severity]
    if report.statements:
        parts.append(_statements_text(report.statements, report.findings, how))
    parts.append("\n".join([totals(report, how), *_fixes(report, how), *_skipped(report, how)]))
    return "\n\n".join(parts) + "\n"


def _recognised_text(seen: Recognised, screen: Screen) -> str:
    lines = [f"{screen.paint('title', seen.target)}: {seen.title}"]
    lines += [f"  {screen.paint('dim', f'{label:<9}')} {text}" for label, text in seen.details]
    return "\n".join(lines)


def _finding_text(finding: Finding, lines: Lines, screen: Screen) -> str:
    place = ":".join(
        str(part)
        for part in (clean(screen.locate(finding.path)), finding.line, finding.column)
        if part is not None
    )
    kind = screen.paint(finding.severity, f"{finding.severity}[{finding.code}]")
    shown = [f"{kind}: {screen.paint('title', finding.message)}", f"  {screen.paint('mark', '-->')} {place}"]
    raw = lines.of(finding.path, finding.line)
    if raw is not None:
        line, number = clean(raw, FRAME_WIDTH), str(finding.line)
        gutter = screen.paint("mark", f"{' ' * len(number)} |")
        shown += [gutter, f"{screen.paint('mark', f'{number} |')} {line}"]
        if finding.column is not None and finding.column <= len(line):
            shown.append(f"{gutter} {' ' * (finding.column - 1)}{screen.paint(finding.severity, '^')}")
    if finding.hint:
        can = " (--fix does it)" if finding.fixable and screen.fix else ""
        shown.append(f"  {screen.paint('good', 'hint:')} {finding.hint}{can}")
    return "\n".join(shown)


def _statements_text(statements: Sequence[Statement], findings: Sequence[Finding], screen: Screen) -> str:
    """How many hold; of those that do not, each. What a finding has said in full is not said again."""
    counts = Counter(each.status for each in statements)
    holding, failing, unknown = (counts[outcome] for outcome in Outcome)
    lines = [f"Statements: {holding} hold, {failing} do not, {unknown} cannot be recomputed"]
    told = {finding.message: finding.code for finding in findings}
    for each in statements:
        if not screen.verbose and each.status is not Outcome.FAILS:
            continue
        found = (
            f", found {clean(str(each.found), 100)}"
            if each.status is Outcome.FAILS and each.found is not None
            else ""
        )
        reason = f"{told[each.reason]} above" if each.reason in told else each.reason
        lines.append(f"  {_MARKS[each.status]} {each.fact}: {clean(str(each.stated), 100)}{found} ({reason})")
    return "\n".join(lines)


def totals(report: Report, screen: Screen) -> str:
    """Findings by severity in one line, and how many were left out as old."""
    counts = ", ".join(
        screen.paint(Severity(severity), f"{count} {severity}{'' if count == 1 else 's'}")
        for severity, count in report.summary.items()
        if count
    )
    old = f"; {report.baselined} more in {screen.baseline}" if report.baselined else ""
    nothing = "nothing new found" if report.baselined else "nothing found"
    return f"{screen.paint('title', report.target)}: {counts or screen.paint('good', nothing)}{old}"


def _fixes(report: Report, screen: Screen) -> Iterator[str]:
    count = sum(finding.fixable for finding in report.findings)
    if count:
        how = screen.fix or "in a folder or a card, hubpub check TARGET --fix does it"
        yield f"  {screen.paint('dim', 'fixable  ')} {count}: {how}"


def _skipped(report: Report, screen: Screen) -> Iterator[str]:
    """What was not looked at and why, the most rules first; what is about files that are not here, in one line."""
    answered = [skip for skip in report.skipped if " ignored by its author: " in skip.reason]
    missing = [skip for skip in report.skipped if skip.missing]
    others = _by_reason(skip for skip in report.skipped if skip not in answered and not skip.missing)
    shown = list(others) if screen.verbose or len(others) <= _REASONS + 1 else list(others)[:_REASONS]
    lines = [f"{_rules(others[reason], screen)}: {reason}" for reason in shown]
    rest = sum(len(others[reason]) for reason in others) - sum(len(others[reason]) for reason in shown)
    if rest:
        lines.append(f"{rest} rules for {len(others) - len(shown)} other reasons (-v lists them)")
    yield from _labelled("unchecked", lines, screen)
    about = _by_reason(missing)
    if screen.verbose:
        lines = [f"{_rules(about[reason], screen)}: {reason}" for reason in about]
    elif missing:
        first = ", ".join(list(about)[:3])
        codes = [skip.code for skip in missing]
        lines = [f"{_rules(codes, screen)}: {first}{', …' if len(about) > 3 else ''}"]
    else:
        lines = []
    yield from _labelled("not here", lines, screen)
    yield from _labelled("ignored", [f"{skip.code}: {skip.reason}" for skip in answered], screen)


def _labelled(label: str, lines: Sequence[str], screen: Screen) -> Iterator[str]:
    for index, line in enumerate(lines):
        yield f"  {screen.paint('dim', f'{label:<9}') if index == 0 else ' ' * 9} {line}"


def _by_reason(skips: Iterable[SkippedRule]) -> dict[str, list[str]]:
    """Codes by reason, the reason with the most of them first."""
    codes: dict[str, list[str]] = defaultdict(list)
    for skip in skips:
        codes[skip.reason].append(skip.code)
    return dict(sorted(codes.items(), key=lambda item: (-len(item[1]), item[0])))


def _rules(codes: Sequence[str], screen: Screen) -> str:
    listed = ", ".join(dict.fromkeys(codes))
    if len(codes) <= _FEW:
        return listed
    return f"{len(codes)} rules ({listed})" if screen.verbose else f"{len(codes)} rules"
