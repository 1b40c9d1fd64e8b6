"""Backfills, as Mage's clients write them down, foresee, start, cancel and delete them."""

from typing import Any

import pytest
from tests.api.conftest import Caller, Served
from tests.dialects.mage.contract import like

from headrace.api.mage.backfills import shapes
from headrace.model.access import Role

OF_GRIND = "/api/pipelines/grind/backfills"
THREE_DAYS = {
    "start_datetime": "2026-01-01 00:00:00",
    "end_datetime": "2026-01-03 00:00:00",
    "interval_type": "day",
    "interval_units": 1,
}


def make(client: Caller, of: str = OF_GRIND, **given: Any) -> dict[str, Any]:
    answer = client.post(of, json={"backfill": {**THREE_DAYS, **given}}).json()
    assert answer.get("metadata", "") is None, answer
    return answer["backfill"]


def put(client: Caller, backfill: dict[str, Any], **given: Any) -> dict[str, Any]:
    answer = client.put(f"/api/backfills/{backfill['id']}", json={"backfill": given}).json()
    assert "backfill" in answer, answer
    return answer["backfill"]


def get(client: Caller, backfill: dict[str, Any], query: str = "") -> dict[str, Any]:
    return client.get(f"/api/backfills/{backfill['id']}{query}").json()["backfill"]


def failed(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200
    return answer.json()["error"]


def test_one_that_is_written_down_is_told_with_every_key_as_mage_tells_it(client: Caller) -> None:
    made = make(client, name="golden bf", settings={"timeout": 5}, variables={"a": 1})
    like(made, shapes.MageBackfill)
    assert list(made) == [
        "block_uuid", "completed_at", "created_at", "end_datetime", "failed_at", "interval_type", "interval_units",
        "metrics", "name", "pipeline_schedule_id", "pipeline_uuid", "settings", "start_datetime", "started_at", "status",
        "updated_at", "variables", "id",
    ]  # fmt: skip
    assert (made["start_datetime"], made["end_datetime"]) == ("2026-01-01 00:00:00+00:00", "2026-01-03 00:00:00+00:00")
    assert (made["status"], made["started_at"], made["pipeline_schedule_id"]) == (None, None, None)
    assert (made["settings"], made["variables"]) == ({"timeout": 5}, {"a": 1})
    assert get(client, made) == made


def test_the_runs_to_be_are_foreseen_one_more_than_the_limit(client: Caller) -> None:
    made = make(client, name="golden bf")
    shown = get(client, made, "?include_preview_runs=1&_limit=1")
    like(shown, shapes.MageBackfill)
    assert (shown["total_run_count"], shown["run_status_counts"]) == (3, {})
    assert shown["pipeline_run_dates"][1] == {
        "ds": "2026-01-02",
        "execution_date": "2026-01-02T00:00:00+00:00",
        "hr": "00",
        "interval_end_datetime": "2026-01-03T00:00:00+00:00",
        "interval_seconds": 86400.0,
        "interval_start_datetime": "2026-01-02T00:00:00+00:00",
        "interval_start_datetime_previous": "2026-01-01T00:00:00+00:00",
    }
    assert len(shown["pipeline_run_dates"]) == 2
    beyond = get(client, made, "?include_preview_runs=1&_limit=1&_offset=2")["pipeline_run_dates"]
    assert [each["ds"] for each in beyond] == ["2026-01-03"]
    assert "pipeline_run_dates" not in get(client, made, "?include_run_count=1")
    alone = make(client, name="one", end_datetime="2026-01-01")
    (date,) = get(client, alone, "?include_preview_runs=true")["pipeline_run_dates"]
    assert (date["interval_end_datetime"], date["interval_seconds"]) == (None, None)


def test_by_name_alone_it_has_a_date_until_others_are_set(served: Served) -> None:
    editor = served.client(Role.EDITOR)
    made = editor.post(OF_GRIND, json={"backfill": {"name": "later"}}).json()["backfill"]
    assert made["start_datetime"] == made["end_datetime"]
    changed = put(editor, made, **THREE_DAYS | {"interval_units": "2"})
    assert (changed["interval_units"], changed["name"], changed["status"]) == (2, "later", None)
    assert get(editor, made, "?include_run_count=1")["total_run_count"] == 2
    refused = editor.post(OF_GRIND, json={"backfill": {"name": "x", **THREE_DAYS}})
    assert failed(refused)["code"] == 403


def test_it_is_started_makes_its_runs_and_is_completed(served: Served) -> None:
    client = served.client()
    made = make(client, name="golden bf")
    started = put(client, made, status="initial", name="passed over")
    assert (started["status"], started["name"]) == ("initial", "golden bf")
    assert started["started_at"] is not None
    assert started["pipeline_schedule_id"] is not None
    served.until(lambda: get(client, made)["status"] == "completed")
    done = get(client, made, "?include_run_count=1")
    assert (done["run_status_counts"], done["total_run_count"]) == ({"completed": 3}, 3)
    assert done["completed_at"] is not None
    trigger = client.get(f"/api/pipeline_schedules/{done['pipeline_schedule_id']}").json()["pipeline_schedule"]
    told = [trigger[name] for name in ("name", "schedule_type", "schedule_interval", "repo_path", "last_enabled_at")]
    assert told == ["Backfill golden bf", None, "@once", None, None]
    again = put(client, made, status="initial")
    assert again["status"] in ("initial", "running", "completed")
    served.until(lambda: get(client, made, "?include_run_count=1")["run_status_counts"] == {"completed": 6})


def test_one_that_is_cancelled_stops_its_runs(served: Served) -> None:
    client, gate = served.client(), served.folder / "never"
    made = make(client, "/api/pipelines/turn/backfills", name="stuck", variables={"until": str(gate)})
    put(client, made, status="initial")
    served.until(lambda: get(client, made)["status"] == "running")
    assert failed(client.put(f"/api/backfills/{made['id']}", json={"backfill": {"name": "y"}}))["code"] == 500
    assert put(client, made, status="cancelled")["status"] == "cancelled"
    served.until(lambda: {*get(client, made, "?include_run_count=1")["run_status_counts"]} == {"cancelled"})
    assert put(client, made, status="cancelled")["status"] == "cancelled"


def test_any_other_status_is_passed_over(client: Caller) -> None:
    made = make(client, name="still")
    assert put(client, made, status="completed", name="other") == made


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"end_datetime": "2025-01-01"}, "end_datetime"),
        ({"start_datetime": "whenever"}, "start_datetime"),
        ({"interval_type": "fortnight"}, "interval_type"),
        ({"interval_units": 0}, "interval_units"),
        ({"interval_units": True}, "interval_units"),
        ({"interval_type": "second", "start_datetime": "1990-01-01"}, "end_datetime"),
        ({"block_uuid": "dates"}, "block_uuid"),
        ({"variables": 1}, "variables"),
        ({"settings": {"timeout_status": "late"}}, "settings.timeout_status"),
    ],
)
def test_what_cannot_be_is_refused_and_says_what(client: Caller, given: dict[str, Any], field: str) -> None:
    error = failed(client.post(OF_GRIND, json={"backfill": {**THREE_DAYS, "name": "x", **given}}))
    assert error["code"] == 500
    assert field in error["exception"]


