"""`hubpub check --run-code`: a card's code is run before its target is judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.checks.observe.target import RepoView
    from publisher.checks.rule import Rule

CODE = "SNIP152"


def with_code_run(
    view: RepoView, rules: Sequence[Rule], target: str, place: Path, project: Path | None
) -> RepoView:
    """The target with what became of its card's code; the same where the rule about that was left out.

    Args:
        view: the target.
        rules: those that were chosen.
        target: as the report calls it; of a release `NAME/KIND`.
        place: its folder or its card.
        project: where releases are looked for.
    """
    from publisher.cli.output import Output
    from publisher.pipeline.run_code import run_code

    if not any(rule.code == CODE for rule in rules):
        return view
    Output().talk(f"running the code of {target}'s card")
    given = Path(target).exists()
    folders = {} if given else _released(target.rpartition("/")[0], project)
    return view.told(run_code(view, place if view.source.whole else None, folders=folders))


def refuse_published(target: str) -> HubpubError:
    """Why the code of what lies on a Hub is not run: nothing is downloaded for a check."""
    return HubpubError(
        "HP-M09",
        "--run-code runs the code of folders, cards and releases; a repo is not downloaded for it",
        hint=f"hf download {target.removeprefix('hf://').partition('@')[0]} --local-dir FOLDER, "
        "then hubpub check FOLDER --run-code",
    )


def _released(name: str, project: Path | None) -> dict[str, str]:
    from publisher.cli.session import open_release
    from publisher.pipeline.code_folders import released_folders

    return released_folders(open_release(project, name))
