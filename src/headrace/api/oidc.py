"""Logging in by a provider of identities (OpenID Connect): the authorization code flow, with state, nonce and PKCE.

A browser is sent to the provider, and comes back with a code, which is exchanged for a signed word of who it is. What
was sent is kept in memory until then; the browser must be the one that was sent, which a cookie tells.
"""

import html
import importlib
import importlib.util
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import jwt
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headrace import clock, errors
from headrace.api import auditing, gate, hosts, pages
from headrace.app import App
from headrace.model.access import TokenKind
from headrace.operations import identities, sessions

COOKIE = "headrace-login"
GOOD_FOR = 600.0  # seconds from leaving for the provider to coming back
MOST = 10_000  # browsers that are away
PATIENCE = 10.0  # seconds that the provider may take for an answer
LEEWAY = 60  # seconds by which its clock may differ
SIGNED = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


@dataclass(frozen=True, slots=True)
class Away:
    """A browser that was sent to the provider."""

    nonce: str
    verifier: str
    back: str  # where the provider sends it
    until: float


class Oidc:
    """The provider that the settings name."""

    def __init__(self, app: App) -> None:
        """OidcMissing without what it takes; BadSetting."""
        if importlib.util.find_spec("authlib") is None:
            raise errors.OidcMissing
        self._app = app
        self._issuer = (app.settings.oidc_issuer or "").rstrip("/")
        self._away: OrderedDict[str, Away] = OrderedDict()
        _refuse_wrong(app, self._issuer)

    @property
    def routes(self) -> list[Route]:
        return [Route("/login/oidc", self.leave), Route("/login/oidc/callback", self.come)]

    async def leave(self, request: Request) -> Response:
        """Sends a browser to the provider."""
        try:
            async with self._client() as client:
                there = await self._described(client)
        except errors.OidcRefused as error:
            return _refused(error)
        state, away = secrets.token_urlsafe(32), self._send(request)
        asked: dict[str, str] = {
            "nonce": away.nonce,
            "code_challenge": _authlib("oauth2.rfc7636").create_s256_code_challenge(away.verifier),
        }
        asked |= {"code_challenge_method": "S256", "state": state, "redirect_uri": away.back}
        scope = "openid email profile"
        client_id = self._app.settings.oidc_client_id
        self._remember(state, away)
        asking = _authlib("oauth2.rfc6749.parameters")
        url = asking.prepare_grant_uri(there["authorization_endpoint"], client_id, "code", scope=scope, **asked)
        answer = RedirectResponse(url, 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, state, max_age=int(GOOD_FOR), httponly=True, samesite="lax", secure=secure)
        return answer

    async def come(self, request: Request) -> Response:
        """A browser is back: lets it in as whom the provider says it is."""
        given = request.query_params
        state = given.get("state", "")
        away = self._away.pop(state, None)
        try:
            if not away or clock.monotonic() > away.until or request.cookies.get(COOKIE) != state:
                raise self._refusal("this browser was not sent there, or too long ago")
            if "code" not in given:
                raise self._refusal(given.get("error", "it gave no code"))
            claims = await self._claims(given["code"], away)
            session = await to_thread.run_sync(self._begin, claims)
        except errors.BadInput as error:
            return _refused(error)
        auditing.came_in(self._app, request, session.token)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE)
        gate.give_cookie(request, answer, session.said)
        return answer

    def _begin(self, claims: Mapping[str, Any]) -> sessions.Session:
        return sessions.begin(self._app, identities.known(self._app, self._issuer, claims), TokenKind.BROWSER)

    def _send(self, request: Request) -> Away:
        back = (
            self._app.settings.oidc_redirect or f"{request.url.scheme}://{request.headers['host']}/login/oidc/callback"
        )
        return Away(secrets.token_urlsafe(32), secrets.token_urlsafe(48), back, clock.monotonic() + GOOD_FOR)

    def _remember(self, state: str, away: Away) -> None:
        self._away[state] = away
        while len(self._away) > MOST:
            self._away.popitem(last=False)

    async def _claims(self, code: str, away: Away) -> Mapping[str, Any]:
        """What the provider says of who has brought the code, once it is verified. OidcRefused."""
        async with self._client() as client:
            there = await self._described(client)
            told = await self._exchanged(client, there, code, away)
            keys = await self._asked(client, "GET", there["jwks_uri"])
            claims = self._verified(str(told.get("id_token", "")), keys, away.nonce)
            return {**await self._more(client, there, told, claims), **claims}

    async def _exchanged(
        self, client: httpx.AsyncClient, there: Mapping[str, Any], code: str, away: Away
    ) -> Mapping[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": away.back}
        form |= {"code_verifier": away.verifier, "client_id": self._app.settings.oidc_client_id}
        secret = self._app.settings.oidc_client_secret
        ways = there.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret and "client_secret_basic" in ways:
            auth = httpx.BasicAuth(self._app.settings.oidc_client_id, secret)
            return await self._asked(client, "POST", there["token_endpoint"], data=form, auth=auth)
        form |= {"client_secret": secret} if secret else {}
        return await self._asked(client, "POST", there["token_endpoint"], data=form)

    def _verified(self, said: str, keys: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """The claims of the signed word, of this provider, for this server, for this browser, and of now."""
        own = self._app.settings.oidc_client_id
        try:
            header = jwt.get_unverified_header(said)
            known = jwt.PyJWKSet.from_dict(dict(keys)).keys
            key = next(each for each in known if header.get("kid") in (None, each.key_id))
            needed: Any = {"require": ["iss", "sub", "aud", "exp", "iat"]}
            claims = jwt.decode(said, key, list(SIGNED), needed, audience=own, issuer=self._issuer, leeway=LEEWAY)
            word = _authlib("oidc.core").CodeIDToken(claims, header, params={"nonce": nonce, "client_id": own})
            word.validate(leeway=LEEWAY)
        except StopIteration:
            raise self._refusal("the key of its signature is not among those it publishes") from None
        except Exception as error:  # two libraries, each with errors of its own; none of them has the token in it
            raise self._refusal(f"its word is not to be trusted ({type(error).__name__})") from error
        return claims

    async def _more(
        self, client: httpx.AsyncClient, there: Mapping[str, Any], told: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """What it tells beside, of the same person."""
        place, token = there.get("userinfo_endpoint"), told.get("access_token")
        if not place or not token:
            return {}
        found = await self._asked(client, "GET", place, headers={"Authorization": f"Bearer {token}"})
        return found if found.get("sub") == claims["sub"] else {}

    async def _described(self, client: httpx.AsyncClient) -> Mapping[str, Any]:
        """How the provider says it is asked."""
        found = await self._asked(client, "GET", f"{self._issuer}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != self._issuer:
            raise self._refusal("it calls itself by another name")
        if missing := [each for each in _NEEDED if not isinstance(found.get(each), str)]:
            raise self._refusal(f"it does not say its {', '.join(missing)}")
        return found

    async def _asked(self, client: httpx.AsyncClient, method: str, url: str, **given: Any) -> Mapping[str, Any]:
        """The JSON object that it answers; what was sent, or is in the answer, is in no error."""
        try:
            answer = await client.request(method, url, **given)
            found: Any = answer.json() if answer.is_success else None
        except (httpx.HTTPError, ValueError) as error:
            raise self._refusal(f"it does not answer as it should ({type(error).__name__})") from None
        if not isinstance(found, dict):
            raise self._refusal(f"it answers {answer.status_code}")
        return cast("dict[str, Any]", found)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False)

    def _refusal(self, why: str) -> errors.OidcRefused:
        return errors.OidcRefused(issuer=self._issuer, why=why)


_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def _authlib(room: str) -> Any:
    """An extra, which takes long to import, and few need it."""
    return importlib.import_module(f"authlib.{room}")


def _refuse_wrong(app: App, issuer: str) -> None:
    """What can be known to be wrong before anybody logs in. BadSetting."""
    place = urlsplit(issuer)
    if place.scheme != "https" and not (place.scheme == "http" and hosts.is_loopback(place.hostname or "")):
        raise errors.BadSetting(name="oidc_issuer", source="settings", given=issuer, expected="an https URL")
    if not app.settings.oidc_client_id:
        expected = "the id that the provider knows this server by"
        raise errors.BadSetting(name="oidc_client_id", source="settings", given=None, expected=expected)
    for value, said in app.settings.oidc_roles.items():
        identities.read(value, said)


def _refused(error: errors.HeadraceError) -> Response:
    return pages.page(html.escape(str(error)), 403)