def test_lists_are_of_a_pipeline_or_of_all_the_newest_first(either: Served) -> None:
    client = either.client()
    first = make(client, name="first")
    other = make(client, "/api/pipelines/crack/backfills", name="other")
    third = make(client, name="third")
    page = client.get("/api/backfills?_limit=2").json()
    assert page == {"backfills": [third, other], "metadata": {"count": 3, "next": True}}
    for path in (OF_GRIND, "/api/backfills?pipeline_uuid=grind"):
        assert client.get(path).json()["backfills"] == [third, first]
    (counted,) = client.get("/api/backfills?pipeline_uuid=crack&include_run_count=1").json()["backfills"]
    assert counted == {**other, "total_run_count": 3, "run_status_counts": {}}
    assert (
        client.put(f"{OF_GRIND}/{first['id']}", json={"backfill": {"name": "renamed"}}).json()["backfill"]["name"]
        == "renamed"
    )


def test_one_that_is_deleted_leaves_its_runs(either: Served) -> None:
    client = either.client()
    made = make(client, name="gone", end_datetime="2026-01-01")
    put(client, made, status="initial")
    either.until(lambda: get(client, made)["status"] == "completed")
    told = get(client, made)
    assert client.delete(f"/api/backfills/{made['id']}").json() == {"backfill": told, "metadata": None}
    assert failed(client.get(f"/api/backfills/{made['id']}"))["type"] == "record_not_found"
    (run,) = client.get("/api/pipeline_runs?pipeline_uuid=grind").json()["pipeline_runs"]
    assert (run["backfill_id"], run["status"]) == (None, "completed")
