"""hubpub pull: bring edits made on the Hub back into the prose files."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from publisher.cli.edits_text import edit_lines, sides
from publisher.cli.options import FormatOption, HubOption, Name, OwnerOption, ProjectOption
from publisher.cli.output import Format, Output
from publisher.cli.session import open_hub, open_release

if TYPE_CHECKING:
    from publisher.pipeline.opened import Release
    from publisher.pipeline.pull import Pulled


def pull(
    name: Name,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
) -> None:
    """Bring edits made on the Hub back into the prose files; list what stays there."""
    from publisher.pipeline.pull import pull as pull_edits

    output = Output(format)
    release = open_release(project, name, owner)
    with open_hub(hub, release, release.project, look_only=True) as target:
        pulled = pull_edits(release, target)
    output.result("\n".join(_text(release, pulled)))
    output.document(
        "pull",
        {
            "hub": target.endpoint,
            "written": [{**asdict(one), "path": _place(release, one.path)} for one in pulled.written],
            "unwritten": [{**asdict(one), "path": _place(release, one.path)} for one in pulled.unwritten],
            "left": [{"repo_id": one.repo_id, **asdict(one.edit)} for one in pulled.left],
        },
    )


def _text(release: Release, pulled: Pulled) -> list[str]:
    lines = [
        f"{_place(release, one.path)}: edits of {', '.join(one.repos)} written" for one in pulled.written
    ]
    for each in pulled.unwritten:
        lines.append(f"{_place(release, each.path)}: an edit of {each.repo_id} not written: {each.why}")
        lines += sides(*_differing(each.ours, each.theirs))
    if not (pulled.written or pulled.unwritten):
        lines.append("nothing to pull")
    if pulled.left:
        lines.append("No prose: what is kept stays on the Hub, the rest is as facts and manifest say")
    for repo_id in dict.fromkeys(one.repo_id for one in pulled.left):
        lines.append(f"  {repo_id}")
        lines += [
            f"    {line}" for line in edit_lines(one.edit for one in pulled.left if one.repo_id == repo_id)
        ]
    if pulled.written:
        lines.append(f"next: git diff, then hubpub release {release.paths.name}")
    return lines


def _differing(ours: str, theirs: str) -> tuple[str, str]:
    """Only the lines that differ."""
    mine, other = ours.split("\n"), theirs.split("\n")
    return (
        "\n".join(line for line in mine if line not in other),
        "\n".join(line for line in other if line not in mine),
    )


def _place(release: Release, path: str) -> str:
    file = (release.paths.folder / path).resolve()
    inside = file.is_relative_to(release.project.root)
    return file.relative_to(release.project.root).as_posix() if inside else str(file)
