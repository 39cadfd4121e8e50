"""SNIP142 import-unknown: a snippet imports a package that is not well known, and the card does not say how to get it.

Why   `pip install` by the import's name finds nothing, or somebody else's package of that name.
Fix   say how it is installed (`pip install git+https://github.com/acme/aerialseg`), or leave the snippet out.

Bad
    README.md:
        ```python
        from aerialseg.clipsam import Segmentator ←
        ```
Good
    README.md:
        ```bash
        pip install -q "aerialseg>=1.0"
        ```
        ```python
        import json
        import torch
        from aerialseg.clipsam import Segmentator
        ```
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from publisher.checks.known.packages import is_known
from publisher.checks.observe.readme import README, Readme
from publisher.checks.observe.snippets import Snippets, nodes
from publisher.checks.observe.target import Given
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_INSTALL = re.compile(
    r"(?:pip3? |uv |conda |mamba |poetry )(?:-m )?(?:pip )?(?:install|add)[ \t]+([^\n`]{1,400})",
    re.IGNORECASE,
)
_CLONE = re.compile(
    r"\bgit clone\b|pip3? install (?:-[\w-]+ )*(?:-e|\.|-r)|setup\.py|hf download|snapshot_download|sys\.path"
)
_MOST = 20


@rule(Severity.WARNING)
def import_unknown(snippets: Snippets, readme: Readme, given: Given) -> Iterator[Fault]:
    """Report a package once, a linked one as a note. A card that clones a repository brings unknown packages."""
    text = readme.text[:2_000_000]
    if _CLONE.search(text):
        return
    installed = _plain(" ".join(match[1] for match in _INSTALL.finditer(text)))
    own = {entry.path.partition("/")[0].removesuffix(".py") for entry in given.files or ()}
    reported: set[str] = set()
    for block in snippets.parsed:
        for node in nodes(block):
            for name in _imported(node):
                if is_known(name) or name in own or name in reported or _plain(name) in installed:
                    continue
                if f"{name}.py" in text:  # a file that the card tells to put beside the snippet
                    continue
                reported.add(name)
                if len(reported) > _MOST:
                    return
                address = rf"https?://[\w.-]+/[^\s)\"'<>]{{0,100}}\b{re.escape(name)}\b"
                linked = re.search(address, text, re.IGNORECASE) is not None
                yield Fault(
                    f"the package {quote(name)} is not well known, and the card "
                    + ("links it but " if linked else "")
                    + "does not say how to install it",
                    README,
                    block.line(node),
                    hint="say which pip install or git clone brings it",
                    severity=Severity.NOTE if linked else None,
                )


def _imported(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Import):
        return tuple(alias.name.partition(".")[0] for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return (node.module.partition(".")[0],)
    return ()


def _plain(text: str) -> str:
    return re.sub(r"[-_.]", "", text).lower()
