"""Sessions of the Mage dialect: logging in by password, and out."""

import contextlib
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import jwt
import pytest
from tests.api.conftest import Served
from tests.dialects.mage.contract import like

from headrace.api.mage import dates, entrance
from headrace.api.mage.sessions.shapes import Oauth, Session
from headrace.model.access import Grant, Role
from headrace.operations import users
from headrace.settings import Settings

PASSWORD = "correct horse"
KEYED: dict[str, Any] = {"api_key": entrance.KEY}


@pytest.fixture
def name(served: Served) -> str:
    """The username of an editor; the email is `<username>@mill.example`."""
    made = served.name("user")
    users.create(served.app, made, PASSWORD, [Grant(Role.EDITOR)], email=f"{made}@mill.example")
    return made


def test_whoever_logs_in_is_given_a_token_within_a_jwt(served: Served, name: str) -> None:
    nobody = served.client(None)
    for who in ({"username": name}, {"email": f"{name}@mill.example"}):
        answer = nobody.post("/api/sessions", json={"session": {**who, "password": PASSWORD}, **KEYED}).json()
        assert answer["metadata"] is None
        session = answer["session"]
        like(session, Session)
        assert (session["user"]["username"], session["user"]["roles_display"]) == (name, "Editor")
        claims = jwt.decode(session["token"], options={"verify_signature": False})
        assert set(claims) == {"expires", "token"}
        assert dates.read(session["expires"]).timestamp() == pytest.approx(claims["expires"])
        for token in (session["token"], claims["token"]):
            assert "error" not in served.caller(token).get("/api/tags").json()


def test_whoever_logs_out_is_out(served: Served, name: str) -> None:
    given = {"session": {"username": name, "password": PASSWORD}, **KEYED}
    token = served.client(None).post("/api/sessions", json=given).json()["session"]["token"]
    user = users.get(served.app, name)
    answer = served.caller(token).put("/api/sessions/1", json={"session": {}}).json()
    like(answer["session"], Session)
    assert answer["session"]["user"]["id"] == user.id
    (kept,) = served.app.store.tokens.list(user.id)
    assert kept.revoked_at is not None


@pytest.mark.parametrize(
    "credentials", [{"username": "{name}", "password": "wrong"}, {"username": "nobody", "password": PASSWORD}]
)
def test_who_is_wrong_is_told_nothing_more(served: Served, name: str, credentials: dict[str, str]) -> None:
    given = {"session": {key: value.format(name=name) for key, value in credentials.items()}, **KEYED}
    answer = served.client(None).post("/api/sessions", json=given)
    assert answer.status_code == 200
    assert answer.json() == {
        "error": {
            "code": 404,
            "message": "Email/username and/or password invalid.",
            "type": "record_not_found",
        },
        "status": 200,
    }


def test_the_key_of_the_clients_is_needed(served: Served, name: str) -> None:
    given = {"session": {"username": name, "password": PASSWORD}}
    nobody = served.client(None)
    for wrong in ({}, {"api_key": "another"}):
        answer = nobody.post("/api/sessions", json={**given, **wrong})
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_api_key"
    by_header = nobody.post("/api/sessions", json=given, headers={"X-API-KEY": entrance.KEY})
    assert "session" in by_header.json()
    by_query = nobody.post(f"/api/sessions?api_key={entrance.KEY}", json=given)
    assert "session" in by_query.json()


def test_what_lacks_or_is_no_session_is_told(served: Served, name: str) -> None:
    nobody = served.client(None)
    lacking = nobody.post("/api/sessions", json={"session": {"password": PASSWORD}, **KEYED}).json()
    assert lacking["error"]["errors"]["error"] == "username cannot be empty."
    by_provider = {"session": {"provider": "google", "token": "x"}, **KEYED}
    assert nobody.post("/api/sessions", json=by_provider).json()["error"]["code"] == 400
    of_a_program = served.client().put("/api/sessions/1", json={"session": {}}).json()
    assert of_a_program["error"]["code"] == 400
    assert "error" not in served.client().get("/api/tags").json()


def test_a_provider_of_identities_is_told_to_everybody(served: Served) -> None:
    nobody = served.client(None)
    assert nobody.get("/api/oauths").json() == {"oauths": [], "metadata": {}}
    assert nobody.get("/api/oauths/oidc_generic").json()["error"]["code"] == 404
    settings = replace(served.app.settings, oidc_issuer="https://who.example")
    with patched(served, settings):
        (provider,) = nobody.get("/api/oauths").json()["oauths"]
        like(provider, Oauth)
        assert nobody.get("/api/oauths/oidc_generic").json()["oauth"] == provider
        assert provider["url"] == "/login/oidc"
        assert nobody.get("/api/oauths/google").json()["error"]["code"] == 404


@contextlib.contextmanager
def patched(served: Served, settings: Settings) -> Generator[None]:
    """The server is set so for a while."""
    before, served.app.settings = served.app.settings, settings
    try:
        yield
    finally:
        served.app.settings = before
