"""Pages as HTML: the one that is served, and one file that carries everything with it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import jinja2

from publisher.card.templates import built_in_folder
from publisher.errors import HubpubError
from publisher.preview.page import Page

NOTHING_FROM_OUTSIDE = "default-src 'none'; img-src {images}; style-src {own}; script-src {own}; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Excerpt:
    """Lines of a file around the one that has a fault."""

    lines: Sequence[tuple[int, str]]
    at: int


@dataclass(frozen=True)
class Trouble:
    """An error, and the lines that it speaks of where there are such."""

    error: HubpubError
    excerpt: Excerpt | None = None


def policy(nonce: str) -> str:
    """The Content-Security-Policy of a served page: its own script and style, images and events of this server."""
    own = f"'nonce-{nonce}'"
    return (
        NOTHING_FROM_OUTSIDE.format(images="'self' data:", own=own)
        + "; connect-src 'self'; frame-ancestors 'none'"
    )


def served(
    tabs: Sequence[str], pages: Sequence[Page], troubles: Sequence[Trouble], version: int, nonce: str
) -> str:
    """One page of a live preview, or none where all is trouble; the others are a tab away."""
    return _template().render(
        tabs=[(tab, f"/{tab}") for tab in tabs],
        pages=pages,
        troubles=troubles,
        style=_asset("page.css"),
        script=_asset("page.js"),
        nonce=nonce,
        policy=None,
        live=version,
    )


def standalone(pages: Sequence[Page], troubles: Sequence[Trouble] = ()) -> str:
    """All pages in one file without any request: style, script and images inside."""
    style, script = _asset("page.css"), _asset("page.js")
    own = " ".join(_digest(text) for text in (style, script))
    return _template().render(
        tabs=[(page.tab, f"#tab-{page.tab}") for page in pages],
        pages=pages,
        troubles=troubles,
        style=style,
        script=script,
        nonce=None,
        policy=NOTHING_FROM_OUTSIDE.format(images="data:", own=own),
        live=None,
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return (built_in_folder() / "preview" / name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(built_in_folder() / "preview"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")
