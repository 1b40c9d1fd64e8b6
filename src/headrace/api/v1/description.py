"""The description of this API, as OpenAPI 3.1: made from its routes, with what holds for all of them."""

import importlib
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from headrace.model.access import Role

SCHEMAS = "headrace.api.v1.schemas"  # imported when asked for
SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "`headrace token create` makes one."},
    "trigger": {"type": "http", "scheme": "bearer", "description": "The trigger's own token, and no other."},
}


def of(application: FastAPI) -> dict[str, Any]:
    """The whole; it is made once."""
    if not application.openapi_schema:
        application.openapi_schema = _made(application)
    return application.openapi_schema


def name(route: APIRoute) -> str:
    """What a route is called: runs_create."""
    return f"{route.tags[0]}_{route.name.removesuffix('_all')}"


def _made(application: FastAPI) -> dict[str, Any]:
    described = get_openapi(
        title=application.title,
        version=application.version,
        summary=application.summary,
        description=application.description,
        routes=application.routes,
        servers=[{"url": "/v1"}],
    )
    components = described.setdefault("components", {})
    components["securitySchemes"] = SCHEMES
    components["schemas"] |= importlib.import_module(SCHEMAS).described()
    described["security"] = [{"token": []}]
    for route in application.state.described:
        if route.include_in_schema:
            _say_who(described["paths"][route.path_format], route)
    return described


def _say_who(path: dict[str, Any], route: APIRoute) -> None:
    """Which role a caller is to have; nobody is asked for one where the route is open."""
    needed: Role | None = getattr(route.endpoint, "needs", Role.VIEWER)
    for method in route.methods or ():
        if needed:
            path[method.lower()]["x-role"] = needed
        else:
            path[method.lower()].setdefault("security", [])
