"""Users and sessions: made, let in, changed, and let in no more."""

from datetime import timedelta
from typing import Any

import pytest
from tests.api.conftest import URL, Caller, Served, refused

from headrace.api import gate
from headrace.model import failures
from headrace.model.access import Grant, Role, TokenKind
from headrace.model.failures import MOST
from headrace.operations import tokens, users

PASSWORD = "correct horse battery"


def made(served: Served, *grants: Grant, **given: Any) -> tuple[int, str]:
    """A user with those roles: the id and the name."""
    name = served.name("user")
    return users.create(served.app, name, PASSWORD, grants, **given).id, name


def entered(served: Served, name: str, password: str = PASSWORD) -> Caller:
    answer = served.client(None).post("/v1/sessions", json={"name": name, "password": password})
    assert answer.status_code == 201, answer.text
    return served.caller(answer.json()["token"])


@pytest.fixture(autouse=True)
def believed_for_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REMEMBERED", -1.0)


@pytest.fixture(autouse=True)
def nothing_failed(served: Served) -> None:
    served.app.failures.__init__()


def test_a_user_is_made_shown_changed_and_deleted(served: Served) -> None:
    owner, name = served.client(), served.name("user")
    roles: list[dict[str, Any]] = [{"role": "viewer", "tag": None}, {"role": "editor", "tag": "finance"}]
    body: dict[str, Any] = {"username": name, "email": f"{name}@mill.example", "password": PASSWORD, "roles": roles}
    answer = owner.post("/v1/users", json=body)
    assert answer.status_code == 201, answer.text
    user = answer.json()
    assert user == {
        "id": user["id"],
        "uid": user["uid"],
        "username": name,
        "email": f"{name}@mill.example",
        "first_name": "",
        "last_name": "",
        "avatar": "",
        "active": True,
        "roles": roles,
        "created_at": user["created_at"],
        "updated_at": user["created_at"],
        "last_login_at": None,
    }
    there = f"/v1/users/{user['id']}"
    assert answer.headers["location"] == there
    assert owner.get(there).json() == user
    assert user in owner.get("/v1/users").json()["users"]
    changed = owner.patch(there, json={"last_name": "Lovelace", "roles": [{"role": "admin"}]}).json()
    assert (changed["last_name"], changed["roles"], changed["email"]) == (
        "Lovelace",
        [{"role": "admin", "tag": None}],
        user["email"],
    )
    assert owner.delete(there).status_code == 204
    refused(owner.get(there), 404)
    refused(owner.delete(there), 404)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"password": "short"}, "password"),
        ({"username": ""}, "username"),
        ({"username": " "}, "username"),
        ({"username": "a\nb"}, "username"),
        ({"username": "a@b.example"}, "username"),
        ({"username": "x" * 256}, "username"),
        ({"email": "nobody"}, "email"),
        ({"roles": [{"role": "king"}]}, "roles.0.role"),
        ({"roles": [{"role": "viewer"}, {"role": "admin"}]}, "roles"),
        ({"roles": [{"role": "viewer", "tag": "x"}, {"role": "admin", "tag": "x"}]}, "roles"),
        ({"roles": [{"role": "viewer", "tag": " "}]}, "roles"),
        ({"owner": True}, "owner"),
    ],
)
def test_what_no_user_can_be(served: Served, given: dict[str, Any], field: str) -> None:
    body: dict[str, Any] = {"username": served.name("user"), "password": PASSWORD, "roles": []} | given
    problem = refused(served.client().post("/v1/users", json=body), 422, field)
    assert PASSWORD not in str(problem)
    assert "short" not in str(problem)


def test_a_name_that_somebody_has_is_taken(served: Served) -> None:
    _, name = made(served, Grant(Role.VIEWER))
    body: dict[str, Any] = {"username": name.upper(), "password": PASSWORD, "roles": []}
    assert refused(served.client().post("/v1/users", json=body), 409)["kind"] == "user_exists"


def test_whoever_logs_in_may_what_their_role_may(served: Served) -> None:
    _, name = made(served, Grant(Role.EDITOR), email=f"{served.name()}@mill.example")
    caller = entered(served, name.upper())
    assert caller.get("/v1/users/me").json()["username"] == name
    assert caller.get("/v1/users/me").json()["last_login_at"] is not None
    assert caller.get("/v1/runs").status_code == 200
    refused(caller.get("/v1/users"), 403)
    assert caller.delete("/v1/sessions/current").status_code == 204
    refused(caller.get("/v1/runs"), 401)


def test_a_token_of_nobody_has_no_user(served: Served) -> None:
    refused(served.client(Role.VIEWER).get("/v1/users/me"), 404)


