"""Keyless CI: a job proves who it is with its provider's ID token and gets tokens for an hour, one a repo.

The exchange itself is the client's (`huggingface_hub._oidc`, private): `_client` is the one place that knows it.
"""

from __future__ import annotations

import base64
import functools
import inspect
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from publisher.errors import HubpubError
from publisher.records.artifacts import RepoRef

RESOURCE, ID_TOKEN = "HF_OIDC_RESOURCE", "HF_OIDC_ID_TOKEN"
GITHUB = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
EARLIER_S = 300.0  # so long before its end a token is exchanged anew, so that no request runs into it
TOLD = ("repository", "ref", "environment", "workflow", "project_path", "sub")  # claims, best known first

Result = TypeVar("Result")


class Ask(Protocol):
    """Makes a call: faults in our words, passing ones tried again."""

    def __call__(self, call: Callable[[], Result], /) -> Result:
        """Make it."""


class Held(NamedTuple):
    """A token, and the moment of the monotonic clock from which on another is needed."""

    token: str
    until: float


@dataclass(frozen=True)
class CiJob:
    """This CI job, as a publisher that repos of a Hub trust.

    Attributes:
        endpoint: the Hub that the tokens are for.
        user: a user that trusts this job to read gated repos; None where none was named.
        only: the one resource that tokens are for, whichever repo is asked about; None for one token a repo.
    """

    endpoint: str
    user: str | None = None
    only: str | None = None
    _held: dict[str, Held] = field(default_factory=dict, repr=False, compare=False)

    def token_for(self, ref: RepoRef, ask: Ask) -> str:
        """A token for a repo, good for some minutes at least.

        Raises:
            HubpubError: HP-H02 the job has no ID token, or none for this Hub; HP-H03 the repo does not trust the job.
        """
        resource = self.only or resource_of(ref)
        held = self._held.get(resource)
        if held is None or time.monotonic() >= held.until:
            held = self._held[resource] = self._asked(ask, lambda: self._exchange(resource))
        return held.token

    def who(self, ask: Ask) -> str:
        """Who the ID token says that this job is."""
        return described(claims_of(self._asked(ask, self._id_token)))

    def as_user(self) -> CiJob | None:
        """The same job where it reads what is not ours: with the token of a user's, if one was named."""
        return CiJob(self.endpoint, self.user, self.user) if self.user else None

    def _asked(self, ask: Ask, call: Callable[[], Result]) -> Result:
        try:
            return ask(call)
        except HubpubError as fault:
            fault.data["passing"] = (
                False  # it was tried again here; what waits for the token need not do so, too
            )
            raise

    def _exchange(self, resource: str) -> Held:
        from huggingface_hub.errors import BadRequestError

        id_token = self._id_token()
        began = time.monotonic()
        try:
            answer = _client("exchange_oidc_token")(
                subject_token=id_token, resource=resource, endpoint=self.endpoint
            )
            token, valid_for_s = str(answer["access_token"]), float(answer.get("expires_in", 3600))
        except BadRequestError as refusal:
            raise HubpubError(
                "HP-H03",
                f"no trusted publisher of {resource} accepts this job ({described(claims_of(id_token))})",
                where=settings_page(self.endpoint, resource),
                hint="add the job there; a repo that is not there yet: hubpub release NAME --reserve, with a token",
                resource=resource,
            ) from refusal
        except (TypeError, KeyError, ValueError) as changed:
            raise _client_changed() from changed
        return Held(token, began + valid_for_s - min(EARLIER_S, valid_for_s / 4))

    def _id_token(self) -> str:
        """The job's ID token for this Hub: the one that it was started with, or a new one from GitHub."""
        given = os.environ.get(ID_TOKEN, "").strip()
        if given:
            return self._checked(given)
        if not all(os.environ.get(name) for name in GITHUB):
            raise HubpubError(
                "HP-H02",
                "this job has no ID token to exchange",
                where=self.endpoint,
                hint=f"GitHub: permissions: id-token: write; elsewhere: set {ID_TOKEN}; or use HF_TOKEN",
            )
        from huggingface_hub.errors import HfHubHTTPError

        try:
            return str(_client("get_oidc_token")(provider="github", audience=self.endpoint))
        except HfHubHTTPError as refusal:
            status = refusal.response.status_code
            raise HubpubError(
                "HP-H02",
                f"GitHub gave this job no ID token: {status}",
                where=self.endpoint,
                hint="the job needs permissions: id-token: write",
                passing=status == 429 or status >= 500,
            ) from refusal
        except (TypeError, KeyError, ValueError) as changed:
            raise _client_changed() from changed

    def _checked(self, given: str) -> str:
        """Refuse to send a token to a Hub that it is not meant for: whoever gets it can use it where it is."""
        claims = claims_of(given)
        audience = claims.get("aud")
        if self.endpoint not in (audience if isinstance(audience, list) else [audience]):
            raise HubpubError(
                "HP-H02",
                f"{ID_TOKEN} is meant for {audience or 'nobody that it names'}, and is not sent to this Hub",
                where=self.endpoint,
                hint=f"have it made with the audience {self.endpoint}",
            )
        expires = claims.get("exp")
        if isinstance(expires, int | float) and expires <= time.time():
            raise HubpubError(
                "HP-H02",
                f"{ID_TOKEN} has expired, and only the job's provider can make another",
                where=self.endpoint,
                hint="run the job again: what arrived is kept, and the release goes on",
            )
        return given


