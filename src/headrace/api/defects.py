"""Defects: what nobody raised on purpose. Whoever asked is told a number and nothing else, under which the log has the rest."""

import logging

from starlette.requests import Request

from headrace import identity


def noted(request: Request, error: Exception, path: str | None = None) -> str:
    """Writes it to the log; the sentence that is told of it. `path` stands for the request's own where that may hold a token."""
    number = identity.new()
    where = path or request.url.path
    logging.getLogger(__name__).error("%s %s failed (%s)", request.method, where, number, exc_info=error)
    return f"Something in headrace itself went wrong; its log has it as {number}."
