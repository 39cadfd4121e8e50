"""The token endpoint: a CI job's ID token for a token of this Hub (RFC 8693), for one repo, for an hour."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from publisher.staging.call import Call
from publisher.staging.oidc import grant
from publisher.staging.responses import RefusalError

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 # the name of a kind of token
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105


def token(call: Call) -> Response:
    """POST /oauth/token.

    Raises:
        RefusalError: 400, `invalid_request` or `invalid_grant`. Which of the publisher's conditions was missed is
            not said, as the real Hub does not say it: whoever guesses should not be helped.
    """
    asked = call.json()
    if asked.get("grant_type") != GRANT_TYPE or asked.get("subject_token_type") != ID_TOKEN:
        raise _refused("invalid_request", "This Hub exchanges ID tokens only")
    id_token, resource = asked.get("subject_token"), asked.get("resource")
    if not isinstance(id_token, str) or not isinstance(resource, str):
        raise _refused("invalid_request", "subject_token and resource are needed")
    for publisher in call.state.publishers if _exists(call, resource) else ():
        if publisher.resource == resource and publisher.trusts(id_token, audience=call.base):
            granted = grant(publisher, call.state.signing_key)
            return JSONResponse(
                {
                    "access_token": granted.access_token,
                    "token_type": "bearer",
                    "expires_in": granted.valid_for_s,
                    "issued_token_type": ACCESS_TOKEN,
                },
                headers={"Cache-Control": "no-store"},
            )
    raise _refused("invalid_grant", f"No trusted publisher of {resource} accepts this token")


def _exists(call: Call, resource: str) -> bool:
    owner, separator, name = resource.removeprefix("datasets/").partition("/")
    if not separator:
        return owner in call.state.accounts.namespaces()
    kind = "dataset" if resource.startswith("datasets/") else "model"
    return call.state.repos.find(kind, owner, name) is not None


def _refused(error: str, description: str) -> RefusalError:
    return RefusalError(400, description, error=error, error_description=description)
