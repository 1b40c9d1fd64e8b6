"""Triggers, as Mage's clients call them pipeline schedules: every key, every type, and what is done with them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.conftest import Caller, Served
from tests.dialects.mage.contract import like

from headrace.api.mage.triggers import shapes
from headrace.model.access import Role

OF_GRIND = "/api/pipelines/grind/pipeline_schedules"
API = {"schedule_type": "api"}


def make(client: Caller, name: str, **given: Any) -> dict[str, Any]:
    answer = client.post(OF_GRIND, json={"pipeline_schedule": {"name": name, **given}})
    assert answer.status_code == 200
    assert answer.json()["metadata"] is None, answer.text
    return answer.json()["pipeline_schedule"]


def put(client: Caller, trigger: dict[str, Any], **given: Any) -> dict[str, Any]:
    answer = client.put(f"/api/pipeline_schedules/{trigger['id']}", json={"pipeline_schedule": given})
    assert "pipeline_schedule" in answer.json(), answer.text
    return answer.json()["pipeline_schedule"]


def get(client: Caller, trigger: dict[str, Any], query: str = "") -> dict[str, Any]:
    return client.get(f"/api/pipeline_schedules/{trigger['id']}{query}").json()["pipeline_schedule"]


def failed(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200
    return answer.json()["error"]


def test_one_that_is_made_is_told_with_every_key_as_mage_tells_it(served: Served, client: Caller) -> None:
    name = served.name("golden api")
    given = {"variables": {"v": 1}, "settings": {"timeout": 600}, "sla": 3600, "status": "active", "tags": ["b", "a"]}
    made = make(client, name, **API, **given)
    like(made, shapes.Schedule)
    assert list(made) == [
        "created_at", "description", "global_data_product_uuid", "id", "last_enabled_at", "name", "pipeline_uuid",
        "repo_path", "schedule_interval", "schedule_type", "settings", "sla", "start_time", "status", "token",
        "updated_at", "variables",
    ]  # fmt: skip
    assert (made["settings"], made["sla"], made["variables"]) == ({"timeout": 600}, 3600, {"v": 1})
    assert (made["pipeline_uuid"], made["repo_path"]) == ("grind", str(served.folder))
    assert made["last_enabled_at"] == made["created_at"]
    assert len(made["token"]) == 32
    shown = get(client, made)
    like(shown, shapes.ShownSchedule)
    assert shown == {**made, "event_matchers": [], "next_pipeline_run_date": None, "tags": ["a", "b"]}


def test_a_time_trigger_says_when_it_fires_next_though_it_is_inactive(served: Served, client: Caller) -> None:
    made = make(client, served.name(), schedule_interval="@daily", start_time="2026-01-01T00:00:00Z")
    assert (made["schedule_type"], made["status"], made["last_enabled_at"]) == ("time", "inactive", None)
    assert made["start_time"] == "2026-01-01 00:00:00+00:00"
    assert (made["settings"], made["variables"], made["sla"]) == (None, None, None)
    upcoming = datetime.fromisoformat(get(client, made)["next_pipeline_run_date"])
    assert upcoming > datetime.now(UTC)
    assert (upcoming.hour, upcoming.minute) == (0, 0)
    once = make(client, served.name(), schedule_interval="@once", start_time="2099-01-01")
    assert get(client, once)["next_pipeline_run_date"] is None


def test_one_of_which_nothing_is_known_but_its_name_is_made_as_mages_pages_make_it(
    served: Served, client: Caller
) -> None:
    made = make(client, served.name())
    assert (made["schedule_type"], made["status"]) == ("api", "inactive")
    changed = put(client, made, schedule_type="time", schedule_interval="0 6 * * *", status="active", sla=0)
    assert (changed["schedule_type"], changed["status"], changed["sla"]) == ("time", "active", None)


@pytest.mark.parametrize("given", [{}, {"name": ""}, {"name": None}])
def test_without_a_name_a_record_is_invalid(client: Caller, given: dict[str, Any]) -> None:
    answer = client.post(OF_GRIND, json={"pipeline_schedule": {**API, **given}})
    assert answer.status_code == 200
    wrong = {"error": "name cannot be empty.", "metadata": {"key": "name", "value": given.get("name")}}
    told = {"code": 200, "message": "Record is invalid.", "type": "record_invalid", "errors": wrong}
    assert answer.json() == {"error": told, "status": 200}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"schedule_interval": "every day"}, "Cron expression is invalid."),
        ({"schedule_interval": "", "schedule_type": "time"}, "Cron expression is invalid."),
        ({"schedule_type": "never"}, "schedule_type"),
        ({"start_time": "soon", "schedule_interval": "@daily"}, "start_time"),
        ({"status": "asleep", **API}, "status"),
        ({"settings": {"timeout": "x"}, **API}, "settings.timeout"),
        ({"variables": [1], **API}, "variables"),
        ({"sla": -1, **API}, "sla"),
    ],
)
def test_what_cannot_be_is_refused_and_says_what(
    served: Served, client: Caller, given: dict[str, Any], why: str
) -> None:
    name = served.name()
    error = failed(client.post(OF_GRIND, json={"pipeline_schedule": {"name": name, **given}}))
    assert error["code"] == 500
    assert why in error["exception"]
    assert not [
        each for each in client.get(f"{OF_GRIND}?_limit=1000").json()["pipeline_schedules"] if each["name"] == name
    ]


def test_a_second_of_one_name_and_one_of_no_pipeline_are_refused(served: Served, client: Caller) -> None:
    name = served.name()
    make(client, name, **API)
    assert failed(client.post(OF_GRIND, json={"pipeline_schedule": {"name": name, **API}}))["code"] == 500
    elsewhere = client.post("/api/pipelines/nowhere/pipeline_schedules", json={"pipeline_schedule": {"name": name}})
    assert failed(elsewhere)["exception"] == "Pipeline nowhere does not exist."


def test_one_that_is_not_there_is_no_record(client: Caller) -> None:
    for answer in (
        client.get("/api/pipeline_schedules/99999"),
        client.put("/api/pipeline_schedules/99999", json={"pipeline_schedule": {}}),
        client.delete("/api/pipeline_schedules/99999"),
        client.get("/api/pipeline_schedules/none"),
    ):
        assert failed(answer)["type"] == "record_not_found"


def test_a_change_says_only_what_changes(served: Served, client: Caller) -> None:
    made = make(client, served.name(), **API, settings={"timeout": 60, "own": 1}, variables={"password": "hush-hush"})
    changed = put(client, made, tags=["red", "blue", "red"], description="hello", unknown=1)
    like(changed, shapes.ShownSchedule)
    assert (changed["description"], changed["settings"]) == ("hello", {"timeout": 60, "own": 1})
    assert {*changed["tags"]} == {"red", "blue"}
    again = put(client, made, variables=changed["variables"] | {"day": 1}, settings={"allow_blocks_to_fail": True})
    assert again["settings"] == {"allow_blocks_to_fail": True}
    kept = served.app.store.triggers.get(made["id"]).definition.variables
    assert kept == {"password": "hush-hush", "day": 1}  # shown masked, and not taken for what it was shown as


def test_it_is_made_active_and_inactive_and_remembers_since_when(served: Served, client: Caller) -> None:
    made = make(client, served.name(), schedule_interval="@monthly")
    active = put(client, made, status="active")
    assert active["last_enabled_at"] is not None
    paused = put(client, made, status="inactive")
    assert (paused["status"], paused["last_enabled_at"]) == ("inactive", active["last_enabled_at"])


def test_a_new_token_takes_the_place_of_the_old(served: Served, client: Caller) -> None:
    made = make(client, served.name(), **API)
    rotated = put(client, made, rotate_token=True)
    assert rotated["token"] != made["token"]
    call = f"/api/pipeline_schedules/{made['id']}/pipeline_runs"
    assert "error" in served.client(None).post(f"{call}/{made['token']}").json()
    assert "pipeline_run" in served.client(None).post(f"{call}/{rotated['token']}").json()


def test_tokens_are_shown_to_those_who_may_run_it_alone(served: Served, client: Caller) -> None:
    made = make(client, served.name(), **API)
    viewer, editor = served.client(Role.VIEWER), served.client(Role.EDITOR)
    assert get(editor, made)["token"] == made["token"]
    assert get(viewer, made)["token"] == "[API_TOKEN_PLACEHOLDER]"
    listed = viewer.get(f"{OF_GRIND}?_limit=1000").json()["pipeline_schedules"]
    assert {each["token"] for each in listed} == {"[API_TOKEN_PLACEHOLDER]"}


def test_what_is_not_an_editors_to_say_is_passed_over_without_a_word(served: Served) -> None:
    editor = served.client(Role.EDITOR)
    made = make(editor, served.name(), **API, settings={"timeout": 5}, sla=9, variables={"a": 1})
    assert (made["settings"], made["sla"], made["variables"]) == (None, None, {"a": 1})
    assert put(editor, made, sla=9)["sla"] == 9
    changed = put(editor, made, sla=10, status="active", global_data_product_uuid="x")
    assert (changed["sla"], changed["status"]) == (9, "active")


def test_viewers_change_nothing(served: Served, client: Caller) -> None:
    made, viewer = make(client, served.name(), **API), served.client(Role.VIEWER)
    path = f"/api/pipeline_schedules/{made['id']}"
    for answer in (
        viewer.post(OF_GRIND, json={"pipeline_schedule": {"name": "x"}}),
        viewer.put(path, json={"pipeline_schedule": {"status": "active"}}),
        viewer.delete(path),
    ):
        assert failed(answer)["code"] == 403
    assert get(client, made)["status"] == "inactive"


def test_one_that_is_deleted_is_told_once_more_and_gone(served: Served, client: Caller) -> None:
    made = make(client, served.name(), **API)
    answer = client.delete(f"/api/pipeline_schedules/{made['id']}").json()
    assert answer == {"pipeline_schedule": made, "metadata": None}
    assert failed(client.get(f"/api/pipeline_schedules/{made['id']}"))["code"] == 404


def test_lists_are_filtered_ordered_and_counted(either: Served) -> None:
    client = either.client()
    make(client, "c api", **API, status="active", tags=["red"])
    make(client, "a hourly", schedule_interval="@hourly", tags=["blue"])
    make(client, "b daily", schedule_interval="@daily", status="active", tags=["red", "blue"])

    def names(query: str, of: str = "/api/pipeline_schedules") -> list[str]:
        return [each["name"] for each in client.get(f"{of}?{query}").json()["pipeline_schedules"]]

    assert names("") == ["c api", "a hourly", "b daily"]
    assert names("", OF_GRIND) == ["b daily", "a hourly", "c api"]
    assert names("", "/api/pipelines/crack/pipeline_schedules") == []
    assert names("order_by=name") == ["a hourly", "b daily", "c api"]
    assert names("order_by=created_at") == ["b daily", "a hourly", "c api"]
    assert names("schedule_type[]=api") == ["c api"]
    assert names("schedule_type[]=time,api&status[]=active") == ["c api", "b daily"]
    assert names("schedule_interval[]=@hourly,@weekly") == ["a hourly"]
    assert names("tag[]=red") == ["c api", "b daily"]
    assert names("tag[]=blue&tag[]=none") == names("tag[]=blue,none") == ["a hourly", "b daily"]
    assert names("status[]=bogus") == names("schedule_type[]=backfill") == names("global_data_product_uuid=x") == []
    page = client.get("/api/pipeline_schedules?order_by=name&_limit=1&_offset=1").json()
    assert [each["name"] for each in page["pipeline_schedules"]] == ["b daily"]
    assert page["metadata"] == {"count": 3, "next": True}
    assert client.get("/api/pipeline_schedules?_limit=0").json() == {
        "pipeline_schedules": [],
        "metadata": {"count": 3, "next": True},
    }


def test_a_list_tells_of_the_runs_and_nothing_where_there_are_none(alone: Served) -> None:
    client = alone.client()
    made = make(client, "golden", **API, status="active")
    (row,) = client.get(OF_GRIND).json()["pipeline_schedules"]
    like(row, shapes.ListedSchedule)
    counts = ("last_pipeline_run_status", "pipeline_in_progress_runs_count", "pipeline_runs_count")
    assert [row[name] for name in counts] == [None, None, None]
    run = client.post(f"/api/pipeline_schedules/{made['id']}/pipeline_runs/{made['token']}").json()["pipeline_run"]
    alone.until(lambda: client.get(f"/api/pipeline_runs/{run['id']}").json()["pipeline_run"]["status"] == "completed")
    (row,) = client.get(OF_GRIND).json()["pipeline_schedules"]
    assert [row[name] for name in counts] == ["completed", 0, 1]
    averaged = get(client, made, "?_format=with_runtime_average")
    like(averaged, shapes.AveragedSchedule)
    assert averaged["pipeline_runs_count"] == 1
    assert 0 < averaged["runtime_average"] < 30


def test_triggers_are_written_into_the_pipelines_file_and_kept_in_step_with_it(alone: Served) -> None:
    client = alone.client()
    made, path = (
        make(client, "in code", schedule_interval="@daily", tags=["red"]),
        "/api/pipelines/grind/pipeline_triggers",
    )
    assert client.get(path).json() == {"pipeline_triggers": [], "metadata": {}}
    body = {"pipeline_trigger": {"pipeline_schedule_id": made["id"]}}
    written = client.post(path, json=body).json()["pipeline_trigger"]
    like(written, shapes.PipelineTrigger)
    assert client.get(path).json()["pipeline_triggers"] == [written]
    put(client, made, schedule_interval="@hourly")
    file = alone.folder / "pipelines/grind/triggers.yaml"
    assert "schedule_interval: '@hourly'" in file.read_text()
    client.delete(f"/api/pipeline_schedules/{made['id']}")
    assert "in code" not in file.read_text()
    assert failed(client.post(path, json={"pipeline_trigger": {"name": "x"}}))["code"] == 500


def test_a_pipeline_may_ask_for_its_new_triggers_to_be_written_down(alone: Served) -> None:
    client = alone.client()
    settings = {"triggers": {"save_in_code_automatically": True}}
    client.put("/api/pipelines/grind", json={"pipeline": {"settings": settings}})
    make(client, "by itself", **API)
    listed = client.get("/api/pipelines/grind/pipeline_triggers").json()["pipeline_triggers"]
    assert [each["name"] for each in listed] == ["by itself"]
