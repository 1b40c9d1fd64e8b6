"""The entrance: clients of Maestro show an access token in the header `Authorization`, as it is or as `Bearer`."""

from starlette.requests import Request

from headrace.api import gate


def shown(request: Request) -> tuple[str, bool]:
    """The token that is shown, and whether a browser shows it by itself. NotAuthenticated where there is none."""
    said = request.headers.get("authorization", "").strip()
    return (said, False) if said and " " not in said else gate.shown(request)