@pytest.mark.parametrize(
    "changes", [{"active": False}, {"password": "another password"}, {"roles": []}, {"roles": [{"role": "viewer"}]}]
)
def test_a_session_ends_or_may_less_when_its_user_is_changed(served: Served, changes: dict[str, Any]) -> None:
    user, name = made(served, Grant(Role.EDITOR))
    caller = entered(served, name)
    assert caller.post("/v1/triggers/preview", json={"interval": "@daily"}).status_code == 200
    assert served.client().patch(f"/v1/users/{user}", json=changes).status_code == 200
    lowered = changes.get("roles") == [{"role": "viewer"}]
    refused(caller.post("/v1/events", json={}), 403 if lowered else 401)
    assert (caller.get("/v1/runs").status_code == 200) == lowered


def test_a_session_ends_with_its_user(served: Served) -> None:
    user, name = made(served, Grant(Role.OWNER))
    caller = entered(served, name)
    assert caller.get("/v1/tokens").status_code == 200
    users.delete(served.app, user)
    refused(caller.get("/v1/tokens"), 401)


def test_a_user_s_token_may_no_more_than_it_says_and_no_more_than_the_user(served: Served) -> None:
    user, _ = made(served, Grant(Role.EDITOR))
    body = {"name": "ci", "role": "admin", "user_id": user}
    caller = served.caller(served.client().post("/v1/tokens", json=body).json()["token"])
    refused(caller.get("/v1/tokens"), 403)
    assert caller.post("/v1/events", json={}).status_code == 202
    low = served.caller(tokens.create(served.app, "ci", Role.VIEWER, user_id=user)[1])
    refused(low.post("/v1/events", json={}), 403)
    short = served.caller(tokens.create(served.app, "ci", Role.VIEWER, timedelta(microseconds=1), user_id=user)[1])
    refused(short.get("/v1/runs"), 401)


def test_who_may_not_come_in_is_told_nothing(served: Served) -> None:
    _, name = made(served, Grant(Role.OWNER))
    _, gone = made(served, Grant(Role.OWNER), active=False)
    _, bare = made(served)
    without = users.create(served.app, served.name("user"), None, [Grant(Role.OWNER)]).username
    answers = [
        served.client(None).post("/v1/sessions", json={"name": each, "password": password})
        for each, password in ((name, "wrong"), ("nobody", PASSWORD), (gone, PASSWORD), (bare, PASSWORD), (without, ""))
    ]
    assert {refused(answer, 401)["kind"] for answer in answers} == {"login_refused"}
    assert len({answer.text for answer in answers}) == 1


def test_after_too_many_failures_nobody_is_heard_for_a_while(served: Served) -> None:
    _, name = made(served, Grant(Role.VIEWER))
    for _ in range(MOST):
        refused(served.client(None).post("/v1/sessions", json={"name": name, "password": "wrong"}), 401)
    answer = served.client(None).post("/v1/sessions", json={"name": name, "password": PASSWORD})
    assert refused(answer, 429)["kind"] == "too_many_logins"
    assert 0 < int(answer.headers["retry-after"]) <= 300


def test_a_hash_of_former_parameters_is_made_anew(served: Served) -> None:
    from argon2 import PasswordHasher

    user, name = made(served, Grant(Role.VIEWER))
    dated = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    served.app.store.users.rehash(user, served.app.store.users.password(user) or "", dated)
    entered(served, name)
    assert "m=19456,t=4" in (served.app.store.users.password(user) or "")
    entered(served, name)


def test_a_browser_logs_in_and_out_by_a_cookie(served: Served) -> None:
    _, name = made(served, Grant(Role.EDITOR))
    stranger, body = served.client(None), {"name": name, "password": PASSWORD, "cookie": True}
    refused(stranger.post("/v1/sessions", json=body, headers={"Origin": "http://evil.example"}), 403)
    refused(stranger.post("/v1/sessions", json=body), 403)
    answer = stranger.post("/v1/sessions", json=body, headers={"Origin": URL})
    assert answer.json()["token"] is None
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    shown = {"Cookie": cookie.partition(";")[0]}
    served.wire.client.cookies.clear()
    assert stranger.get("/v1/users/me", headers=shown).json()["username"] == name
    refused(stranger.post("/v1/events", json={}, headers=shown), 403)
    assert stranger.post("/v1/events", json={}, headers={**shown, "Origin": URL}).status_code == 202
    kinds = [each.kind for each in served.app.store.tokens.list() if each.name == name]
    assert kinds == [TokenKind.BROWSER]
    assert stranger.delete("/v1/sessions/current", headers={**shown, "Origin": URL}).status_code == 204
    refused(stranger.get("/v1/users/me", headers=shown), 401)
    served.wire.client.cookies.clear()


def test_whoever_knows_the_password_changes_it(served: Served) -> None:
    _, name = made(served, Grant(Role.VIEWER))
    caller = entered(served, name)
    refused(caller.patch("/v1/users/me", json={"password": "another password"}), 422, "current_password")
    both = {"password": "another password", "current_password": PASSWORD}
    refused(caller.patch("/v1/users/me", json=both | {"current_password": "wrong"}), 422, "current_password")
    for field in ("roles", "email", "active", "username"):
        refused(caller.patch("/v1/users/me", json={field: None}), 422, field)
    assert caller.patch("/v1/users/me", json={"first_name": "Ada"}).json()["first_name"] == "Ada"
    assert caller.patch("/v1/users/me", json=both).status_code == 200
    refused(caller.get("/v1/users/me"), 401)
    entered(served, name, "another password")


