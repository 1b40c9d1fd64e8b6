"""The entrance: clients of TrueState show a token as `Authorization: Bearer`, or a key in the header `Api-key`; here both are tokens."""

from starlette.requests import Request

from headrace.api import gate

NOTHING = frozenset({"", "null", "none", "undefined"})  # what programs show that have no token


def shown(request: Request) -> tuple[str, bool]:
    """The token that is shown, and whether a browser shows it by itself. NotAuthenticated where there is none.

    A key counts unless there is a bearer token beside it.
    """
    key = request.headers.get("api-key", "").strip()
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    if key and (scheme.lower() != "bearer" or said.strip().lower() in NOTHING):
        return key, False
    return gate.shown(request)
