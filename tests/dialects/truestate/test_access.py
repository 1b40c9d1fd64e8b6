"""Every route of the TrueState dialect × everybody who may come: who is let in is what access.py says."""

from typing import Any

import httpx
import pytest
from tests.api import walking
from tests.api.conftest import Caller, Served
from tests.api.walking import Walk
from tests.dialects.truestate import stories
from tests.dialects.truestate.access import LEAST, VIEWER

from headrace.model.access import Grant, Role

TRUESTATE = Walk("", LEAST)


@pytest.fixture(scope="module")
def everybody(served: Served) -> dict[str, Caller]:
    return walking.everybody(served)


def test_the_table_has_every_route_and_the_description_says_the_same(served: Served) -> None:
    document = served.client(None).get("/pipelines/openapi.json").json()
    told: dict[str, Any] = {
        f"{method.upper()} {path}": operation.get("x-role")
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert told == {route: least and least.value for route, least in LEAST.items()}


@pytest.mark.parametrize("route", LEAST)
def test_who_is_let_in(everybody: dict[str, Caller], route: str) -> None:
    method, path = TRUESTATE.path(route)
    for name, caller in everybody.items():
        for each in (path, path.rstrip("/"), path.replace("/pipelines", "/workflows")):
            assert walking.verdict(TRUESTATE.ask(caller, method, each)) == TRUESTATE.expected(route, name), (each, name)


@pytest.mark.parametrize("route", LEAST)
def test_no_crooked_way_lets_anybody_in(everybody: dict[str, Caller], route: str) -> None:
    method, straight = TRUESTATE.path(route)
    strangers = ("nobody",) if LEAST[route] is VIEWER else ("nobody", "viewer")
    for path in walking.crooked(straight):
        if httpx.URL(path).path in ("", "/"):
            continue  # a client takes `//pipelines` for a host, and asks for its front page
        for name in strangers:
            status = TRUESTATE.ask(everybody[name], method, path)
            assert status in (400, 401, 403, 404, 405), (name, path, status)


@pytest.mark.parametrize("route", LEAST)
def test_another_method_or_header_is_no_way_in(everybody: dict[str, Caller], route: str) -> None:
    method, path = TRUESTATE.path(route)
    for headers in walking.OVERRIDES:
        assert TRUESTATE.ask(everybody["nobody"], method, path, headers) == 401, headers
    for other in ("HEAD", "TRACE", "PROPFIND", "get"):
        assert TRUESTATE.ask(everybody["nobody"], other, path) in (401, 404, 405), other


def test_a_key_lets_in_as_a_bearer_token_does(served: Served) -> None:
    nobody = served.client(None)
    key = {"Api-key": served.said[Role.VIEWER]}
    assert nobody.get("/datasets", headers=key).status_code == 200
    assert nobody.post("/pipelines", headers=key, json={}).status_code == 403
    answer = nobody.get("/datasets", headers={"Api-key": "a guess"})
    assert (answer.status_code, answer.json()) == (401, {"detail": answer.json()["detail"]})
    for nothing in ("", "Bearer", "Bearer null", "Basic b2F0cw==", key["Api-key"]):
        assert nobody.get("/datasets", headers={**key, "Authorization": nothing}).status_code == 200
        assert nobody.get("/datasets", headers={"Authorization": nothing}).status_code == 401
    both = {"Authorization": f"Bearer {served.said[Role.VIEWER]}", "Api-key": "a guess"}
    assert nobody.get("/datasets", headers=both).status_code == 200


def test_a_role_for_a_tag_is_one_for_its_pipelines_alone(served: Served) -> None:
    run = served.run("grind")
    uid = served.app.store.pipelines.get(served.app.store.runs.get(run["id"]).pipeline_id).uid
    own = walking.of_user(served, walking.user(served, Grant(Role.EDITOR, "corn")))
    other = walking.of_user(served, walking.user(served, Grant(Role.EDITOR, "of nothing")))
    assert [each["id"] for each in own.get("/pipelines/").json()] == [uid]
    assert other.get("/pipelines/").json() == []
    assert own.get(f"/pipelines/{uid}/runs/").status_code == 200
    assert other.get(f"/pipelines/{uid}/runs/").status_code == 404
    assert other.get("/datasets/").json() == []
    pipeline = stories.made(served)
    for caller in (own, other):
        assert caller.get(f"/pipelines/{pipeline['id']}").status_code == 404
        assert caller.post("/pipelines", json=stories.body("theirs", stories.stream(served))).status_code == 403


def test_what_is_written_is_audited(served: Served) -> None:
    pipeline = stories.made(served)
    for deed in ("versions", "runs"):
        body = {"jobs": stories.stream(served)} if deed == "versions" else {}
        assert served.client().post(f"/pipelines/{pipeline['id']}/{deed}", json=body).status_code == 200
    found = served.until(lambda: _deeds(served, pipeline["id"]))
    assert {"pipelines.create", "pipelines.revise"} <= found
    assert "runs.create" in _deeds(served)


def _deeds(served: Served, object: str | None = None) -> set[str]:
    entries = served.client().get("/v1/audit", params={"limit": 100}).json()["audit"]
    found = {each["deed"] for each in entries if each["via"] == "truestate" and object in (None, each["object"])}
    return found if object is None or len(found) > 1 else set()
