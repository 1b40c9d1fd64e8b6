"""Every route of the Mage dialect × everybody who may come: who is let in is what tests/dialects/mage/access.py says."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api import walking
from tests.api.conftest import Caller, Served, serving
from tests.api.walking import Walk
from tests.dialects.mage.access import ADMIN, EDITOR, LEAST, VIEWER

from headrace.model.access import Grant

MAGE = Walk(
    "/api",
    LEAST,
    ids=("run_id", "trigger_id", "backfill_id", "user_id", "block_run_id", "matcher_id", "role_id", "permission_id"),
    own_token=("/{token}", "/api_trigger", "POST /sessions"),  # whoever shows nothing of theirs is nobody
    of_all=("POST /events",),
)
OF_ONESELF = ("GET /users/{user_id}",)  # who is another is a matter for administrators
ENDS = "PUT /sessions/{session_id}"  # what its caller shows


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose answers have their true statuses."""
    with serving(tmp_path_factory.mktemp("true")) as made:
        made.app.settings = dataclasses.replace(made.app.settings, mage_http_error_codes=True)
        yield made


@pytest.fixture(scope="module")
def everybody(served: Served) -> dict[str, Caller]:
    return walking.everybody(served)


def test_the_table_has_every_route_and_the_description_says_the_same(served: Served) -> None:
    document = served.client(None).get("/api/openapi.json").json()
    told: dict[str, Any] = {
        f"{method.upper()} {path}": operation.get("x-role")
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert told == {route: least and least.value for route, least in LEAST.items()}


@pytest.mark.parametrize("route", LEAST)
def test_who_is_let_in(served: Served, everybody: dict[str, Caller], route: str) -> None:
    method, path = MAGE.path(route)
    for name, caller in (walking.everybody(served) if route == ENDS else everybody).items():
        assert walking.verdict(MAGE.ask(caller, method, path)) == expected(route, name), (route, name)


def expected(route: str, name: str) -> str:
    mage = dataclasses.replace(MAGE, least={**LEAST, **dict.fromkeys(OF_ONESELF, ADMIN)})
    return mage.expected(route, name)


@pytest.mark.parametrize("route", [route for route, least in LEAST.items() if least])
def test_no_crooked_way_lets_anybody_in(everybody: dict[str, Caller], route: str) -> None:
    method, straight = MAGE.path(route)
    strangers = ("nobody",) if LEAST[route] is VIEWER else ("nobody", "viewer")
    for path in walking.crooked(straight):
        for name in strangers:
            status = MAGE.ask(everybody[name], method, path)
            assert status in (400, 401, 403, 404, 405), (name, path, status)


@pytest.mark.parametrize("route", [route for route, least in LEAST.items() if least])
def test_another_method_or_header_is_no_way_in(everybody: dict[str, Caller], route: str) -> None:
    method, path = MAGE.path(route)
    for headers in walking.OVERRIDES:
        assert MAGE.ask(everybody["nobody"], method, path, headers) == 401, headers
    for other in ("HEAD", "TRACE", "PROPFIND", "get"):
        assert MAGE.ask(everybody["nobody"], other, path) in (401, 404, 405), other
    if method != "PATCH":
        assert MAGE.ask(everybody["owner"], "PATCH", path) == 405


def test_a_role_for_a_tag_is_one_for_its_pipelines_alone(served: Served) -> None:
    """What is seen of others is nothing: of a list, of a count, of a run, of what it left behind."""
    run = served.run("grind")
    other = walking.of_user(served, walking.user(served, Grant(EDITOR, "of nothing")))
    own = walking.of_user(served, walking.user(served, Grant(EDITOR, "corn")))
    assert own.get("/api/pipeline_runs").json()["metadata"]["count"] > 0
    listed = other.get("/api/pipeline_runs").json()
    assert listed == {"pipeline_runs": [], "metadata": {"count": 0, "next": False}}
    assert other.get("/api/block_runs").json() == {"block_runs": [], "metadata": {"count": 0, "next": False}}
    for path in ("", "/block_runs", "/blocks"):
        assert own.get(f"/api/pipeline_runs/{run['id']}{path}").json().get("error") is None
        assert other.get(f"/api/pipeline_runs/{run['id']}{path}").json()["error"]["code"] == 404
    for caller, told in ((own, True), (other, False)):
        answer = caller.put(f"/api/pipeline_runs/{run['id']}", json={"pipeline_run": {"status": "cancelled"}})
        assert ("pipeline_run" in answer.json()) is told
    blocks = own.get(f"/api/block_runs?pipeline_run_id={run['id']}").json()["block_runs"]
    assert "outputs" in own.get(f"/api/block_runs/{blocks[0]['id']}/outputs").json()
    assert other.get(f"/api/block_runs/{blocks[0]['id']}/outputs").json()["error"]["code"] == 404
    assert other.get("/api/block_outputs/sieve?pipeline_uuid=grind").status_code == 404
    assert other.delete(f"/api/pipeline_runs/{run['id']}").json()["error"]["code"] == 404
    assert "pipeline_run" in own.delete(f"/api/pipeline_runs/{run['id']}").json()
