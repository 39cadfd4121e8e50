"""The site of these pages: `make docs`. A warning ends the build, and so do links and anchors that lead nowhere."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

project = "hubpub"
author = "the hubpub authors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "hubpub"
html_extra_path = ["site"]  # what is served as it is: the manifest's JSON Schema, for editors
html_copy_source = False
myst_heading_anchors = 3  # as GitHub gives them, where the same pages are read
myst_enable_extensions = ["colon_fence"]
suppress_warnings = ["misc.highlighting_failure"]  # samples of the rules are broken on purpose

_ANCHOR = re.compile(r'<a id="([^"]+)">')


def _know_written_anchors(app: Any, document: nodes.document) -> None:
    """`<a id="…">` in a table's cell, which the error codes have, can be linked to like a heading."""
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for raw in document.findall(nodes.raw):
        for anchor in _ANCHOR.findall(raw.astext()):
            slugs[anchor] = (raw.line or 0, anchor, anchor)


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("doctree-read", _know_written_anchors)
    return {"parallel_read_safe": True}
