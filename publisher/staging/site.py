"""A repo's page for people. What it looks like is not this Hub's business: whoever starts it brings the rendering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from starlette.responses import HTMLResponse, Response

from publisher.staging.call import Call

# Nothing from outside, and no script but the page's own, which it names by digest in a policy of its own.
POLICY = "frame-ancestors 'none'"


@dataclass(frozen=True)
class Wanted:
    """Whose page is asked for: `token` is the reader's, None for a stranger."""

    url: str
    kind: Literal["model", "dataset"]
    repo_id: str
    token: str | None


Pages = Callable[[Wanted], str]  # → the page's HTML


def page(pages: Pages) -> Callable[[Call], Response]:
    """The handler that shows a repo's page to whoever may read its files."""

    def shown(call: Call) -> Response:
        repo = call.open_repo()
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        known = token.strip() if scheme.lower() == "bearer" and call.user is not None else None
        kind: Literal["model", "dataset"] = "dataset" if repo.kind == "dataset" else "model"
        html = pages(Wanted(call.base, kind, repo.id, known))
        return HTMLResponse(
            html, headers={"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
        )

    return shown
