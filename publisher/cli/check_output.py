"""What `hubpub check` prints, in each of its formats."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from publisher.cli.check_targets import Asked, Looked
from publisher.cli.output import Format, Output, clean, colour

if TYPE_CHECKING:
    from publisher.records.findings import Report


class CheckFormat(StrEnum):
    """How a check's results are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


def show(
    looked: Sequence[Looked],
    whole: Report,
    form: CheckFormat,
    asked: Asked,
    *,
    baseline: str = "",
    verbose: bool = False,
) -> None:
    """Print what was found.

    Args:
        looked: target by target.
        whole: all of it as one report.
        form: the format.
        asked: the options, to be repeated in the command that mends.
        baseline: the file that old findings were left out by.
        verbose: every statement, and the codes of all rules that did not run.
    """
    from publisher.checks.report import to_github, to_json

    if form is CheckFormat.JSON:
        document = to_json(whole)
        Output(Format.JSON).document("check", {k: v for k, v in document.items() if k != "schema"})
    elif form is CheckFormat.SARIF:
        sys.stdout.write(clean(json.dumps(_sarif(looked, baseline), ensure_ascii=False, indent=1)) + "\n")
    elif form is CheckFormat.GITHUB:
        for each in looked:
            Output().result(to_github(each.report, each.path_here).rstrip("\n"))
    else:
        _show_text(looked, whole, asked, baseline, verbose=verbose)


def _show_text(
    looked: Sequence[Looked], whole: Report, asked: Asked, baseline: str, *, verbose: bool
) -> None:
    from publisher.checks.screen import Screen, to_text, totals

    paint = colour(sys.stdout)
    for each in looked:
        fix = f"hubpub check {shlex.quote(each.typed)} --fix{asked.options}" if each.typed else ""
        locate = str if each.place is None else each.path_here
        Output().result(to_text(each.report, each.source, Screen(paint, verbose, fix, baseline, locate)))
    if len(looked) > 1:
        everything = replace(whole, target=f"all {len(looked)}")
        Output().result(totals(everything, Screen(paint, baseline=baseline)))


def _sarif(looked: Sequence[Looked], baseline: str) -> dict[str, Any]:
    from importlib import metadata

    from publisher.checks.lines import Lines
    from publisher.checks.sarif import Part, to_sarif

    parts = [Part(each.report, Lines(each.source), each.address) for each in looked]
    return to_sarif(parts, metadata.version("hubpub"), baseline=bool(baseline))
