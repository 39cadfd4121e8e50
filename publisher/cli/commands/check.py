"""hubpub check: lint releases, folders, READMEs and published repos, and hold their statements against their files.

Reads; runs nothing but a card's code, and that only where it is asked for.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.options import HubOption, ProjectOption, one_of, release_names
from publisher.errors import Exit


def check(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET…",
            help="Release names, folders, README files, repos: hf://OWNER/REPO[@REV], or OWNER/REPO.",
            show_default=False,
            autocompletion=release_names,
        ),
    ] = None,
    select: Annotated[
        list[str] | None, typer.Option(help="Only these codes. Repeatable.", show_default=False)
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Not these codes. Repeatable.", show_default=False)
    ] = None,
    strict: Annotated[bool, typer.Option(help="Warnings fail as well.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended, in place.")] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="With --fix: show the changes, write nothing.")
    ] = False,
    baseline: Annotated[
        Path | None,
        typer.Option(
            help="Leave out the findings that this file knows; write it where it is missing.",
            show_default=False,
            dir_okay=False,
        ),
    ] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="With --baseline: write the file anew.")
    ] = False,
    run_code: Annotated[
        bool, typer.Option("--run-code", help="Run the cards' Python, offline; it may write where you may.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every number of the weights and every row of the data.")
    ] = False,
    explain: Annotated[str | None, typer.Option(help="Print a rule's page.", show_default=False)] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every statement, and every rule that did not run.")
    ] = False,
    hub: HubOption = None,
    project: ProjectOption = None,
    format: Annotated[str, typer.Option("--format", help="text, json, sarif or github.")] = "text",  # noqa: A002
) -> None:
    """Read files: lint releases, folders, cards and repos, and recompute what they state."""
    from publisher.cli.check_output import CheckFormat, show
    from publisher.cli.check_targets import Asked, look
    from publisher.records.findings import together

    if explain is not None:
        _explain(explain)
        return
    form = one_of("--format", format, CheckFormat)
    if not targets:
        raise typer.BadParameter("name a release, a folder, a README.md or a repo", param_hint="TARGET")
    if update_baseline and baseline is None:
        raise typer.BadParameter("say which file: --baseline FILE", param_hint="--update-baseline")
    asked = Asked(tuple(select or ()), tuple(ignore or ()), hub, project, run_code, deep)
    if fix or diff:
        from publisher.cli.check_fix import mend

        for target in targets:
            mend(Path(target), asked, write=not diff)
        if diff:
            return
    with ExitStack() as hubs:  # a published repo's lines are shown from its Hub
        looked = [each for target in targets for each in look(target, asked, hubs)]
        if baseline is not None:
            from publisher.cli.check_baseline import apply_baseline

            looked = apply_baseline(looked, baseline, asked, update=update_baseline)
        whole = together([each.report for each in looked])
        show(looked, whole, form, asked, baseline=str(baseline or ""), verbose=verbose)
    failing = ("error", "warning") if strict else ("error",)
    if any(whole.summary[severity] for severity in failing):
        raise typer.Exit(Exit.FAILED)


def _explain(code: str) -> None:
    from publisher.checks.registry import explain
    from publisher.cli.output import Output

    Output().result(explain(code))