def asked_for() -> bool:
    """Whether the job says itself that it is keyless, whatever tokens lie about."""
    return bool(os.environ.get(RESOURCE))


def available() -> bool:
    """Whether this job has, or may have, an ID token."""
    return bool(os.environ.get(ID_TOKEN, "").strip()) or all(os.environ.get(name) for name in GITHUB)


def ci_job(endpoint: str) -> CiJob:
    """This job towards a Hub. HF_OIDC_RESOURCE names the user whose gated repos it may read, if it names a user."""
    named = os.environ.get(RESOURCE, "")
    return CiJob(endpoint, named if named and "/" not in named else None)


def resource_of(ref: RepoRef) -> str:
    """A repo as the token endpoint names it."""
    return f"datasets/{ref.repo_id}" if ref.repo_type == "dataset" else ref.repo_id


def settings_page(endpoint: str, resource: str) -> str:
    """Where a repo's trusted publishers, or a user's, are configured."""
    return f"{endpoint}/{resource}/settings" if "/" in resource else f"{endpoint}/settings/authentication"


def claims_of(id_token: str) -> Mapping[str, Any]:
    """What an ID token says, unproven: for messages, and to see whom it is meant for. Nothing where it is none."""
    try:
        middle = id_token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError):
        return {}
    return said if isinstance(said, Mapping) else {}


def described(claims: Mapping[str, Any]) -> str:
    """The claims that a person configures a publisher by, in one line."""
    return (
        ", ".join(f"{name} {claims[name]}" for name in TOLD if claims.get(name))
        or "which says nothing of itself"
    )


def one_token_a_repo(hub: type[Result]) -> type[Result]:
    """Have each method that is about a repo run on `self._about_repo(ref)`, which holds that repo's token.

    Of the class and not of each method, so that none that is added can be forgotten.
    """
    for name, method in list(vars(hub).items()):
        if not name.startswith("_") and inspect.isfunction(method) and _is_about_a_repo(method):
            setattr(hub, name, _on_its_own(method))
    return hub


def _is_about_a_repo(method: Callable[..., Any]) -> bool:
    first = list(inspect.signature(method).parameters.values())[1:2]
    return [parameter.annotation for parameter in first] == ["RepoRef"]


def _on_its_own(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, ref: RepoRef, *args: Any, **kwargs: Any) -> Any:
        return method(self._about_repo(ref), ref, *args, **kwargs)

    return call


def _client(name: str) -> Callable[..., Any]:
    try:
        from huggingface_hub import _oidc

        return getattr(_oidc, name)  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as changed:
        raise _client_changed() from changed


def _client_changed() -> HubpubError:
    from importlib import metadata

    version = metadata.version("huggingface_hub")
    return HubpubError(
        "HP-H02",
        f"huggingface_hub {version} exchanges ID tokens in another way than hubpub knows",
        hint='pip install "huggingface_hub==2.4.0", or use HF_TOKEN',
    )
