"""The table of contents: every address that this Hub answers, and how a request reaches its handler."""

from __future__ import annotations

import sqlite3
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from publisher.staging import (
    access,
    branches,
    browse,
    cards,
    catalogue,
    clone,
    collection,
    comments,
    commits,
    copies,
    discussions,
    exchange,
    lfs,
    ownership,
    parts,
    people,
    resolve,
    stored,
    tensors,
    xet,
    xet_reading,
)
from publisher.staging.auth import User
from publisher.staging.bodies import check_length, drain, in_memory, to_disk
from publisher.staging.call import Call
from publisher.staging.durable import AsideFile, is_no_room
from publisher.staging.envelope import no_such_address, numbered, refused
from publisher.staging.oidc import holder_of
from publisher.staging.responses import INVALID_TOKEN, RefusalError, unauthorized
from publisher.staging.site import Pages, page
from publisher.staging.state import State

Handler = Callable[[Call], Response]


class Streamed(NamedTuple):
    """A handler whose body goes to disk while it comes in."""

    admit: Callable[[Call], int]  # may it come at all, and how many bytes
    take: Callable[[Call, AsideFile], Response]


# Below /api/models/{owner}/{name} and /api/datasets/{owner}/{name}.
REPO_ROUTES: tuple[tuple[str, str, Handler | Streamed], ...] = (
    # looking
    ("GET", "", browse.info),
    ("GET", "/revision/{revision}", browse.info),
    ("GET", "/tree/{revision}", browse.tree),
    ("GET", "/tree/{revision}/{path:path}", browse.tree),
    ("POST", "/paths-info/{revision}", browse.paths_info),
    ("GET", "/refs", browse.refs),
    ("GET", "/safetensors-metadata/{path:path}", tensors.metadata),
    ("GET", "/commits/{revision}", browse.commits),
    # changing files
    ("POST", "/preupload/{revision}", commits.preupload),
    ("POST", "/commit/{revision}", Streamed(commits.admit, commits.commit)),
    ("POST", "/lfs-files/duplicate", lfs.duplicate),
    ("GET", "/lfs-files", stored.listed),
    ("POST", "/lfs-files/batch", stored.delete),
    ("POST", "/duplicate", copies.duplicate),
    ("GET", "/xet-write-token/{revision}", xet.write_token),
    ("GET", "/xet-read-token/{revision}", xet_reading.read_token),
    # branches and tags
    ("POST", "/branch/{branch}", branches.create_branch),
    ("DELETE", "/branch/{branch}", branches.delete_branch),
    ("POST", "/tag/{revision}", branches.create_tag),
    ("DELETE", "/tag/{revision}", branches.delete_tag),
    ("POST", "/super-squash/{branch}", branches.super_squash),
    # discussions and pull requests
    ("GET", "/discussions", discussions.listed),
    ("POST", "/discussions", discussions.create),
    ("GET", "/discussions/{num}", discussions.details),
    ("POST", "/discussions/{num}/comment", discussions.comment),
    ("POST", "/discussions/{num}/comment/{comment}/edit", comments.edit),
    ("POST", "/discussions/{num}/comment/{comment}/hide", comments.hide),
    ("POST", "/discussions/{num}/title", discussions.retitle),
    ("POST", "/discussions/{num}/status", discussions.change_status),
    ("POST", "/discussions/{num}/merge", discussions.merge),
    # rights
    ("PUT", "/settings", ownership.settings),
    ("GET", "/auth-check", ownership.auth_check),
    ("GET", "/auth-check/write", ownership.auth_check_write),
    ("POST", "/user-access-request/handle", access.handle),
    ("POST", "/user-access-request/grant", access.grant),
    ("GET", "/user-access-request/{status}", access.listed),
)

