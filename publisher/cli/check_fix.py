"""`hubpub check --fix`: the files are written, or how they would change is shown."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

from publisher.cli.check_targets import Asked
from publisher.cli.output import Output
from publisher.errors import HubpubError


def mend(path: Path, asked: Asked, *, write: bool) -> None:
    """Mend one folder or card, or show how; what is generated is not mended by hand.

    Raises:
        HubpubError: HP-M09, the target is a release or not there.
    """
    from publisher.checks.fix import mended
    from publisher.checks.observe.target import RepoView
    from publisher.checks.registry import choose
    from publisher.checks.source import CardSource, FolderSource

    if not path.exists():
        raise HubpubError(
            "HP-M09",
            f"--fix mends folders and cards, and {path} is neither",
            hint="a release's cards are generated: change its release.yaml; a repo is mended in its folder",
        )
    source = FolderSource(path) if path.is_dir() else CardSource(path)
    for name, (before, after) in mended(RepoView(source), choose(asked.select, asked.ignore)).items():
        file = path / name if path.is_dir() else path
        if write:
            # what a link points to may belong to somebody else, such as the Hub's cache
            if not file.is_symlink():
                file.write_bytes(after)
                Output().talk(f"mended {file}")
            continue
        old, new = (text.decode("utf-8", "replace").splitlines(keepends=True) for text in (before, after))
        Output().result("".join(unified_diff(old, new, fromfile=f"a/{name}", tofile=f"b/{name}")))
