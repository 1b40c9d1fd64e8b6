"""Every route of the API × everybody who may come: who is let in is what tests/api/access.py says, and nothing else."""

from typing import Any

import pytest
from tests.api import walking
from tests.api.access import LEAST
from tests.api.conftest import Caller, Served, refused
from tests.api.walking import Walk

V1 = Walk("/v1", LEAST, of_all=("POST /events",))
ENDS = "DELETE /sessions/current"  # what its caller shows


@pytest.fixture(scope="module")
def everybody(served: Served) -> dict[str, Caller]:
    return walking.everybody(served)


def described(served: Served) -> dict[str, Any]:
    document = served.client(None).get("/v1/openapi.json").json()
    return {
        f"{method.upper()} {path}": told
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    }


def test_the_table_has_every_route_and_no_other(served: Served) -> None:
    assert sorted(described(served)) == sorted(LEAST)


def test_the_description_says_who_may(served: Served) -> None:
    for route, told in described(served).items():
        least = LEAST[route]
        assert told.get("x-role") == (least and least.value), route
        assert ("security" in told) == (least is None), route


@pytest.mark.parametrize("route", LEAST)
def test_who_is_let_in(served: Served, everybody: dict[str, Caller], route: str) -> None:
    method, path = V1.path(route)
    for name, caller in (walking.everybody(served) if route == ENDS else everybody).items():
        expected = V1.expected(route, name)
        if expected == "in" and V1.streams_at(route):
            continue  # its own tests ask who may follow
        assert walking.verdict(V1.ask(caller, method, path)) == expected, (route, name)


@pytest.mark.parametrize("route", LEAST)
def test_no_crooked_way_lets_anybody_in(everybody: dict[str, Caller], route: str) -> None:
    """What is not as the straight path is not there, or is refused just so."""
    method, straight = V1.path(route)
    least = LEAST[route]
    if least is None:
        return
    for path in walking.crooked(straight):
        for name in ("nobody", "viewer") if least is not least.VIEWER else ("nobody",):
            status = V1.ask(everybody[name], method, path)
            assert status in (400, 401, 403, 404, 405), (name, path, status)


@pytest.mark.parametrize("route", LEAST)
def test_another_method_or_header_is_no_way_in(everybody: dict[str, Caller], route: str) -> None:
    method, path = V1.path(route)
    if LEAST[route] is None:
        return
    nobody = everybody["nobody"]
    for headers in walking.OVERRIDES:
        assert V1.ask(nobody, method, path, headers) == 401, headers
        if LEAST[route] is not LEAST["GET /runs"] and "Authorization" not in headers:
            assert V1.ask(everybody["viewer"], method, path, headers) == 403, headers
    for other in ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "get"):
        status = V1.ask(nobody, other, path)
        assert status in (401, 404, 405), (other, status)


def test_who_shows_a_token_in_the_address_is_nobody(served: Served) -> None:
    for name in ("token", "access_token", "api_key", "authorization"):
        refused(served.client(None).get(f"/v1/runs?{name}={served.client().token}"), 401)


def test_nothing_of_a_body_is_read_before_it_is_known_who_calls(served: Served) -> None:
    answer = served.client(None).post("/v1/runs", content=b"[" * 100_000)
    refused(answer, 401)
