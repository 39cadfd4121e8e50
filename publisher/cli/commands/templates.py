"""hubpub templates: look at the built-in templates, and take one over into the project."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.options import ProjectOption
from publisher.cli.output import Output
from publisher.cli.session import open_project
from publisher.errors import HubpubError

TemplateName = Annotated[str, typer.Argument(help="As `hubpub templates list` shows it.", show_default=False)]


def list_names() -> None:
    """List the built-in templates."""
    from publisher.card.templates import Templates

    for name in Templates.of().names():
        Output().result(name)


def show(name: TemplateName) -> None:
    """Print a built-in template."""
    Output().result(_find(name))


def eject(name: TemplateName, project: ProjectOption = None) -> None:
    """Copy a built-in template into the project, where it overrides the built-in one."""
    text = _find(name)
    target = open_project(project).templates / name
    if target.exists():
        raise HubpubError(
            "HP-M09", f"{name} is in the project already", where=str(target), hint="edit it there"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    Output().result(str(target))


def _find(name: str) -> str:
    from publisher.card.templates import Templates

    found = Templates.of().find(name)
    if found is None:
        raise HubpubError("HP-M09", f"there is no template {name!r}", hint="hubpub templates list")
    return found.text
