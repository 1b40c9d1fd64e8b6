"""Applications: what each API is put together of, with the home at hand, the gate before its routes, and a description."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from headrace import version
from headrace.api.feed import Feed
from headrace.api.gate import Gate, Guarded, Shown, shown
from headrace.app import App
from headrace.model.access import Role
from headrace.operations import documents

MEDIA = "application/json"

Document = dict[str, Any]


async def _home(request: Request) -> App:
    """As far as the caller reaches."""
    return request.state.home


Home = Annotated[App, Depends(_home)]


def encoded(value: Any) -> bytes:
    """Its JSON; NaN and infinities are null, moments in ISO 8601 and UTC, and what JSON has no form for is text."""
    return _encode(documents.plain(value))


_encode = msgspec.json.Encoder(enc_hook=str).encode


def written(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that is its JSON."""
    return Response(encoded(value), status, dict(headers or {}), MEDIA)


def routes(noun: str, **given: Any) -> APIRouter:
    """Routes about a noun; each is behind the gate."""
    return APIRouter(route_class=Guarded, tags=[noun], **given)


def named(route: APIRoute) -> str:
    """What a route is called in descriptions: runs_create."""
    return f"{route.tags[0]}_{route.name}"


def application(
    app: App,
    feed: Feed,
    gate: Gate,
    routers: Sequence[APIRouter],
    *,
    via: str,
    shown: Shown = shown,
    named: Callable[[APIRoute], str] = named,
    **told: Any,
) -> FastAPI:
    """The application of an API, with these routes, which are asked in this order whether a request is theirs.

    `via` is what the audit calls it, `shown` finds the token that a request shows; `told` is of its description: title,
    summary, description, servers, responses.
    """
    made = FastAPI(
        version=version.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=named,
        **told,
    )
    made.state.home, made.state.feed, made.state.gate = app, feed, gate
    made.state.via, made.state.shown = via, shown
    made.state.described = [route for router in routers for route in router.routes]
    for router in routers:
        made.include_router(router)
    return made


async def describe(request: Request) -> Response:
    """The answer that is the description."""
    return written(described(request.app))


def described(made: FastAPI, complete: Callable[[Document], None] | None = None) -> Document:
    """The description of the application, as OpenAPI 3.1, with the role that each route takes; it is made once.

    `complete` writes into it what no route says.
    """
    if not made.openapi_schema:
        found = made.openapi()
        for route in made.state.described:
            if route.include_in_schema:
                _say_who(found["paths"][route.path_format], route)
        if complete:
            complete(found)
    return made.openapi()


def _say_who(path: Document, route: APIRoute) -> None:
    """Which role a caller is to have; nobody is asked for one where the route is open."""
    needed: Role | None = getattr(route.endpoint, "needs", Role.VIEWER)
    for method in route.methods or ():
        if needed:
            path[method.lower()]["x-role"] = needed.value
        else:
            path[method.lower()].setdefault("security", [])
