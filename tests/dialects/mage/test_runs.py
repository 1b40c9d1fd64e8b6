"""Pipeline runs of the Mage dialect, as its clients begin them, look at them, cancel them and run them again."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.conftest import WAIT, Caller, Served
from tests.dialects.mage.contract import like

from headrace.api.mage.runs import exports, graphs, outputs, shapes, statuses
from headrace.api.mage.runs.shapes import TOKEN_HIDDEN
from headrace.model.access import Grant, Role
from headrace.operations import tokens, users
from headrace.store import listing

TRUE = "_http_error_codes=1"
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?\+00:00")
PUBLIC = {  # the fields of the public page, and what may be in them
    "backfill_id": (int, type(None)),
    "block_runs": (list,),
    "block_runs_count": (int,),
    "completed_at": (str, type(None)),
    "created_at": (str,),
    "event_variables": (dict, type(None)),
    "execution_date": (str,),
    "id": (int,),
    "metrics": (dict, type(None)),
    "passed_sla": (bool,),
    "pipeline_schedule_id": (int,),
    "pipeline_schedule_name": (str,),
    "pipeline_schedule_token": (str,),
    "pipeline_schedule_type": (str,),
    "pipeline_uuid": (str,),
    "status": (str,),
    "updated_at": (str,),
    "variables": (dict, type(None)),
}


@dataclass
class Trigger:
    """An API trigger, and what whoever calls it shows."""

    served: Served
    id: int
    name: str
    token: str

    @property
    def path(self) -> str:
        return f"/api/pipeline_schedules/{self.id}"

    def call(self, **given: Any) -> dict[str, Any]:
        answer = self.served.client(None).post(f"{self.path}/pipeline_runs/{self.token}", **given)
        assert answer.status_code == 200, answer.text
        assert list(answer.json()) == ["pipeline_run"]
        return answer.json()["pipeline_run"]

    def run(self, status: str = "completed", **given: Any) -> dict[str, Any]:
        """A run that has got so far."""
        return until(self.served, self.call(**given)["id"], status)


def until(served: Served, run: int, status: str) -> dict[str, Any]:
    owner = served.client()

    def so() -> dict[str, Any] | None:
        found = shown(owner.get(f"/api/pipeline_runs/{run}"))
        return found if found["status"] == status else None

    found = served.until(so)
    assert found is not None
    return found


def shown(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200
    assert "pipeline_run" in answer.json(), answer.text
    return answer.json()["pipeline_run"]


def ids(answer: httpx.Response) -> list[int]:
    assert "pipeline_runs" in answer.json(), answer.text
    return [run["id"] for run in answer.json()["pipeline_runs"]]


def error(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200
    return answer.json()["error"]


@pytest.fixture
def make(served: Served) -> Callable[..., Trigger]:
    def made(pipeline: str = "grind", **given: Any) -> Trigger:
        owner, name = served.client(), served.name("trigger")
        new = {"pipeline": pipeline, "name": name, "type": "api", **given}
        found = owner.post("/v1/triggers", json=new).json()["id"]
        return Trigger(served, found, name, owner.get(f"/v1/triggers/{found}/token").json()["token"])

    return made


@pytest.fixture
def trigger(make: Callable[..., Trigger]) -> Trigger:
    return make()


@pytest.fixture
def turning(make: Callable[..., Trigger], tmp_path: Path) -> Iterator[tuple[Trigger, dict[str, Any]]]:
    """A trigger, and a run of it that goes on until the test is over, unless somebody cancels it."""
    made, file = make("turn"), tmp_path / "over"
    yield made, made.run("running", json={"pipeline_run": {"variables": {"until": str(file)}}})
    file.touch()


def test_the_public_pages_call(trigger: Trigger) -> None:
    """As `curl --data` sends it: JSON, said to be a form."""
    body = '{\n"env": "dev",\n"test": 1\n}'
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    run = trigger.call(content=body, headers=form)
    like(run, shapes.PipelineRun)
    assert run["event_variables"] == {"env": "dev", "test": 1}
    assert run["status"] == "initial"
    assert list(run["variables"]) == ["execution_partition"]
    assert re.fullmatch(rf"{trigger.id}/\d{{8}}T\d{{6}}_\d{{6}}", run["variables"]["execution_partition"])
    assert DATE.fullmatch(run["created_at"])
    assert (run["pipeline_uuid"], run["pipeline_schedule_id"]) == ("grind", trigger.id)


def test_what_a_call_may_give(trigger: Trigger) -> None:
    given = {"variables": {"day": "monday"}, "execution_date": "2026-01-31T06:00:00Z", "status": "completed"}
    run = trigger.call(json={"pipeline_run": given})
    assert run["event_variables"] == {}
    assert run["variables"]["day"] == "monday"
    assert run["execution_date"] == "2026-01-31 06:00:00+00:00"
    assert run["status"] == "initial"
    assert trigger.call()["event_variables"] is None


def test_a_call_with_the_token_in_the_header(served: Served, trigger: Trigger) -> None:
    nobody = served.client(None)
    answer = nobody.post(f"{trigger.path}/api_trigger", headers={"Authorization": f"Bearer {trigger.token}"})
    like(answer.json()["pipeline_run"], shapes.PipelineRun)
    refused = error(nobody.post(f"{trigger.path}/api_trigger"))
    assert refused["exception"] == f"Invalid token for pipeline schedule ID {trigger.id}."


def test_no_number_of_a_trigger_is_too_long_to_be_refused(served: Served) -> None:
    for number in ("0" * 20 + "9" * 30, "9" * 5000):
        answer = served.client(None).post(f"/api/pipeline_schedules/{number}/pipeline_runs/token")
        assert error(answer)["exception"].startswith("Invalid token for pipeline schedule ID")


def test_two_calls_are_two_runs_unless_a_key_says_otherwise(trigger: Trigger) -> None:
    assert trigger.call()["id"] != trigger.call()["id"]
    key = {"Idempotency-Key": f"key of {trigger.name}"}
    assert trigger.call(headers=key)["id"] == trigger.call(headers=key)["id"]


def test_who_calls_with_something_else_begins_nothing(
    served: Served, make: Callable[..., Trigger], trigger: Trigger
) -> None:
    nobody, every = served.client(None), make(type="time", interval="@daily", active=False)
    for path, status in (
        (f"{trigger.path}/pipeline_runs/deadbeef", 401),
        ("/api/pipeline_schedules/999999/pipeline_runs/deadbeef", 401),
        (f"{every.path}/pipeline_runs/{every.token}", 409),
        (f"{trigger.path}/pipeline_runs/{every.token}", 401),
    ):
        answer = nobody.post(path)
        assert error(answer)["code"] == 500
        assert every.token not in answer.text
        assert set(answer.json()["url_parameters"]) == {"pipeline_schedule_id", "token"}
        assert nobody.post(f"{path}?{TRUE}").status_code == status
    for body in ("[1]", '{"pipeline_run": 1}', "{", '{"pipeline_run": {"execution_date": "soon"}}'):
        assert error(nobody.post(f"{trigger.path}/pipeline_runs/{trigger.token}", content=body))["code"] == 500
    assert ids(served.client().get(f"{trigger.path}/pipeline_runs")) == []


def test_a_call_activates_its_trigger(served: Served, make: Callable[..., Trigger]) -> None:
    trigger = make(active=False)
    trigger.run()
    assert served.client().get(f"/v1/triggers/{trigger.id}").json()["active"]


def test_a_run_by_itself_has_every_field_of_the_public_page(served: Served, trigger: Trigger) -> None:
    run = trigger.run(json={"env": "dev"})
    like(run, shapes.ShownPipelineRun)
    for name, kinds in PUBLIC.items():
        assert type(run[name]) in kinds, name
    for name in ("created_at", "updated_at", "completed_at", "execution_date", "started_at", "ended_at"):
        assert DATE.fullmatch(run[name]), name
    assert [block["block_uuid"] for block in run["block_runs"]] == ["load", "sieve"]
    assert all(block["metrics"] == {} and DATE.fullmatch(block["completed_at"]) for block in run["block_runs"])
    assert (run["block_runs_count"], run["completed_block_runs_count"]) == (2, 2)
    assert (run["pipeline_schedule_name"], run["pipeline_schedule_type"]) == (trigger.name, "api")
    same = served.client().get(f"/v1/runs/{run['id']}").json()
    assert (same["status"], same["trigger"], same["event_variables"]) == ("completed", trigger.name, {"env": "dev"})


def test_a_run_in_a_list(client: Caller, trigger: Trigger) -> None:
    run = trigger.run()
    answer = client.get(f"{trigger.path}/pipeline_runs?include_pipeline_type=1&include_pipeline_tags=1").json()
    assert answer["metadata"] == {"count": 1, "next": False}
    (found,) = answer["pipeline_runs"]
    like(found, shapes.ListedPipelineRun)
    assert (found["id"], found["pipeline_type"], found["pipeline_tags"]) == (run["id"], "python", ["corn"])
    for name, kinds in PUBLIC.items():
        assert type(found[name]) in kinds, name


def test_only_who_may_run_a_trigger_is_told_its_token(served: Served, trigger: Trigger) -> None:
    run = trigger.run()
    path, field = f"/api/pipeline_runs/{run['id']}", "pipeline_schedule_token"
    assert shown(served.client(Role.EDITOR).get(path))[field] == trigger.token
    assert shown(served.client(Role.VIEWER).get(path))[field] == TOKEN_HIDDEN
    user = users.create(
        served.app, served.name("user"), "a long password", (Grant(Role.EDITOR, "other"), Grant(Role.VIEWER))
    )
    _, said = tokens.create(served.app, "of a user", Role.OWNER, user_id=user.id)
    assert shown(served.caller(said).get(path))[field] == TOKEN_HIDDEN


def test_basic_details(client: Caller, trigger: Trigger) -> None:
    run = trigger.call()
    found = shown(client.get(f"/api/pipeline_runs/{run['id']}?_format=with_basic_details"))
    like(found, shapes.BasicPipelineRun)


def test_pages_of_a_list(client: Caller, trigger: Trigger) -> None:
    dates = [f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3, 4, 5)]
    runs = [trigger.call(json={"pipeline_run": {"execution_date": date}})["id"] for date in dates]
    path = f"{trigger.path}/pipeline_runs"
    assert ids(client.get(path)) == runs[::-1]
    first, last = client.get(f"{path}?_limit=2"), client.get(f"{path}?_limit=2&_offset=4")
    assert (ids(first), first.json()["metadata"]) == (runs[:2:-1], {"count": 5, "next": True})
    assert (ids(last), last.json()["metadata"]) == (runs[:1], {"count": 5, "next": False})
    assert client.get(f"{path}?_limit=0").json() == {"pipeline_runs": [], "metadata": {"count": 5, "next": True}}
    assert ids(client.get(f"{path}?_offset=1000000")) == []


def test_runs_of_one_date_stay_on_one_page(client: Caller, trigger: Trigger) -> None:
    days = [1, 2, 2, 2, 3]
    runs = [trigger.call(json={"pipeline_run": {"execution_date": f"2026-01-0{day}T00:00:00Z"}})["id"] for day in days]
    path = f"{trigger.path}/pipeline_runs?_limit=2"
    pages = [ids(client.get(f"{path}&_offset={offset}")) for offset in (0, 2, 4)]
    assert pages == [[runs[4], runs[3], runs[2], runs[1]], [], [runs[0]]]
    plain = [ids(client.get(f"{path}&disable_retries_grouping=true&_offset={offset}")) for offset in (0, 2, 4)]
    assert plain == [[runs[4], runs[3]], [runs[2], runs[1]], [runs[0]]]
    assert ids(client.get(f"{path}&order_by[]=id&_offset=2")) == runs[2:4]


def test_filters(served: Served, client: Caller, make: Callable[..., Trigger]) -> None:
    good, bad = make("grind"), make("crack")
    completed, failed = good.run()["id"], bad.run("failed")["id"]
    for path in ("/api/pipeline_runs", "/projects/mill/api/pipeline_runs"):
        assert {completed, failed} <= set(ids(client.get(f"{path}?_limit=1000")))
    in_crack = set(ids(client.get("/api/pipeline_runs?pipeline_uuid=crack&_limit=1000")))
    assert failed in in_crack
    assert completed not in in_crack
    assert set(ids(client.get("/api/pipelines/crack/pipeline_runs?_limit=1000"))) == in_crack
    assert set(ids(client.get("/api/pipeline_runs?pipeline_uuid[]=crack,none&_limit=1000"))) == in_crack
    either = client.get("/api/pipeline_runs?pipeline_uuid[]=crack&pipeline_uuid[]=grind&_limit=1000")
    assert {completed, failed} <= set(ids(either))
    for query, there in (
        ("status=failed", [failed]),
        ("status[]=failed,cancelled", [failed]),
        ("status[]=cancelled&status[]=failed", [failed]),
        ("status=completed", []),
        ("status=bogus", []),
        ("status=last_run_failed", [failed]),
        ("pipeline_type=python", [failed]),
        ("pipeline_type=streaming", []),
        ("pipeline_tag[]=corn", []),
        ("start_timestamp=0", [failed]),
        ("end_timestamp=1000000000", []),
        ("global_data_product_uuid=x", []),
        ("backfill_id=999999", []),
        ("include_all_pipeline_schedules=1", [failed]),
    ):
        answer = client.get(f"{bad.path}/pipeline_runs?{query}")
        assert ids(answer) == there, query
        assert answer.json()["metadata"]["count"] == len(there), query
    assert ids(client.get(f"{good.path}/pipeline_runs?pipeline_tag[]=corn")) == [completed]
    told = client.get("/api/pipeline_runs?include_pipeline_uuids=1&_limit=1").json()["metadata"]
    assert told["pipeline_uuids"] == ["broken", "crack", "grind", "turn"]
    served.client(Role.EDITOR).get("/api/pipeline_runs?status=failed&order_by[]=id desc&disable_retries_grouping=true")


def test_the_last_run_of_a_date_that_failed(client: Caller, make: Callable[..., Trigger]) -> None:
    trigger = make("crack")
    given = {"pipeline_run": {"execution_date": "2026-01-01T00:00:00Z"}}
    first, second = trigger.run("failed", json=given)["id"], trigger.run("failed", json=given)["id"]
    assert ids(client.get(f"{trigger.path}/pipeline_runs?status=last_run_failed")) == [second]
    assert ids(client.get(f"{trigger.path}/pipeline_runs?status=failed")) == [second, first]


def test_a_run_is_begun_with_a_session(served: Served, make: Callable[..., Trigger]) -> None:
    trigger = make(type="time", interval="@daily")
    given = {"variables": {"z": [1, None]}, "event_variables": {"e": 1}, "execution_date": "2026-02-03 04:05:06"}
    answer = served.client(Role.EDITOR).post(f"{trigger.path}/pipeline_runs", json={"pipeline_run": given})
    run = shown(answer)
    like(run, shapes.PipelineRun)
    assert answer.json()["metadata"] is None
    assert run["variables"]["z"] == [1, None]
    assert (run["event_variables"], run["execution_date"]) == ({"e": 1}, "2026-02-03 04:05:06+00:00")
    by_body = {"pipeline_run": {"pipeline_schedule_id": trigger.id}}
    assert shown(served.client().post("/api/pipeline_runs", json=by_body))["pipeline_schedule_id"] == trigger.id
    for wrong in ({"variables": 1}, {"execution_date": "soon"}, {"execution_date": 1}):
        refused = served.client().post(f"{trigger.path}/pipeline_runs", json={"pipeline_run": wrong})
        assert error(refused)["code"] == 500
    viewer = served.client(Role.VIEWER).post(f"{trigger.path}/pipeline_runs", json={"pipeline_run": {}})
    assert error(viewer)["type"] == "unauthorized_access"


def test_a_running_run_is_cancelled_when_the_answer_says_so(
    client: Caller, turning: tuple[Trigger, dict[str, Any]]
) -> None:
    _, run = turning
    path = f"/api/pipeline_runs/{run['id']}"
    cancelled = shown(client.put(path, json={"pipeline_run": {"status": "cancelled"}}))
    like(cancelled, shapes.PipelineRun)
    assert (cancelled["status"], cancelled["completed_at"]) == ("cancelled", None)
    assert [block["status"] for block in shown(client.get(path))["block_runs"]] == ["cancelled"]
    again = shown(client.put(path, json={"pipeline_run": {"status": "cancelled"}}))
    assert again == cancelled


def test_what_else_is_written_changes_nothing(client: Caller, trigger: Trigger) -> None:
    run = trigger.run()
    path = f"/api/pipeline_runs/{run['id']}"
    for written in (
        {"status": "failed"},
        {},
        {"pipeline_run_action": "dance"},
        {"pipeline_run_action": "retry_blocks"},
    ):
        assert shown(client.put(path, json={"pipeline_run": written}))["status"] == "completed"
    assert client.put(path, json={}).json()["error"]["code"] == 500


def test_a_failed_run_tells_why_and_goes_on(served: Served, client: Caller, make: Callable[..., Trigger]) -> None:
    run = make("crack").run("failed")
    assert run["completed_at"] is None
    assert DATE.fullmatch(run["ended_at"])
    (block,) = run["block_runs"]
    assert block["metrics"]["error"]["error"] == "the stone is cracked"
    assert "ValueError: the stone is cracked" in block["metrics"]["error"]["message"]
    assert block["metrics"]["error"]["errors"]
    path = f"/api/pipeline_runs/{run['id']}"
    retried = shown(client.put(path, json={"pipeline_run": {"pipeline_run_action": "retry_blocks"}}))
    assert retried["status"] in ("running", "failed")
    until(served, run["id"], "failed")
    attempts = served.client().get(f"/v1/runs/{run['id']}").json()["blocks"][0]["attempts"]
    assert len(attempts) == 2


def test_a_completed_run_goes_on_from_a_block(served: Served, client: Caller, trigger: Trigger) -> None:
    run = trigger.run()
    path = f"/api/pipeline_runs/{run['id']}"
    again = {"pipeline_run_action": "retry_blocks", "from_block_uuid": "sieve"}
    client.put(path, json={"pipeline_run": again})
    until(served, run["id"], "completed")
    tries = {each["block"]: len(each["attempts"]) for each in client.get(f"/v1/runs/{run['id']}").json()["blocks"]}
    assert tries == {"load": 1, "sieve": 2}
    refused = error(client.put(path, json={"pipeline_run": {**again, "from_block_uuid": "none"}}))
    assert (refused["code"], refused["type"]) == (400, "record_invalid")


def test_a_run_is_deleted(served: Served, client: Caller, trigger: Trigger) -> None:
    run = trigger.run()
    uid = client.get(f"/v1/runs/{run['id']}").json()["uid"]
    kept = [served.app.settings.home / kind / uid for kind in ("logs", "outputs")]
    assert any(each.exists() for each in kept)
    like(shown(client.delete(f"/api/pipeline_runs/{run['id']}")), shapes.PipelineRun)
    assert error(client.get(f"/api/pipeline_runs/{run['id']}"))["code"] == 404
    assert not any(each.exists() for each in kept)
    assert client.get(f"{trigger.path}/pipeline_runs").json()["metadata"]["count"] == 0


def test_a_run_that_goes_on_is_cancelled_before_it_is_deleted(
    client: Caller, turning: tuple[Trigger, dict[str, Any]]
) -> None:
    _, run = turning
    assert "pipeline_run" in client.delete(f"/api/pipeline_runs/{run['id']}").json()
    assert error(client.get(f"/api/pipeline_runs/{run['id']}"))["type"] == "record_not_found"


def test_a_run_that_another_uses_is_not_deleted(client: Caller, trigger: Trigger) -> None:
    run = trigger.run()
    new = {"pipeline": "grind", "only": ["sieve"]}
    client.post("/v1/runs", json=new, headers=WAIT)
    answer = client.delete(f"/api/pipeline_runs/{run['id']}?{TRUE}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, 500)


def test_runs_of_a_deleted_trigger_stay(client: Caller, trigger: Trigger) -> None:
    run = trigger.run()
    client.delete(f"/v1/triggers/{trigger.id}")
    found = shown(client.get(f"/api/pipeline_runs/{run['id']}"))
    for name in ("id", "name", "token", "type"):
        assert found[f"pipeline_schedule_{name}"] is None
    assert run["id"] in ids(client.get("/api/pipeline_runs?pipeline_uuid=grind&_limit=1000"))
    assert error(client.get(f"{trigger.path}/pipeline_runs"))["code"] == 404


def test_runs_are_cancelled_together(client: Caller, turning: tuple[Trigger, dict[str, Any]], served: Served) -> None:
    trigger, run = turning
    other = trigger.call(json={"pipeline_run": {"variables": run["variables"]}})["id"]
    one = {"pipeline": {"status": "cancelled", "pipeline_runs": [{"id": other}]}}
    assert "pipeline" in client.put("/api/pipelines/turn", json=one).json()
    until(served, other, "cancelled")
    assert shown(client.get(f"/api/pipeline_runs/{run['id']}"))["status"] == "running"
    client.put("/api/pipelines/turn", json={"pipeline": {"status": "cancelled", "pipeline_schedule_id": trigger.id}})
    until(served, run["id"], "cancelled")
    wrong = {"pipeline": {"status": "cancelled", "pipeline_runs": "all"}}
    assert error(client.put("/api/pipelines/turn", json=wrong))["code"] == 500


def test_runs_are_begun_anew_together(client: Caller, make: Callable[..., Trigger], served: Served) -> None:
    trigger = make("crack")
    run = trigger.run("failed", json={"e": 1, "pipeline_run": {"variables": {"v": 1}}})
    listed = client.get(f"{trigger.path}/pipeline_runs").json()["pipeline_runs"]
    client.put("/api/pipelines/crack", json={"pipeline": {"status": "retry", "pipeline_runs": listed}})
    new, old = client.get(f"{trigger.path}/pipeline_runs").json()["pipeline_runs"]
    assert old["id"] == run["id"]
    assert new["variables"]["v"] == 1
    assert new["variables"]["execution_partition"] != run["variables"]["execution_partition"]
    for name in ("execution_date", "event_variables", "pipeline_schedule_id"):
        assert new[name] == run[name]
    by_hand = served.run("crack", w=2)["id"]
    client.put("/api/pipelines/crack", json={"pipeline": {"status": "retry", "pipeline_runs": [{"id": by_hand}]}})
    latest = client.get("/api/pipelines/crack/pipeline_runs?order_by[]=id desc&_limit=1").json()["pipeline_runs"][0]
    assert (latest["variables"], latest["pipeline_schedule_id"]) == ({"w": 2}, None)


def test_a_run_of_a_backfill_that_has_ended_is_begun_anew_by_hand(alone: Served) -> None:
    client = alone.client()
    days = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:00Z"}
    made = client.post("/v1/backfills", json={"pipeline": "grind", "name": "january", "variables": {"v": 1}, **days})
    path = f"/v1/backfills/{made.json()['id']}"
    client.post(f"{path}/start")
    alone.until(lambda: client.get(path).json()["status"] == "completed")
    (old,) = client.get("/v1/runs?pipeline=grind").json()["runs"]
    again = {"pipeline": {"status": "retry", "pipeline_runs": [{"id": old["id"]}]}}

    def begun_anew() -> dict[str, Any]:
        assert "pipeline" in client.put("/api/pipelines/grind", json=again).json()
        new = client.get("/v1/runs?pipeline=grind").json()["runs"][0]
        assert new["id"] > old["id"]
        return until(alone, new["id"], "completed")

    for _ in range(2):
        new = begun_anew()
        assert (new["pipeline_schedule_id"], new["backfill_id"]) == (None, None)
        assert new["variables"] == old["variables"]
        assert new["execution_date"] == "2026-01-01 00:00:00+00:00"
        client.delete(path)


def test_all_failed_runs_go_on_together(alone: Served) -> None:
    client = alone.client()
    runs = [alone.run("crack")["id"] for _ in range(2)]
    alone.run("grind")
    client.put("/api/pipelines/crack", json={"pipeline": {"status": "retry_incomplete_block_runs"}})
    for run in runs:
        alone.until(lambda run=run: len(client.get(f"/v1/runs/{run}").json()["blocks"][0]["attempts"]) == 2)


def test_block_runs(client: Caller, trigger: Trigger) -> None:
    run = trigger.run()
    of_run = client.get(f"/api/pipeline_runs/{run['id']}/block_runs").json()
    found = client.get(f"/api/block_runs?pipeline_run_id={run['id']}").json()
    for block in [*of_run["block_runs"], *found["block_runs"]]:
        like(block, shapes.ListedBlockRun)
        assert "T" in block["created_at"]
    assert of_run["metadata"] == found["metadata"] == {"count": 2, "next": False}
    assert [block["block_uuid"] for block in of_run["block_runs"]] == ["load", "sieve"]
    assert [block["block_uuid"] for block in found["block_runs"]] == ["sieve", "load"]
    assert {block["pipeline_schedule_id"] for block in of_run["block_runs"]} == {None}
    assert {block["pipeline_schedule_name"] for block in found["block_runs"]} == {trigger.name}
    by_name = f"/api/block_runs?pipeline_run_id={run['id']}&order_by=block_uuid&_limit=1"
    assert client.get(by_name).json()["metadata"] == {"count": 2, "next": True}
    assert client.get("/api/block_runs?pipeline_uuid=grind&_limit=1").json()["block_runs"][0]["block_uuid"] == "sieve"
    assert error(client.get("/api/block_runs?order_by=color"))["code"] == 500
    one = client.get(f"/api/block_runs/{of_run['block_runs'][0]['id']}").json()["block_run"]
    assert one["block_uuid"] == "load"
    assert error(client.get("/api/block_runs/999999"))["code"] == 404


def test_the_blocks_of_a_run(client: Caller, trigger: Trigger) -> None:
    run = trigger.call()
    answer = client.get(f"/api/pipeline_runs/{run['id']}/blocks").json()
    for block in answer["blocks"]:
        like(block, graphs.shapes.ListedBlock)
    edges = [(block["uuid"], block["upstream_blocks"], block["downstream_blocks"]) for block in answer["blocks"]]
    assert edges == [("load", [], ["sieve"]), ("sieve", ["load"], [])]
    assert answer["metadata"] == {"count": 2, "next": False}


def test_what_blocks_leave_behind(client: Caller, trigger: Trigger) -> None:
    run = trigger.run(json={"pipeline_run": {"variables": {"day": "monday"}}})
    load, sieve = (block["id"] for block in run["block_runs"])
    answer = client.get(f"/api/block_runs/{sieve}/outputs").json()
    assert answer["metadata"] == {}
    (found,) = answer["outputs"]
    like(found, outputs.Output)
    assert (found["type"], found["text_data"], found["sample_data"]) == ("text", "[2, 3]", None)
    assert '"monday"' in client.get(f"/api/block_runs/{load}/outputs").json()["outputs"][0]["text_data"]
    latest = client.get("/api/block_outputs/sieve?pipeline_uuid=grind").json()["block_output"]
    like(latest, exports.BlockOutput)
    assert latest["outputs"][0]["text_data"] == "[2, 3]"
    partition = run["variables"]["execution_partition"]
    of_run = client.get("/api/block_outputs/load", params={"pipeline_uuid": "grind", "execution_partition": partition})
    assert '"monday"' in of_run.json()["block_output"]["outputs"][0]["text_data"]
    assert client.get(f"/api/block_outputs/sieve?pipeline_uuid=none&{TRUE}").status_code == 404
    none = client.get(f"/api/pipelines/grind/block_outputs/sieve/downloads?pipeline_run_id={run['id']}&{TRUE}")
    assert none.status_code == 404


def test_the_output_of_a_partition_is_found_behind_however_many_newer_runs(
    client: Caller, trigger: Trigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trigger.run(json={"pipeline_run": {"variables": {"day": "monday"}}})
    for _ in range(2):
        trigger.run(json={"pipeline_run": {"variables": {"day": "sunday"}}})
    monkeypatch.setattr(listing, "EXAMINED", 1)

    def of(partition: str) -> list[Any]:
        asked = {"pipeline_uuid": "grind", "execution_partition": partition}
        return client.get("/api/block_outputs/load", params=asked).json()["block_output"]["outputs"]

    (found,) = of(first["variables"]["execution_partition"])
    assert '"monday"' in found["text_data"]
    assert of(f"{trigger.id}/20200101T000000_000000") == [], "rather than that of another run"


FRAME = """
    import pandas as pd
    from mage_ai.data_preparation.decorators import custom

    @custom
    def frame(*args, **kwargs):
        return pd.DataFrame({"a": range(12_000), "b": [None, "x"] * 6_000})
    """


def test_frames_are_shown_by_their_first_rows_and_downloaded_whole(alone: Served) -> None:
    client = alone.client()
    made = client.post("/api/pipelines", json={"pipeline": {"name": "frames"}})
    assert "pipeline" in made.json(), made.text
    code = "\n".join(line[4:] for line in FRAME.splitlines())
    block = {"name": "frame", "type": "custom", "language": "python", "content": code}
    assert "block" in client.post("/api/pipelines/frames/blocks", json={"block": block}).json()
    run = alone.run("frames")
    block_run = client.get(f"/api/block_runs?pipeline_run_id={run['id']}").json()["block_runs"][0]
    (found,) = client.get(f"/api/block_runs/{block_run['id']}/outputs?sample_count=3").json()["outputs"]
    like(found, outputs.Output)
    assert found["sample_data"] == {"columns": ["a", "b"], "rows": [[0, None], [1, "x"], [2, None]]}
    assert (found["type"], found["shape"], found["variable_uuid"]) == ("table", [12_000, 2], "output_0")
    (whole,) = client.get(f"/api/block_runs/{block_run['id']}/outputs").json()["outputs"]
    assert len(whole["sample_data"]["rows"]) == 1000
    path = f"/api/pipelines/frames/block_outputs/frame/downloads?pipeline_run_id={run['id']}"
    answer = alone.client(None).get(f"{path}&token={alone.said[Role.VIEWER]}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="frame.csv"'
    lines = answer.text.splitlines()
    assert (lines[:3], len(lines)) == (["a,b", "0,", "1,x"], 12_001)
    assert alone.client(None).get(path).status_code == 401


def test_a_pipeline_is_run_while_the_answer_waits(client: Caller) -> None:
    answer = client.post("/api/runs", json={"run": {"pipeline_uuid": "grind", "variables": {"day": "monday"}}}).json()
    like(answer["run"], shapes.ShownPipelineRun)
    assert (answer["run"]["status"], answer["run"]["variables"]) == ("completed", {"day": "monday"})
    of_block = client.post("/api/runs", json={"run": {"pipeline_uuid": "grind", "block_uuid": "sieve"}}).json()["run"]
    assert [block["status"] for block in of_block["block_runs"]] == ["completed", "completed"]
    assert error(client.post("/api/runs", json={"run": {}}))["type"] == "record_invalid"
    assert client.post(f"/api/runs?{TRUE}", json={"run": {"pipeline_uuid": "none"}}).status_code == 404


def test_what_was_done_is_audited_without_the_token(served: Served, client: Caller, trigger: Trigger) -> None:
    run = trigger.call()

    def noted() -> list[Any]:
        return client.get(f"/v1/audit?run_id={run['id']}").json()["audit"]

    (entry,) = served.until(noted)
    assert (entry["deed"], entry["via"], entry["outcome"]) == ("pipeline_runs.create", "mage", "ok")
    assert trigger.token not in str(entry)


def test_the_status_of_the_server(served: Served) -> None:
    nobody = served.client(None)
    for path in ("/api/statuses", "/api/status"):
        answer = nobody.get(path).json()
        assert answer["metadata"] == {}
        (found,) = answer["statuses"]
        like(found, statuses.Status)
        assert found["scheduler_status"] == "running"
    detailed = nobody.get("/api/status?_format=with_activity_details").json()["statuses"][0]
    like(detailed, statuses.DetailedStatus)
