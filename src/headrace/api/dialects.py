"""What dialects are put together of: an application of its own for each, with the home at hand and the gate before its routes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from headrace import version
from headrace.api.feed import Feed
from headrace.api.gate import Gate, Guarded
from headrace.app import App
from headrace.model.access import Role
from headrace.operations import documents

MEDIA = "application/json"

Shown = Callable[[Request], tuple[str, bool]]


async def _home(request: Request) -> App:
    """As far as the caller reaches."""
    return request.state.home


Home = Annotated[App, Depends(_home)]


def written(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Its JSON; NaN and infinities are null, moments in ISO 8601 and UTC, and what JSON has no form for is text."""
    return Response(_encode(documents.plain(value)), status, dict(headers or {}), MEDIA)


_encode = msgspec.json.Encoder(enc_hook=str).encode


def routes(noun: str) -> APIRouter:
    """Routes about a noun; each is behind the gate."""
    return APIRouter(route_class=Guarded, tags=[noun])


def application(
    app: App, feed: Feed, gate: Gate, routers: Sequence[APIRouter], *, via: str, shown: Shown, **told: Any
) -> FastAPI:
    """The application of a dialect, with these routes.

    `via` is what the audit calls it, `shown` finds the token that a request shows; `told` is of its description: title,
    summary, description, servers, responses.
    """
    made = FastAPI(
        version=version.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_named,
        **told,
    )
    made.state.home, made.state.feed, made.state.gate = app, feed, gate
    made.state.via, made.state.shown = via, shown
    made.state.described = [route for router in routers for route in router.routes]
    for router in routers:
        made.include_router(router)
    return made


def described(made: FastAPI) -> dict[str, Any]:
    """The description of the application, as OpenAPI 3.1, with the role that each route takes; it is made once."""
    if not made.openapi_schema:
        found = get_openapi(
            title=made.title,
            version=made.version,
            summary=made.summary,
            description=made.description,
            routes=made.routes,
            servers=made.servers,
        )
        for route in made.state.described:
            _say_who(found["paths"][route.path_format], route)
        made.openapi_schema = found
    return made.openapi_schema


def _named(route: APIRoute) -> str:
    """What a route is called: runs_create."""
    return f"{route.tags[0]}_{route.name}"


def _say_who(path: dict[str, Any], route: APIRoute) -> None:
    needed: Role | None = getattr(route.endpoint, "needs", Role.VIEWER)
    for method in route.methods or ():
        path[method.lower()]["x-role"] = needed and needed.value
