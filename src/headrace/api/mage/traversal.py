"""Traversal: what climbs out of a folder has no place in any address."""

from starlette.requests import Request

from headrace import errors


def refuse(request: Request) -> None:
    """PathTraversal."""
    if _climbs(request.scope["path"]):
        raise errors.PathTraversal(what="path")
    for name, value in request.query_params.multi_items():
        if _climbs(value):
            raise errors.PathTraversal(what=f"parameter value for '{name}'")


def _climbs(text: str) -> bool:
    return "../" in text or "..\\" in text