# Below /{owner}/{name} and /datasets/{owner}/{name}.
FILE_ROUTES: tuple[tuple[str, str, Handler | Streamed], ...] = (
    ("GET", "/resolve/{revision}/{path:path}", resolve.resolve),
    ("GET", "/raw/{revision}/{path:path}", resolve.raw),
    ("POST", "/ask-access", access.ask),
    ("POST", ".git/info/lfs/objects/batch", lfs.batch),
    ("POST", ".git/info/lfs/verify", lfs.verify),
    ("GET", ".git/info/lfs/objects/{oid}", resolve.large_file),
    *(
        route
        for suffix in (".git", "")
        for route in (
            ("GET", f"{suffix}/info/refs", clone.advertise),
            ("POST", f"{suffix}/git-upload-pack", clone.upload_pack),
        )
    ),
)

# Below nothing.
HUB_ROUTES: tuple[tuple[str, str, Handler | Streamed], ...] = (
    ("GET", "/api/whoami-v2", ownership.whoami),
    ("POST", "/oauth/token", exchange.token),
    ("POST", "/api/repos/create", ownership.create),
    ("DELETE", "/api/repos/delete", ownership.delete),
    ("POST", "/api/repos/move", ownership.move),
    ("GET", "/api/settings/repositories", catalogue.stored),
    ("GET", "/api/organizations/{owner}/settings/repositories", catalogue.stored),
    ("GET", "/api/users/{owner}/overview", people.user),
    ("GET", "/api/users/{owner}/followers", people.nobody),
    ("GET", "/api/users/{owner}/following", people.nobody),
    ("GET", "/api/organizations/{owner}/overview", people.organisation),
    ("GET", "/api/organizations/{owner}/members", people.members),
    ("GET", "/api/organizations/{owner}/followers", people.nobody),
    ("POST", "/api/validate-yaml", cards.validate_yaml),
    ("GET", "/api/collections", collection.listed),
    ("POST", "/api/collections", collection.create),
    ("GET", "/api/collections/{owner}/{slug}", collection.shown),
    ("PATCH", "/api/collections/{owner}/{slug}", collection.update),
    ("DELETE", "/api/collections/{owner}/{slug}", collection.delete),
    ("POST", "/api/collections/{owner}/{slug}/items", collection.add_item),
    ("PATCH", "/api/collections/{owner}/{slug}/items/{item}", collection.update_item),
    ("DELETE", "/api/collections/{owner}/{slug}/items/{item}", collection.delete_item),
    ("PUT", "/lfs/{number}/{oid}", Streamed(lfs.admit, lfs.keep)),
    ("PUT", "/lfs/{number}/{oid}/parts/{part}", Streamed(parts.admit, parts.keep)),
    ("POST", "/lfs/{number}/{oid}/parts", parts.complete),
    ("GET", "/xet/{number}/{expires}/{signature}/v1/reconstructions/{oid}", xet_reading.reconstruction),
    ("GET", "/xet/{number}/{oid}", xet_reading.chunks),
)


def build_app(
    state: State, *, instance: str = "", inner: Sequence[Middleware] = (), pages: Pages | None = None
) -> ASGIApp:
    """Make the application.

    `instance` is what GET /api/instance answers: by it this server is told from another on the same port later.
    `inner` middleware stands before every handler: the place for injected faults. It knows the endpoint by
    `scope["endpoint"].__name__`, one of `endpoints()`. `pages` renders a repo's page for people; without it there
    are none.
    """
    routes = []
    for kind, web_prefix in (("dataset", "/datasets"), ("model", "")):
        # Datasets first: /datasets/... would also do as a model of an owner named datasets.
        api, files = f"/api/{kind}s", f"{web_prefix}/{{owner}}/{{name}}"
        below = (
            ("GET", api, catalogue.listed),
            *((method, f"{api}/{{owner}}/{{name}}{path}", handler) for method, path, handler in REPO_ROUTES),
            *((method, files + path, handler) for method, path, handler in FILE_ROUTES),
            *([("GET", files, page(pages))] if pages else []),
        )
        routes += [_route(state, method, path, handler, kind, inner) for method, path, handler in below]
    hub = [_route(state, method, path, handler, "", inner) for method, path, handler in HUB_ROUTES]
    # A page elsewhere must not reach this Hub through a name that it points at 127.0.0.1.
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False)
    alive = _route(state, "GET", "/api/instance", lambda _: Response(instance), "", ())
    app = Starlette(
        routes=[alive, *hub, *routes],
        middleware=[trusted],
        exception_handlers={404: no_such_address, 405: no_such_address},
    )
    return numbered(_route_on_sent_path(app))


