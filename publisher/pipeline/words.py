"""The author's prose, read from its files; and the pictures that it shows."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from publisher.card.readme import parse
from publisher.card.view import Prose
from publisher.errors import HubpubError
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import Manifest
from publisher.records.artifacts import FileRecord

PICTURES = "assets"  # below the release's folder here, and in the repo: a link then works in both
OURS = f"{PICTURES}/loss.png"
MAX_PICTURE = (
    10 * 1024 * 1024
)  # what the Hub takes outside large-file storage; whoever opens the page waits for it
SHOWN = re.compile(
    r"!\[[^\]\n]*\]\(\s*<?(?P<markdown>[^)\s>]+)>?[^)\n]*\)|<img\b[^>]*?\bsrc\s*=\s*[\"']?(?P<html>[^\"'\s>]+)",
    re.IGNORECASE,
)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#|/", re.IGNORECASE)


class Words(tuple[Prose, ...]):
    """The author's prose, one piece a section."""

    __slots__ = ()


def read_words(manifest: Manifest, paths: ReleasePaths) -> Words:
    """The prose files that the manifest names. Byte order marks and foreign line ends are no part of them.

    Raises:
        HubpubError: HP-C05, a file is no text, has front matter, or shows a picture that is missing, too large or
            elsewhere.
    """
    return Words(_read(section, name, paths.folder) for section, name in manifest.card.prose_files.items())


def _read(section: str, name: str, folder: Path) -> Prose:
    file = folder / name
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(file, f"{name} is no UTF-8 text", "save it as UTF-8") from error
    readme = parse(text)
    if readme.yaml is not None:
        why = readme.fault.message if readme.fault else "its fields would be lost"
        raise _refused(
            file,
            f"{name} begins with front matter, which prose cannot have: {why}",
            "write fields into release.yaml; a line across the page is ***",
            line=readme.fault.line if readme.fault else 1,
        )
    pictures = dict.fromkeys(_pictures(text))
    return Prose(section, text, name, tuple(_record(target, text, file, folder) for target in pictures))


def _pictures(text: str) -> list[str]:
    """The addresses of pictures that are files of ours, as written."""
    found = (match["markdown"] or match["html"] for match in SHOWN.finditer(text))
    return [target for target in found if not ELSEWHERE.match(target)]


def _record(target: str, text: str, file: Path, folder: Path) -> FileRecord:
    line = text[: text.index(target)].count("\n") + 1
    path = PurePosixPath(unquote(target.partition("?")[0].partition("#")[0]))
    if path.parts[0] != PICTURES or ".." in path.parts or str(path) == OURS:
        raise _refused(
            file,
            f"{file.name} shows {target}, which would not be there on the Hub",
            f"put it into {folder / PICTURES}/ under a name of its own, and write {PICTURES}/{path.name}",
            line=line,
        )
    picture = folder / path
    if not picture.is_file():
        raise _refused(
            file, f"{file.name} shows {target}, which does not exist", f"put it at {picture}", line=line
        )
    size = picture.stat().st_size
    if size > MAX_PICTURE:
        raise _refused(
            file,
            f"{file.name} shows {target}, which has {size / 1e6:.1f} MB; at most {MAX_PICTURE / 1e6:.1f} MB go into a card",
            "make it smaller, or link to where it is kept",
            line=line,
        )
    return FileRecord(str(path), size, hashlib.sha256(picture.read_bytes()).hexdigest())


def _refused(file: Path, what: str, hint: str, *, line: int | None = None) -> HubpubError:
    return HubpubError("HP-C05", what, where=f"{file}:{line}" if line else str(file), hint=hint)
