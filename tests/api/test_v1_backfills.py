"""Backfills over HTTP: planned, written down, started as planned or not at all, paused, resumed, cancelled."""

from typing import Any

import pytest
from tests.api.conftest import Caller, Served, refused

NEW = {"pipeline": "grind", "start_time": "2026-01-01", "end_time": "2026-01-03"}
WRONG: dict[str, list[Any]] = {
    "pipeline": [None, 3, ""],
    "start_time": [None, 3, "soon", "2026-02-30"],
    "end_time": [None, 3, "later", "2025-12-31"],
    "interval_type": [None, "fortnight", 3],
    "interval_units": [None, 0, -1, "1", 1.5, 2**31],
    "which": [None, "some", 3],
    "variables": [None, 3, []],
    "name": ["", 3, "n" * 256],
    "settings": [None, 3, {"pipeline_run_limit": 0}, {"nothing": 1}],
    "nothing": [1],
}


def at(backfill: int, deed: str = "") -> str:
    return f"/v1/backfills/{backfill}{deed}"


@pytest.fixture
def fresh(alone: Served) -> Caller:
    return alone.client()


def test_a_plan_writes_nothing(fresh: Caller) -> None:
    plan = fresh.post("/v1/backfills/plan", json=NEW).json()
    dates = [f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3)]
    assert plan == {"plan": None, "runs": 3, "dates": dates, "passed_over": []}
    assert fresh.get("/v1/backfills").json() == {"backfills": [], "next": None}


def test_from_the_plan_to_its_end(alone: Served, fresh: Caller) -> None:
    made = fresh.post("/v1/backfills", json={**NEW, "name": "january", "variables": {"day": "x"}})
    assert made.status_code == 201
    number, plan = made.json()["id"], made.json()["plan"]
    assert fresh.get(at(number, "/plan")).json()["plan"] == plan
    refused(fresh.post(at(number, "/start"), json={"plan": "0" * 16}), 409, "plan")
    assert fresh.get(at(number)).json()["status"] == "initial"
    assert fresh.post(at(number, "/start"), json={"plan": plan}).json()["dates"] == 3
    alone.until(lambda: fresh.get(at(number)).json()["status"] == "completed")
    ended = fresh.get(at(number)).json()
    assert (ended["runs"], ended["made"], ended["missing"]) == ({"completed": 3}, 3, [])
    runs = fresh.get(f"/v1/runs?backfill_id={number}").json()["runs"]
    assert sorted(each["execution_date"] for each in runs) == [f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3)]
    assert {each["variables"]["day"] for each in runs} == {"x"}
    passed = fresh.post("/v1/backfills/plan", json=NEW).json()
    assert (passed["runs"], passed["passed_over"][0]["why"]) == (0, "it has a completed run")
    assert fresh.post("/v1/backfills/plan", json={**NEW, "which": "all"}).json()["runs"] == 3
    refused(fresh.post(at(number, "/start")), 409)


def test_paused_resumed_cancelled(fresh: Caller) -> None:
    new = {**NEW, "pipeline": "turn", "variables": {"until": "/nowhere"}, "settings": {"pipeline_run_limit": 1}}
    number = fresh.post("/v1/backfills", json=new).json()["id"]
    assert refused(fresh.post(at(number, "/pause")), 409)["kind"] == "backfill_refused"
    fresh.post(at(number, "/start"))
    assert fresh.post(at(number, "/pause")).json()["status"] == "paused"
    assert fresh.post(at(number, "/resume")).json()["status"] == "running"
    cancelled = fresh.post(at(number, "/cancel")).json()
    assert (cancelled["status"], len(cancelled["missing"])) == ("cancelled", 3)
    refused(fresh.post(at(number, "/resume")), 409)


def test_lists_page_by_page(fresh: Caller) -> None:
    for name in ("one", "two", "three"):
        fresh.post("/v1/backfills", json={**NEW, "name": name})
    newest = fresh.get("/v1/backfills?limit=2&pipeline=grind")
    rest = fresh.get(newest.links["next"]["url"]).json()
    found = [each["name"] for each in (*newest.json()["backfills"], *rest["backfills"])]
    assert (found, rest["next"]) == (["three", "two", "one"], None)
    assert fresh.get("/v1/backfills?pipeline=nowhere").json()["backfills"] == []


def test_what_cannot_be_is_refused_by_its_field(client: Caller) -> None:
    before = client.get("/v1/backfills").json()
    for path in ("/v1/backfills", "/v1/backfills/plan"):
        for field, values in WRONG.items():
            for value in values:
                problem = refused(client.post(path, json={**NEW, field: value}), 422)
                assert problem["errors"][0]["field"].startswith(field), (field, value, problem)
        refused(client.post(path, json={**NEW, "pipeline": "nowhere"}), 404, "pipeline")
        million = {**NEW, "interval_type": "second", "end_time": "2026-01-12T13:46:40Z"}
        assert "100,000" in refused(client.post(path, json=million), 422, "end_time")["detail"]
    assert client.get("/v1/backfills").json() == before


def test_one_that_is_not_there(client: Caller) -> None:
    for deed in ("start", "pause", "resume", "cancel"):
        refused(client.post(at(2**62, f"/{deed}")), 404)
    for path in (at(2**62), at(2**62, "/plan"), "/v1/backfills/x", "/v1/backfills/-1"):
        refused(client.get(path), 404)
    refused(client.get(at(2**63)), 422, "backfill_id")
