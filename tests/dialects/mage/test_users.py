"""Users and roles of the Mage dialect."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.api.conftest import Caller, Served
from tests.dialects.mage.contract import like

from headrace.api.mage.users import shapes
from headrace.model import failures
from headrace.model.access import Grant, Role
from headrace.operations import sessions, tokens, users

PASSWORD = "correct horse"


def made(served: Served, **given: Any) -> dict[str, Any]:
    """A user whom an owner has made."""
    fields = {"username": served.name("user"), "password": PASSWORD, **given}
    answer = served.client().post("/api/users", json={"user": fields}).json()
    assert answer["metadata"] is None, answer
    like(answer["user"], shapes.ShownUser)
    return answer["user"]


def into(served: Served, user: Mapping[str, Any]) -> Caller:
    """That user, logged in."""
    return served.caller(sessions.begin(served.app, users.get(served.app, int(user["id"]))).said)


def error_of(answer: Any) -> tuple[int, str]:
    assert answer.status_code == 200
    error = answer.json()["error"]
    return error["code"], error["type"]


def test_a_user_is_made_listed_looked_at_and_deleted(served: Served) -> None:
    name = served.name("user")
    user = made(served, username=name, email=f"{name}@mill.example", first_name="Ada", role_ids=[3])
    assert (user["username"], user["email"], user["first_name"], user["last_name"]) == (
        *(name, f"{name}@mill.example", "Ada", None),
    )
    assert (user["owner"], user["project_access"], user["roles"], user["roles_display"]) == (False, 4, 2, "Editor")
    assert [role["name"] for role in user["roles_new"]] == ["Editor"]
    assert user["token"] is None

    found = served.client(Role.ADMIN).get("/api/users?_limit=1000").json()
    for each in found["users"]:
        like(each, shapes.ListedUser)
    assert found["metadata"] == {"count": len(found["users"]), "next": False}
    assert {key: user[key] for key in shapes.ListedUser.__annotations__} in found["users"]
    assert PASSWORD not in str(found)

    path = f"/api/users/{user['id']}"
    assert served.client(Role.ADMIN).get(path).json()["user"] == user
    assert served.client().delete(path).json()["user"] == user
    assert error_of(served.client().get(path)) == (404, "record_not_found")


@pytest.mark.parametrize(
    ("given", "role"),
    [
        ({"owner": True}, "Owner"),
        ({"roles": 1}, "Admin"),
        ({"roles": 6}, "Editor"),
        ({"roles_new": [{"id": 4, "name": "Viewer"}]}, "Viewer"),
        ({"roles_new": [4, "2"]}, "Admin"),
        ({"role_ids": []}, None),
        ({}, None),
    ],
)
def test_roles_are_given_in_whichever_way(served: Served, given: dict[str, Any], role: str | None) -> None:
    assert made(served, **given)["roles_display"] == role


def test_a_role_may_be_for_the_pipelines_of_a_tag(served: Served) -> None:
    user = made(served, roles_new=[{"id": 4}, {"id": 3, "tag": "finance"}])
    everywhere, tagged = user["roles_new"]
    assert "tag" not in everywhere
    assert (tagged["name"], tagged["tag"]) == ("Editor", "finance")
    assert (tagged["permissions"][0]["entity"], tagged["permissions"][0]["entity_id"]) == ("tag", "finance")
    kept = users.get(served.app, user["id"]).grants
    assert kept == (Grant(Role.VIEWER), Grant(Role.EDITOR, "finance"))


def test_users_look_at_and_change_themselves_alone(served: Served) -> None:
    user, other = made(served, role_ids=[4]), made(served, role_ids=[4])
    caller, path = into(served, user), f"/api/users/{user['id']}"
    assert caller.get(path).json()["user"]["id"] == user["id"]
    assert caller.put(path, json={"user": {"last_name": "King"}}).json()["user"]["last_name"] == "King"
    for answer in (
        caller.get(f"/api/users/{other['id']}"),
        caller.put(f"/api/users/{other['id']}", json={"user": {"last_name": "King"}}),
        caller.get("/api/users"),
        caller.put(path, json={"user": {"roles_new": [{"id": 1}]}}),
        caller.put(path, json={"user": {"owner": True}}),
        caller.put(path, json={"user": {"id": 1}}),
        caller.post("/api/users", json={"user": {"username": "eve", "password": PASSWORD}}),
        caller.delete(path),
    ):
        assert error_of(answer) == (403, "unauthorized_access")
    assert users.get(served.app, user["id"]).grants == (Grant(Role.VIEWER),)


def test_who_has_a_role_is_told_to_administrators_of_everything_alone(served: Served) -> None:
    user = made(served, roles_new=[{"id": 4}, {"id": 2, "tag": "finance"}])
    some = into(served, user).get("/api/roles/4").json()["role"]
    whole = served.client(Role.ADMIN).get("/api/roles/4").json()["role"]
    assert user["username"] in str(whole)
    assert user["username"] not in str(some)


def test_by_which_names_somebody_is_known_is_for_administrators(served: Served) -> None:
    name = served.name("user")
    user = made(served, username=name, email=f"{name}@mill.example", role_ids=[4])
    caller, path = into(served, user), f"/api/users/{user['id']}"
    for given in ({"email": "boss@mill.example"}, {"email": None}, {"username": "boss"}):
        assert error_of(caller.put(path, json={"user": given})) == (403, "unauthorized_access"), given
    same = {"username": name, "email": f"{name}@mill.example", "last_name": "King"}
    assert caller.put(path, json={"user": same}).json()["user"]["last_name"] == "King"
    changed = served.client(Role.ADMIN).put(path, json={"user": {"email": f"new-{name}@mill.example"}}).json()
    assert changed["user"]["email"] == f"new-{name}@mill.example"


def test_a_token_that_may_less_than_its_user_changes_neither_names_nor_roles(served: Served) -> None:
    owner = made(served, owner=True)
    _, said = tokens.create(served.app, "less", Role.ADMIN, user_id=owner["id"])
    changes: list[dict[str, Any]] = [{"email": "eve@mill.example"}, {"role_ids": [4]}, {"role_ids": []}]
    for given in changes:
        answer = served.caller(said).put(f"/api/users/{owner['id']}", json={"user": given})
        assert error_of(answer) == (403, "unauthorized_access"), given
    assert users.get(served.app, owner["id"]).grants == (Grant(Role.OWNER),)


def test_another_password_takes_the_one_that_is(served: Served) -> None:
    user = made(served, role_ids=[4])
    caller, path = into(served, user), f"/api/users/{user['id']}"
    for given in ({}, {"password_current": "wrong"}, {"password_current": PASSWORD, "password_confirmation": "other"}):
        answer = caller.put(path, json={"user": {"password": "battery staple", **given}})
        assert error_of(answer) == (400, "record_invalid")
    right = {"password": "battery staple", "password_confirmation": "battery staple", "password_current": PASSWORD}
    assert "error" not in caller.put(path, json={"user": right}).json()
    assert users.has_password(served.app, user["id"], "battery staple")


def test_nobody_goes_on_guessing_the_password_of_whose_token_they_have(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "MOST", 2)
    user = made(served, role_ids=[4])
    caller, path = into(served, user), f"/api/users/{user['id']}"
    guess = {"user": {"password": "battery staple", "password_current": "wrong"}}
    for _ in range(2):
        assert error_of(caller.put(path, json=guess)) == (400, "record_invalid")
    answer = caller.put(path, json=guess)
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "too_many_requests")
    assert 0 < int(answer.headers["retry-after"]) <= 300
    assert sessions.login(served.app, user["username"], PASSWORD, "here").user.id == user["id"]


@pytest.mark.parametrize("field", ["password", "password_confirmation", "password_current"])
def test_a_password_that_is_no_text_is_not_told_again(served: Served, field: str) -> None:
    user = made(served, role_ids=[4])
    given = {"password": "battery staple", field: ["topsecret"]}
    answer = into(served, user).put(f"/api/users/{user['id']}", json={"user": given})
    assert answer.json()["error"]["message"] == f"{field} is '***'; expected text."
    assert "topsecret" not in answer.text


def test_nobody_changes_who_is_above_them(served: Served) -> None:
    admin, owner, viewer = served.client(Role.ADMIN), made(served, owner=True), made(served, role_ids=[4])
    assert error_of(admin.put(f"/api/users/{owner['id']}", json={"user": {"password": "taken over"}}))[0] == 403
    assert error_of(admin.put(f"/api/users/{viewer['id']}", json={"user": {"owner": True}}))[0] == 403
    assert (
        error_of(admin.post("/api/user_roles", json={"user_role": {"role_id": 1, "user_id": viewer["id"]}}))[0] == 403
    )
    assert error_of(admin.post("/api/user_roles", json={"user_role": {"role_id": 4, "user_id": owner["id"]}}))[0] == 403
    assert error_of(admin.delete(f"/api/user_roles/{owner['id']}"))[0] == 403
    assert users.get(served.app, owner["id"]).owner


def test_a_role_is_given_to_a_user_and_taken_again(served: Served) -> None:
    admin, user = served.client(Role.ADMIN), made(served, roles_new=[{"id": 4, "tag": "finance"}])
    given = admin.post("/api/user_roles", json={"user_role": {"role_id": 3, "user_id": user["id"]}}).json()["user_role"]
    like(given, shapes.Granted)
    assert (given["role_id"], given["user_id"]) == (3, user["id"])
    assert users.get(served.app, user["id"]).everywhere is Role.EDITOR
    assert admin.delete(f"/api/user_roles/{given['id']}").json()["user_role"]["role_id"] == 3
    assert users.get(served.app, user["id"]).grants == (Grant(Role.VIEWER, "finance"),)
    assert error_of(admin.delete(f"/api/user_roles/{given['id']}")) == (404, "record_not_found")


@pytest.mark.parametrize(
    "given",
    [
        {"username": "short", "password": "2short"},
        {"username": "", "password": PASSWORD},
        {"password": PASSWORD},
        {"username": "ada"},
        {"username": "no mail", "password": PASSWORD, "email": "nobody"},
        {"username": "role", "password": PASSWORD, "role_ids": [5]},
        {"username": "role", "password": PASSWORD, "role_ids": 3},
        {"username": "role", "password": PASSWORD, "roles": "admin"},
        {"username": 3, "password": PASSWORD},
        {"username": "role", "password": PASSWORD, "roles_new": [{"id": 3, "tag": 3}]},
    ],
)
def test_what_is_no_user_is_refused(served: Served, given: dict[str, Any]) -> None:
    before = len(users.all_of(served.app))
    answer = served.client().post("/api/users?_http_error_codes=1", json={"user": given})
    assert answer.status_code == 400, answer.text
    assert len(users.all_of(served.app)) == before


def test_there_are_four_roles_with_a_permission_each(served: Served) -> None:
    viewer = served.client(Role.VIEWER)
    found = viewer.get("/api/roles").json()
    for each in found["roles"]:
        like(each, shapes.ListedRole)
    assert [(each["id"], each["name"], each["permissions"][0]["access"]) for each in found["roles"]] == [
        *((1, "Owner", 1), (2, "Admin", 2), (3, "Editor", 4), (4, "Viewer", 8)),
    ]
    assert found["metadata"] == {"count": 4, "next": False}
    assert viewer.get("/api/roles?_limit=1").json()["metadata"] == {"count": 4, "next": True}
    permissions = viewer.get("/api/permissions").json()["permissions"]
    assert permissions == [each["permissions"][0] for each in found["roles"]]
    assert viewer.get("/api/permissions/2").json()["permission"] == permissions[1]
    assert viewer.get("/api/roles/5").json()["error"]["type"] == "record_not_found"


def test_a_role_tells_administrators_who_has_it(served: Served) -> None:
    user, other = made(served, role_ids=[2]), made(served, role_ids=[4])
    shown = served.client(Role.ADMIN).get("/api/roles/2").json()["role"]
    like(shown, shapes.ShownRole)
    has_it = [each["id"] for each in shown["users"]]
    assert user["id"] in has_it
    assert other["id"] not in has_it
    assert served.client(Role.EDITOR).get("/api/roles/2").json()["role"]["users"] == []


@pytest.mark.parametrize(
    ("method", "path", "noun"),
    [
        ("POST", "/api/roles", "role"),
        ("PUT", "/api/roles/1", "role"),
        ("DELETE", "/api/roles/1", "role"),
        ("POST", "/api/permissions", "permission"),
        ("PUT", "/api/permissions/1", "permission"),
        ("DELETE", "/api/permissions/1", "permission"),
        ("POST", "/api/role_permissions", "role_permission"),
        ("DELETE", "/api/role_permissions/1", "role_permission"),
    ],
)
def test_roles_and_permissions_are_as_they_are(served: Served, method: str, path: str, noun: str) -> None:
    answer = served.client().request(method, path, json={noun: {"name": "miller"}})
    assert error_of(answer) == (400, "record_invalid")


def test_what_tokens_say_is_not_told(served: Served) -> None:
    user = made(served, role_ids=[4])
    session = sessions.begin(served.app, users.get(served.app, user["id"]))
    tokens.create(served.app, "of a program", Role.VIEWER, user_id=user["id"])
    listed = served.caller(session.said).get("/api/oauth_access_tokens")
    assert session.said not in listed.text
    for each in listed.json()["oauth_access_tokens"]:
        like(each, shapes.AccessToken)
        assert (each["user_id"], each["token"]) == (user["id"], shapes.TOKEN_HIDDEN)
    assert listed.json()["metadata"] == {"count": 2, "next": False}
    every = served.client().get("/api/oauth_access_tokens?show_all=1&_limit=1").json()["metadata"]
    assert every["count"] > 2
    refused = served.caller(session.said).get("/api/oauth_access_tokens?show_all=1").json()
    assert refused["metadata"]["count"] == 2