def endpoints() -> set[str]:
    """The names of all endpoints, as a faults file uses them: `commits.commit`, `lfs.batch`, ..."""
    handlers = [handler for _, _, handler in (*REPO_ROUTES, *FILE_ROUTES, *HUB_ROUTES)]
    return {_name(handler) for handler in (catalogue.listed, *handlers)}


def _name(handler: Handler | Streamed) -> str:
    function = handler.take if isinstance(handler, Streamed) else handler
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def _route_on_sent_path(app: ASGIApp) -> ASGIApp:
    """Route on the path as it was sent: a revision may hold slashes, sent as %2F, that separate nothing."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": scope["raw_path"].decode("ascii", "replace")}
        await app(scope, receive, send)

    return routed


def _route(
    state: State,
    method: str,
    path: str,
    handler: Handler | Streamed,
    kind: str,
    inner: Sequence[Middleware],
) -> Route:
    async def answer(request: Request) -> Response:
        try:
            if isinstance(handler, Streamed):
                return await _stream(state, request, handler, kind)
            body = await in_memory(request)
            return await run_in_threadpool(lambda: handler(_call(state, request, kind, body)))
        except RefusalError as refusal:
            return refused(refusal)
        except (OSError, sqlite3.OperationalError) as error:
            if not is_no_room(error):
                raise
            await drain(request)
            return refused(RefusalError(507, "This Hub's disk is full; nothing of this was kept"))

    answer.__name__ = _name(handler)
    return Route(path, answer, methods=[method], name=f"{method} {path}", middleware=inner)


async def _stream(state: State, request: Request, handler: Streamed, kind: str) -> Response:
    call = _call(state, request, kind, b"")
    try:
        limit = await run_in_threadpool(handler.admit, call)
        check_length(request, limit)
    except RefusalError:
        await drain(request)
        raise
    with AsideFile(state.aside) as aside:
        await to_disk(request, aside, limit)
        return await run_in_threadpool(handler.take, call, aside)


def _call(state: State, request: Request, kind: str, body: bytes) -> Call:
    return Call(
        state=state,
        user=None if _is_proof(request) else _user(state, request.headers.get("authorization", "")),
        method=request.method,
        path=request.scope["path"],
        query_string=request.scope["query_string"].decode("ascii", "replace"),
        base=f"http://{request.headers['host']}",
        kind=kind,
        params={key: unquote(value) for key, value in request.path_params.items()},
        headers=request.headers,
        body=body,
    )


def _is_proof(request: Request) -> bool:
    """Whether the address is enough: Xet clients send a token along that is for Xet and nobody's."""
    return str(request.scope["path"]).startswith("/xet/")


def _user(state: State, authorization: str) -> User | None:
    if not authorization:
        return None
    scheme, _, credentials = authorization.partition(" ")
    token = credentials.strip()
    if scheme.lower() == "basic":  # git, which asks for a name too; any will do
        token = _password(token)
    user = state.accounts.holder_of(token) or holder_of(token, state.signing_key)
    if user is None:
        raise unauthorized(INVALID_TOKEN)
    return user


def _password(basic: str) -> str:
    try:
        return b64decode(basic).decode("utf-8", "replace").partition(":")[2]
    except ValueError as error:
        raise unauthorized(INVALID_TOKEN) from error
