"""The description of this API, as OpenAPI 3.1: made from its routes, with what holds for all of them."""

import importlib

from fastapi import FastAPI
from fastapi.routing import APIRoute

from headrace.api import applications
from headrace.api.applications import Document

SCHEMAS = "headrace.api.v1.schemas"  # imported when asked for
SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "`headrace token create` makes one."},
    "trigger": {"type": "http", "scheme": "bearer", "description": "The trigger's own token, and no other."},
}


def of(application: FastAPI) -> Document:
    """The whole; it is made once."""
    return applications.described(application, _complete)


def name(route: APIRoute) -> str:
    """What a route is called: runs_create, and runs_list for one that Python has to call `list_all`."""
    return applications.named(route).removesuffix("_all")


def _complete(described: Document) -> None:
    components = described.setdefault("components", {})
    components["securitySchemes"] = SCHEMES
    components["schemas"] |= importlib.import_module(SCHEMAS).described()
    described["security"] = [{"token": []}]