def test_nobody_goes_on_guessing_the_password_of_whose_token_they_have(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "MOST", 2)
    _, name = made(served, Grant(Role.VIEWER))
    caller = entered(served, name)
    guess = {"password": "another password", "current_password": "wrong"}
    right = guess | {"current_password": PASSWORD}
    assert caller.patch("/v1/users/me", json=right).status_code == 200
    caller = entered(served, name, "another password")
    for _ in range(2):
        refused(caller.patch("/v1/users/me", json=guess), 422, "current_password")
    answer = caller.patch("/v1/users/me", json=right | {"current_password": "another password"})
    assert refused(answer, 429)["kind"] == "too_many_logins"
    assert 0 < int(answer.headers["retry-after"]) <= 300
    entered(served, name, "another password")


def test_who_keeps_tokens_ends_sessions_of_those_who_are_not_above_them(served: Served) -> None:
    admin = served.client(Role.ADMIN)
    for grants, status in (
        ([Grant(Role.VIEWER)], 200),
        ([Grant(Role.EDITOR), Grant(Role.ADMIN, "corn")], 200),
        ([], 200),
        ([Grant(Role.OWNER)], 403),
        ([Grant(Role.OWNER, "corn")], 403),
    ):
        user, _ = made(served, *grants)
        token, said = tokens.create(served.app, "ci", Role.OWNER, user_id=user)
        assert admin.delete(f"/v1/tokens/{token.id}").status_code == status, grants
        assert (tokens.caller(served.app, said) is None) == (status == 200)
    nobody_s, _ = tokens.create(served.app, "ci", Role.OWNER)
    refused(admin.delete(f"/v1/tokens/{nobody_s.id}"), 403)
    owner, _ = made(served, Grant(Role.OWNER))
    less, _ = tokens.create(served.app, "ci", Role.VIEWER, user_id=owner)
    assert admin.delete(f"/v1/tokens/{less.id}").status_code == 200


def test_the_first_owner_is_whom_the_environment_tells_of(alone: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert users.ensure_owner(alone.app) is None, "there is no password that everybody knows"
    monkeypatch.setenv("DEFAULT_OWNER_USERNAME", "boss")
    monkeypatch.setenv("DEFAULT_OWNER_EMAIL", "boss@mill.example")
    assert users.ensure_owner(alone.app) is None
    monkeypatch.setenv("DEFAULT_OWNER_PASSWORD", PASSWORD)
    made = users.ensure_owner(alone.app)
    assert made is not None
    assert (made.username, made.email, made.owner) == ("boss", "boss@mill.example", True)
    assert users.ensure_owner(alone.app) is None, "once"
    entered(alone, "boss@MILL.example")


def test_nothing_of_a_password_is_kept_or_told(served: Served) -> None:
    _, name = made(served, Grant(Role.VIEWER))
    caller = entered(served, name)
    told = (
        caller.get("/v1/users/me").text + served.client().get("/v1/audit").text + served.client().get("/v1/users").text
    )
    assert PASSWORD not in told
    assert "argon2" not in told
    assert (caller.token or "?") not in told
    for file in served.app.settings.home.glob("headrace.db*"):
        assert PASSWORD.encode() not in file.read_bytes()
        assert (caller.token or "?").encode() not in file.read_bytes()


def test_who_comes_in_is_told_and_who_does_not_is_counted(alone: Served) -> None:
    _, name = made(alone, Grant(Role.VIEWER))
    entered(alone, name)
    for _ in range(2):
        refused(alone.client(None).post("/v1/sessions", json={"name": name, "password": "wrong"}), 401)
    alone.app.store.auditor.close()
    told = alone.client().get("/v1/audit", params={"noun": "sessions"}).json()["audit"]
    assert [(each["who"], each["deed"], each["outcome"]) for each in told] == [(name, "sessions.login", "ok")]
    counted = alone.client().get("/v1/audit", params={"deed": "server.enter"}).json()["audit"]
    assert [(each["problem"], each["count"]) for each in counted] == [("login_refused", 2)]


def test_a_name_that_somebody_has_is_refused_by_its_field(served: Served) -> None:
    _, name = made(served, Grant(Role.VIEWER), email=f"{(mail := served.name('mail'))}@mill.example")
    body = {"username": served.name("user"), "password": PASSWORD, "roles": []}
    refused(served.client().post("/v1/users", json={**body, "username": name.upper()}), 409, "username")
    refused(served.client().post("/v1/users", json={**body, "email": f"{mail}@MILL.example"}), 409, "email")
