"""The entrance: by what Mage's clients show who they are.

A *client key*, which Mage's own are all built with and which is no secret, and a *token*: in the header OAUTH-TOKEN or
Authorization, or wrapped in the JWT that `POST /api/sessions` gives, which browsers keep in a cookie. Whoever shows a
token that lets them in need show no key.
"""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import jwt
from anyio import to_thread
from starlette.requests import Request

from headrace import errors, vault
from headrace.api import gate
from headrace.app import App
from headrace.model.access import Role

KEY = "zkWlN0PkIKSN0C11CfUHUj84OT5XOJ6tDZ6bDRO2"  # public: every installation of Mage has it
COOKIE = "oauth_token"
ALGORITHM = "HS256"
DOWNLOADS = "/downloads"  # what Mage's pages open as a link, with the token in it
FILE = "jwt"  # in the home: what session tokens are signed with


def shown(request: Request) -> tuple[str, bool]:
    """The token that is shown, out of its JWT if it lies in one, and whether a browser shows it by itself.

    NotAuthenticated where there is none, or its JWT is not of this home.
    """
    said, by_cookie = _shown(request)
    return (unwrapped(request.app.state.home, said) if said.count(".") == 2 else said), by_cookie


def _shown(request: Request) -> tuple[str, bool]:
    if said := request.headers.get("oauth-token", "").strip():
        return said, False
    if said := _bearer(request.headers.get("authorization", "")):
        return said, False
    for name in (COOKIE, gate.COOKIE):
        if said := request.cookies.get(name):
            return said, True
    if request.url.path.endswith(DOWNLOADS) and (said := request.query_params.get("token")):
        return said, False
    raise errors.NotAuthenticated(why="show a token in the header `Authorization: Bearer TOKEN`")


def _bearer(header: str) -> str | None:
    """The first token of a list with commas, where other schemes may stand as well."""
    parts = (part.strip().partition(" ") for part in header.split(","))
    return next((said.strip() for scheme, _, said in parts if scheme.lower() == "bearer" and said.strip()), None)


def has_key(request: Request, body: Any = None) -> bool:
    """Whether the client's key is shown: in the header X-API-KEY, in the query, or within the body."""
    within = cast("Mapping[str, Any]", body).get("api_key") if isinstance(body, Mapping) else None
    given = (request.headers.get("x-api-key"), request.query_params.get("api_key"), within)
    return KEY in given


async def fault(request: Request) -> str | None:
    """Why who calls is not let in, in a word of Mage's; None for who shows the client's key and nothing else."""
    try:
        said, _ = shown(request)
    except errors.NotAuthenticated:
        if _shows_something(request):
            return "invalid_oauth_token"
        return None if has_key(request, await _body(request)) else "invalid_api_key"
    home: App = request.app.state.home
    known = await to_thread.run_sync(home.store.tokens.of, vault.digest(said))
    return "expired_oauth_token" if known else "invalid_oauth_token"


async def enter(request: Request) -> None:
    """Whoever may look at something is let in. NotAuthenticated, NotAllowed."""
    await gate.enter(request, Role.VIEWER)


def wrapped(home: App, said: str, expires: float) -> str:
    """The JWT of a token that is good until then, in seconds since 1970."""
    return jwt.encode({"expires": expires, "token": said}, _secret(home), ALGORITHM)


def unwrapped(home: App, token: str) -> str:
    """The token within a JWT of this home. NotAuthenticated."""
    try:
        said = jwt.decode(token, _secret(home), [ALGORITHM])["token"]
    except (jwt.InvalidTokenError, KeyError):
        said = None
    if not isinstance(said, str):
        raise errors.NotAuthenticated(why="the token is not one that lets anybody in")
    return said


def _shows_something(request: Request) -> bool:
    try:
        _shown(request)
    except errors.NotAuthenticated:
        return "authorization" in request.headers
    return True


async def _body(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError, errors.TooLarge):
        return None


def _secret(home: App) -> str:
    """What JWT_SECRET says, as Mage has it, else the home's own, readable by its owner alone."""
    return os.environ.get("JWT_SECRET") or _own_secret(home.settings.home / FILE)


def _own_secret(file: Path) -> str:
    """Written whole or not at all: of several that make it at once, one is first, and all use that."""
    try:
        return file.read_text("ascii")
    except FileNotFoundError:
        made = file.with_name(f"{FILE}.{secrets.token_hex(8)}")
        made.touch(0o600)
        made.write_text(secrets.token_urlsafe(32), "ascii")
        try:
            os.link(made, file)
        except FileExistsError:
            pass
        finally:
            made.unlink()
        return file.read_text("ascii")
