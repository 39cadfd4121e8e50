"""CARD009 link-broken: the card links to, or shows, a file that is not in the repo, or a heading that it does not have.

Why   a reader meets a 404 or a broken picture.
Fix   upload the file, or correct the path; the Hub resolves relative paths from the repo's root.

Bad
    README.md:
        See [the evaluation](evaluation.md). ←
    config.json:
        {}
Bad
    README.md:
        [Usage](#how-to-use) ←

        ## Usage
    config.json:
        {}
Good
    README.md:
        See [the configuration](./config.json), [usage](#usage), [folder](data) and <https://example.org>.

        ## Usage
    config.json:
        {}
    data/a.txt:
        x
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.files import Files
from publisher.checks.observe.outline import LONGEST
from publisher.checks.observe.readme import README, Readme
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_LINK = re.compile(r"!?\[[^\[\]]{0,200}\]\(\s{0,3}<?([^()\s<>]{1,300})")
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}:|//|/|www\.|mailto:|\{|\$")
_ON_THE_HUB = (
    "resolve/",
    "blob/",
    "tree/",
    "raw/",
    "datasets/",
    "spaces/",
    "papers/",
    "models",
    "discussions",
)
_MARKS = re.compile(r"[^\w\- ]")


@rule(Severity.WARNING)
def link_broken(readme: Readme, files: Files, claims: Claims) -> Iterator[Fault]:
    """Report relative paths without a file; anchors without a heading are a note, for pages may be made otherwise."""
    anchors: set[str] | None = None
    folders = {entry.path[: at + 1] for entry in files for at, mark in enumerate(entry.path) if mark == "/"}
    for line in readme.classified:
        if line.kind != "prose" or "](" not in line.text:
            continue
        for match in _LINK.finditer(line.words[:LONGEST]):
            target = match[1]
            if target.startswith("#"):
                anchors = anchors if anchors is not None else _anchors(claims, readme.text)
                if _slug(unquote(target[1:])) not in anchors and len(target) > 1:
                    yield Fault(
                        f"no heading of this card has the anchor {quote(target)}",
                        README,
                        line.number,
                        match.start() + 1,
                        severity=Severity.NOTE,
                    )
                continue
            path = unquote(re.split(r"[?#]", target, maxsplit=1)[0])
            if _ELSEWHERE.match(target) or not path or path.startswith(("..", *_ON_THE_HUB)):
                continue
            path = path.removeprefix("./").rstrip("/")
            if path not in ("", ".") and path not in files and f"{path}/" not in folders and "." in path:
                yield Fault(
                    f"{quote(path)} is not in the repo",
                    README,
                    line.number,
                    match.start() + 1,
                    hint="upload it, or correct the path",
                )


def _anchors(claims: Claims, text: str) -> set[str]:
    slugs: dict[str, int] = {}
    found = {_slug(name) for name in re.findall(r"(?:id|name)=[\"']([^\"'\s]{1,100})[\"']", text[:1_000_000])}
    for passage in claims.outline.passages:
        if passage.kind == "heading":
            slug = _slug(passage.text)
            count = slugs.get(slug, 0)
            slugs[slug] = count + 1
            found |= {slug, f"{slug}-{count}"} if count else {slug}
    return found


def _slug(title: str) -> str:
    """As GitHub and the Hub make it, without the marks at its ends that emoji leave behind."""
    return _MARKS.sub("", title.lower().strip()).replace(" ", "-").strip("-")
