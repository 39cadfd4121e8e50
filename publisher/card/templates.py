"""Where templates come from: the user's `templates/` file by file, then the ones that hubpub brings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import publisher
from publisher.errors import HubpubError
from publisher.records.digest import digest

SUFFIX = ".j2"
NO_CARDS = "ci/"  # no card is rendered from what lies there


@dataclass(frozen=True)
class Template:
    """The text of one template and the file that it stands in."""

    name: str
    text: str
    path: str


@dataclass(frozen=True)
class Templates:
    """Folders to look in, first one first."""

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, project: Path | None = None) -> Templates:
        """The built-in templates, overridden by those of a project."""
        own = (project / "templates",) if project else ()
        return cls((*own, built_in_folder()))

    def find(self, name: str) -> Template | None:
        """Read a template by its name, forward slashes; None where no folder has it.

        A name that leaves its folder is no name.

        Raises:
            HubpubError: HP-C02, the file is no UTF-8 text.
        """
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or name.startswith("/") or "\\" in name:
            return None
        for folder in self.folders:
            path = folder.joinpath(*parts)
            if path.is_file():
                return Template(name, _text(path, name), str(path))
        return None

    @property
    def digest(self) -> str:
        """Digest of all templates of cards, each as it would be used: what a card depends on besides facts and prose."""
        found = [self.find(name) for name in self.names() if not name.startswith(NO_CARDS)]
        return digest([[template.name, template.text] for template in found if template])

    def names(self) -> tuple[str, ...]:
        """All templates that any folder has, sorted."""
        found = {
            path.relative_to(folder).as_posix()
            for folder in self.folders
            for path in folder.rglob(f"*{SUFFIX}")
            if path.is_file()
        }
        return tuple(sorted(found))


def _text(path: Path, name: str) -> str:
    """A template's text. A byte order mark and foreign line ends are no part of it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise HubpubError(
            "HP-C02", f"{name} is no UTF-8 text", where=str(path), hint="save it as UTF-8", template=name
        ) from error


def built_in_folder() -> Path:
    """Where the built-in templates lie.

    A wheel carries them inside the package. An editable install does not put forced files beside the package,
    so there they are the repository's own top-level folder.
    """
    package = Path(publisher.__file__).parent
    inside = package / "_templates"
    return inside if inside.is_dir() else package.parent / "templates"
