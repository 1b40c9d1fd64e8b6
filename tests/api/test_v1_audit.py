"""Who did what is told to administrators: each deed once, with how it went, and nothing of what was said with it."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.conftest import WAIT, Served, refused

from headrace.model.access import Role

TOLD = 5.0  # seconds in which a deed is told at the latest


def told(served: Served, count: int, **asked: Any) -> list[dict[str, Any]]:
    """That many entries, the newest first; they are there a moment after the deed."""
    waiting, found = threading.Event(), list[dict[str, Any]]()
    for _ in range(int(TOLD / 0.05)):
        found = served.client().get("/v1/audit", params=asked).json()["audit"]
        if len(found) >= count:
            break
        waiting.wait(0.05)
    assert len(found) == count, found
    return found


def test_a_run_s_deeds_are_told_with_who_did_them(served: Served) -> None:
    token, said = served.token(Role.EDITOR)
    caller = served.caller(said)
    run = caller.post("/v1/runs", json={"pipeline": "grind", "variables": {"day": "a secret"}}, headers=WAIT).json()
    refused(caller.post(f"/v1/runs/{run['id']}/cancel"), 409)
    caller.get(f"/v1/runs/{run['id']}")
    cancel, create = told(served, 2, run_id=run["id"])
    name = served.app.store.tokens.get(token).name
    assert create == {
        "id": create["id"],
        "at": create["at"],
        "who": name,
        "user_id": None,
        "token_id": token,
        "deed": "runs.create",
        "noun": "runs",
        "object": str(run["id"]),
        "run_id": run["id"],
        "project": "mill",
        "outcome": "ok",
        "problem": None,
        "address": create["address"],
        "via": "v1",
        "count": 1,
    }
    assert (cancel["deed"], cancel["outcome"], cancel["problem"]) == ("runs.cancel", "failed", "run_final")
    assert [each["id"] for each in told(served, 1, run_id=run["id"], outcome="ok")] == [create["id"]]
    assert "a secret" not in str([cancel, create])
    assert said not in str([cancel, create])


DEEDS: list[tuple[str, Callable[[Served, str], object], str, str | None]] = [
    (
        "triggers.create",
        lambda served, name: served.client().post("/v1/triggers", json=trigger(name)),
        "triggers",
        None,
    ),
    (
        "secrets.put",
        lambda served, name: served.client().put(f"/v1/secrets/{name}", json={"value": "s"}),
        "secrets",
        "",
    ),
    ("secrets.delete", lambda served, name: served.client().delete(f"/v1/secrets/{name}"), "secrets", ""),
]


def trigger(name: str) -> dict[str, Any]:
    return {"name": name, "type": "api", "pipeline": "grind"}


@pytest.mark.parametrize(("deed", "do", "noun", "named"), DEEDS, ids=[each[0] for each in DEEDS])
def test_what_was_touched_is_told(
    served: Served, deed: str, do: Callable[[Served, str], object], noun: str, named: str | None
) -> None:
    name = served.name("touched")
    do(served, name)
    touched = name if named == "" else str(served.app.store.triggers.list(name=name)[0].trigger.id)
    (one,) = told(served, 1, deed=deed, object=touched)
    assert one["noun"] == noun


def test_what_is_refused_is_told_even_where_it_would_only_have_been_looked_at(served: Served) -> None:
    token, said = served.token(Role.VIEWER)
    refused(served.caller(said).get("/v1/tokens"), 403)
    refused(served.caller(said).post("/v1/events", json={}), 403)
    name = served.app.store.tokens.get(token).name
    post, look = told(served, 2, who=name)
    assert [(each["deed"], each["outcome"], each["problem"]) for each in (look, post)] == [
        ("tokens.list_all", "refused", "not_allowed"),
        ("events.post", "refused", "not_allowed"),
    ]


def test_looking_is_not_told(served: Served) -> None:
    token, said = served.token(Role.VIEWER)
    for path in ("/v1/runs", "/v1/triggers", "/v1/nowhere"):
        served.caller(said).get(path)
    refused(served.caller(said).get("/v1/secrets"), 403)
    (only,) = told(served, 1, who=served.app.store.tokens.get(token).name)
    assert only["noun"] == "secrets"


def test_pages_follow_one_another(served: Served) -> None:
    token, said = served.token(Role.VIEWER)
    for _ in range(5):
        refused(served.caller(said).post("/v1/events", json={}), 403)
    name = served.app.store.tokens.get(token).name
    whole = [each["id"] for each in told(served, 5, who=name)]
    first = served.client().get("/v1/audit", params={"who": name, "limit": 3})
    assert [each["id"] for each in first.json()["audit"]] == whole[:3]
    assert 'rel="next"' in first.headers["link"]
    rest = served.client().get("/v1/audit", params={"who": name, "limit": 3, "cursor": first.json()["next"]}).json()
    assert ([each["id"] for each in rest["audit"]], rest["next"]) == (whole[3:], None)
    refused(served.client().get("/v1/audit", params={"cursor": "x"}), 422)
    refused(served.client().get("/v1/audit", params={"nobody": "x"}), 422)


def test_nobody_but_administrators_reads_it(served: Served) -> None:
    for role in (Role.VIEWER, Role.EDITOR):
        refused(served.client(role).get("/v1/audit"), 403)


def test_what_is_done_while_nobody_is_known_is_counted(alone: Served) -> None:
    for _ in range(3):
        refused(alone.client(None).post("/v1/runs", json={}), 401)
    assert alone.client().get("/v1/audit").json()["audit"] == []
    alone.app.store.auditor.close()
    (only,) = alone.client().get("/v1/audit").json()["audit"]
    assert (only["deed"], only["count"], only["outcome"]) == ("server.enter", 3, "refused")


def test_who_has_shown_nothing_does_not_fill_the_audit(alone: Served) -> None:
    for path in ("/v1/sessions", "/v1/triggers/1/call"):
        for body in (b"{", b'{"a": 1, "a": 1}', b"[]"):
            assert alone.client(None).post(path, content=body).status_code in (400, 422)
    for _ in range(3):
        assert "error" in alone.client(None).post("/api/sessions", content=b"{").json()
    alone.app.store.auditor.close()
    found = alone.client().get("/v1/audit").json()["audit"]
    assert {each["deed"] for each in found} == {"server.enter"}
    assert {(each["via"], each["problem"]): each["count"] for each in found} == {
        ("v1", "bad_body"): 4,
        ("v1", "request_validation_error"): 2,
        ("mage", "bad_body"): 3,
    }
