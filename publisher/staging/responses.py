"""What the Hub says when it says no: status, `X-Error-Code`, `X-Error-Message`, and a JSON body.

The client decides by these headers which exception it raises; on a plain-http endpoint it looks at nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

INVALID_TOKEN = "Invalid credentials in Authorization header"  # noqa: S105 # the words the client compares with


class RefusalError(Exception):
    """A request that is answered with an error status.

    Attributes:
        status: HTTP status.
        message: one sentence for the user.
        code: `RepoNotFound`, `RevisionNotFound`, `EntryNotFound`, `GatedRepo`, or None.
        headers: further response headers.
        body: further members of the JSON body.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = dict(headers or {})
        self.body = body

    def all_headers(self) -> dict[str, str]:
        """The headers of the response, the error's own among them."""
        one_line = " ".join(self.message.split()).encode("ascii", "replace").decode()
        one_line = "".join(letter if letter.isprintable() else "?" for letter in one_line)
        headers = {"X-Error-Message": one_line[:500], **self.headers}
        if self.code is not None:
            headers["X-Error-Code"] = self.code
        return headers

    def all_body(self) -> dict[str, Any]:
        """The JSON body of the response."""
        return {"error": self.message, **self.body}


def bad_request(message: str, **body: Any) -> RefusalError:
    """400: the request makes no sense."""
    return RefusalError(400, message, **body)


def unauthorized(message: str = "Please log in: this needs a token") -> RefusalError:
    """401: nobody, or a token that is not known."""
    return RefusalError(401, message)


def forbidden(message: str) -> RefusalError:
    """403: somebody, but not allowed to do this."""
    return RefusalError(403, message)


def conflict(message: str, **body: Any) -> RefusalError:
    """409: it exists already, or something else stands in the way."""
    return RefusalError(409, message, **body)


def repo_not_found(*, signed_in: bool = True) -> RefusalError:
    """404: no such repo, or none that this user may see; the two cannot be told apart. 401 for nobody."""
    if not signed_in:
        return RefusalError(401, "Invalid username or password.", code="RepoNotFound")
    return RefusalError(404, "Repository not found", code="RepoNotFound")


def revision_not_found(revision: str) -> RefusalError:
    """404: no branch, tag or commit of that name."""
    return RefusalError(404, f"Invalid rev id: {revision}", code="RevisionNotFound")


def entry_not_found(message: str, commit: str | None = None) -> RefusalError:
    """404: no such path at that commit."""
    headers = {"X-Repo-Commit": commit} if commit else None
    return RefusalError(404, message, code="EntryNotFound", headers=headers)


def timestamp(moment: datetime | None = None) -> str:
    """A moment as the Hub writes it: UTC, milliseconds; now if none is given."""
    moment = datetime.now(UTC) if moment is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
