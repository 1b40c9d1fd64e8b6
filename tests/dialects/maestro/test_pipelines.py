"""Pipelines of jobs: made, read, described, scheduled, paused, given memory, deleted; and every refusal in its own style."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.conftest import Served, refused
from tests.dialects.maestro.stories import (
    Document,
    Store,
    begun,
    body,
    ended,
    into,
    job,
    made,
    new_id,
    ran,
    table,
    told,
)

from headrace.model.access import Role
from headrace.operations import catalogue
from headrace.project import authored


@pytest.fixture
def jobs(store: Store, orders: Document) -> list[Document]:
    return [job(orders, into(store, "copy"))]


def test_a_pipeline_is_told_as_it_was_made(served: Served, store: Store, jobs: list[Document]) -> None:
    wanted = body(served, jobs, description="three orders", cron="0 6 * * *")
    client = served.client()
    answer = client.post("/platform/pipeline", json=wanted)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    uid = told(wanted["id"])
    assert found["status"] is True
    assert {name: found["data"][name] for name in ("id", "name", "description", "cron", "status")} == {
        "id": uid,
        "name": wanted["name"],
        "description": "three orders",
        "cron": "0 6 * * *",
        "status": "active",
    }
    assert set(found["data"]) == {*wanted, "status", "created_at", "updated_at"}
    own = {
        "id": found["data"]["jobs"][0]["id"],
        "job_id": f"{uid}_0",
        "job_status": "CREATED",
        "input": {"connector": "jdbc", "plugin": "sqlite", "table_name": "orders"},
        "output": into(store, "copy"),
    }
    assert found["data"]["jobs"] == [own]
    for id in (uid, wanted["id"], wanted["id"].upper()):
        assert client.get(f"/platform/pipeline/{id}").json() == found
    (listed,) = (each for each in client.get("/platform/pipelines").json() if each["pipeline_id"] == uid)
    assert listed == {
        "id": listed["id"],
        "pipeline_id": uid,
        "name": wanted["name"],
        "description": "three orders",
        "cron": "0 6 * * *",
        "last_status": "CREATED",
        "jobs": [own],
    }


def test_once_is_a_schedule_too(served: Served, store: Store, jobs: list[Document]) -> None:
    pipeline = made(served, jobs, cron="@once")
    served.until(lambda: served.client().get(f"/platform/pipeline/{pipeline}/runs").json())
    (run,) = served.client().get(f"/platform/pipeline/{pipeline}/runs").json()
    assert ended(served, pipeline, run["pipeline_run_id"])["last_status"] == "SUCCESS"


def test_a_schedule_comes_changes_and_goes(served: Served, jobs: list[Document]) -> None:
    pipeline, client = made(served, jobs), served.client()
    for cron in ("0 6 * * *", "*/5 * * * *", None):
        answer = client.patch(f"/platform/pipeline/{pipeline}", json={"cron": cron})
        assert (answer.status_code, answer.json()) == (200, {"detail": f"successfully patched {pipeline}"})
        assert client.get(f"/platform/pipeline/{pipeline}").json()["data"]["cron"] == cron
    assert client.patch(f"/platform/pipeline/{pipeline}", json={"cron": "every day"}).status_code == 400


def test_name_and_description_change(served: Served, jobs: list[Document]) -> None:
    pipeline, client, name = made(served, jobs, cron="@daily"), served.client(), served.name("else")
    assert client.patch(f"/platform/pipeline/{pipeline}", json={"name": name}).status_code == 200
    assert client.patch(f"/platform/pipeline/{pipeline}", json={"description": "new"}).status_code == 200
    found = client.get(f"/platform/pipeline/{pipeline}").json()["data"]
    assert (found["name"], found["description"], found["cron"]) == (name, "new", "@daily")
    for change in ({"description": "newer"}, {"description": "new"}, {"cron": "@hourly"}):
        assert client.patch(f"/platform/pipeline/{pipeline}", json=change).status_code == 200
        after = client.get(f"/platform/pipeline/{pipeline}").json()["data"]
        assert after["updated_at"] > found["updated_at"]
        found = after
    answer = client.patch(f"/platform/pipeline/{pipeline}", json={"pipeline_id": new_id()})
    assert (answer.status_code, answer.json()) == (400, {"detail": "Property pipeline_id is read only"})
    other = told(new_id())
    answer = client.patch(f"/platform/pipeline/{other}", json={"name": "x"})
    assert (answer.status_code, answer.json()) == (404, {"detail": f"pipeline_id {other} not found"})


def test_of_changes_that_are_refused_none_is_made(served: Served, jobs: list[Document]) -> None:
    taken, client = served.name("taken"), served.client()
    made(served, jobs, name=taken)
    pipeline = made(served, jobs, description="old")
    for change in ({"name": taken, "cron": "0 7 * * *"}, {"description": "new", "cron": "every day"}):
        assert client.patch(f"/platform/pipeline/{pipeline}", json=change).status_code == 400
    found = client.get(f"/platform/pipeline/{pipeline}").json()["data"]
    assert (found["description"], found["cron"]) == ("old", None)
    assert client.patch(f"/platform/pipeline/{pipeline}", json={"description": None}).status_code == 200
    assert client.get(f"/platform/pipeline/{pipeline}").json()["data"]["description"] == ""


def test_a_paused_pipeline_begins_no_run_whoever_asks(served: Served, jobs: list[Document]) -> None:
    pipeline, client = made(served, jobs), served.client()
    for path, message in (("pause", "paused"), ("unpause", "unpaused"), ("pause", "paused")):
        answer = client.post(f"/platform/pipeline/{path}", json={"pipeline_id": pipeline})
        said = {"message": f"Pipeline {pipeline} was {message}.", "pipeline_id": pipeline}
        assert (answer.status_code, answer.json()) == (200, {"status": True, "data": said})
    assert client.get(f"/platform/pipeline/{pipeline}").json()["data"]["status"] == "paused"
    assert _kind(client.post("/platform/pipeline/pause", json={"pipeline_id": pipeline})) == "PipelineAlreadyPaused"
    answer = client.post("/platform/pipeline/execute", json={"pipeline_id": pipeline})
    assert (answer.status_code, _kind(answer)) == (400, "PipelinePaused")
    row = catalogue.row(served.app, pipeline.replace("_", "-"))
    of = {"project": "authored", "pipeline": row.name}
    assert refused(client.post("/v1/runs", json=of), 409)["kind"] == "pipeline_paused"
    trigger = client.post("/v1/triggers", json={**of, "name": "called", "type": "api"}).json()
    assert refused(client.post(f"/v1/triggers/{trigger['id']}/runs"), 409)["kind"] == "pipeline_paused"
    assert client.get(f"/platform/pipeline/{pipeline}/runs").json() == []
    client.post("/platform/pipeline/unpause", json={"pipeline_id": pipeline})
    assert _kind(client.post("/platform/pipeline/unpause", json={"pipeline_id": pipeline})) == "PipelineNotPaused"
    ran(served, pipeline)


def test_what_comes_due_while_it_is_paused_is_a_gap(alone: Served, jobs: list[Document]) -> None:
    pipeline = made(alone, jobs, cron="0 6 * * *")
    alone.client().post("/platform/pipeline/pause", json={"pipeline_id": pipeline})
    row = catalogue.row(alone.app, pipeline.replace("_", "-"))
    (trigger,) = (each.trigger for each in alone.app.store.triggers.list(pipeline=row.name))
    assert trigger.due_at is not None
    from headrace.engine.scheduler import Scheduler

    Scheduler(alone.app.store, alone.app.maker).run_once(trigger.due_at)
    (gap,) = alone.app.store.triggers.gaps(trigger.id)
    assert (gap.reason, gap.count) == ("paused", 1)
    assert alone.client().get(f"/platform/pipeline/{pipeline}/runs").json() == []


def test_deleting_takes_schedule_runs_and_bookmarks_and_leaves_what_was_loaded(
    served: Served, store: Store, orders: Document
) -> None:
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    jobs, client = [job(orders, into(store, "copy"), **how)], served.client()
    pipeline = made(served, jobs, cron="0 6 * * *")
    run = ran(served, pipeline)["pipeline_run_id"]
    answer = client.delete(f"/platform/pipeline/{pipeline}")
    assert (answer.status_code, answer.json()) == (200, {"pipeline_id": pipeline, "status": "PIPELINE_DELETED"})
    assert client.get(f"/platform/pipeline/{pipeline}/runs").json() == []
    assert client.get(f"/platform/pipeline/pipeline_run/{run}/logs").status_code == 404
    answer = client.delete(f"/platform/pipeline/{pipeline}")
    assert (answer.status_code, answer.json()) == (404, {"detail": f"pipeline_id {pipeline} not found!!"})
    assert store.copied("SELECT count(*) FROM copy") == [(3,)]
    store.run("DELETE FROM orders WHERE id = 1")
    again = {**body(served, jobs), "id": pipeline}
    assert client.post("/platform/pipeline", json=again).json()["data"]["cron"] is None
    ran(served, pipeline)
    assert store.copied("SELECT count(*) FROM copy") == [(2,)]  # it begins anew


def test_memory_is_given_to_every_job(served: Served, store: Store, orders: Document) -> None:
    pipeline = made(served, [job(orders, into(store, f"copy{number}")) for number in range(2)])
    client = served.client()
    assert _limits(served, pipeline) == [2048 * 2**20] * 2
    answer = client.put(f"/platform/pipeline/{pipeline}/memory", json={"amount": 512})
    data = {"message": f"Memory of pipeline {pipeline} was set.", "pipeline_id": pipeline, "memory_mb": 512}
    assert (answer.status_code, answer.json()) == (200, {"status": True, "data": data})
    assert _limits(served, pipeline) == [512 * 2**20] * 2
    answer = client.put(f"/platform/jobs/{pipeline}_1/memory", json={"amount": 12000})
    assert answer.json()["data"] == {
        "message": f"Memory of job {pipeline}_1 was set.",
        "job_id": f"{pipeline}_1",
        "pipeline_id": pipeline,
        "memory_mb": 12000,
    }
    assert _limits(served, pipeline) == [512 * 2**20, 12000 * 2**20]
    for path in (f"pipeline/{pipeline}", f"jobs/{pipeline}_0"):
        for amount in (0, 31, 12001, -1, 1.5, "many", "2048", True, None):
            answer = client.put(f"/platform/{path}/memory", json={"amount": amount})
            assert answer.status_code == 400
            assert set(answer.json()) == {"message", "statusCode"}
            assert answer.json()["statusCode"] == 400


def test_what_is_no_pipeline_of_jobs_is_changed_elsewhere(served: Served) -> None:
    served.run("grind")
    (row,) = (each for each in served.app.store.pipelines.all() if each.name == "grind")
    client, why = (
        served.client(),
        "The pipeline grind has blocks that are no jobs; they are changed where they were made.",
    )
    answer = client.put(f"/platform/pipeline/{row.uid}/memory", json={"amount": 512})
    assert (answer.status_code, answer.json()) == (400, {"message": why, "statusCode": 400})
    for change in ({"name": "x"}, {"cron": "0 7 * * *"}):
        assert client.patch(f"/platform/pipeline/{row.uid}", json=change).status_code == 400
    assert client.get(f"/platform/pipeline/{row.uid}").json()["data"]["cron"] is None
    assert client.delete(f"/platform/pipeline/{row.uid}").status_code == 400
    assert client.get(f"/platform/jobs/jdbc/{row.uid}_0").status_code == 404
    steps = _of_steps(served, "select 1 as n")
    answer = client.put(f"/platform/pipeline/{steps}/memory", json={"amount": 512})
    assert (answer.status_code, "has blocks that are no jobs" in answer.json()["message"]) == (400, True)


def test_a_step_that_fails_says_why_as_its_query_was_told(served: Served) -> None:
    steps = _of_steps(served, "select cast(who as integer) as n from (values ('x')) as t(who)")
    trace = ended(served, steps, begun(served.client(), steps))["trace"]
    assert trace.startswith("Conversion error in line 1, column 8: Could not convert"), trace


def test_what_is_never_run_is_no_job(alone: Served) -> None:
    note = "{uuid: note, type: markdown, language: markdown, upstream_blocks: [], downstream_blocks: []}"
    where = alone.folder / "pipelines" / "crack" / "metadata.yaml"
    where.write_text(f"{where.read_text()}- {note}\n")
    (alone.folder / "markdowns").mkdir()
    (alone.folder / "markdowns" / "note.md").write_text("a note")
    alone.run("crack")
    (row,) = (each for each in alone.app.store.pipelines.all() if each.name == "crack")
    jobs = alone.client().get(f"/platform/pipeline/{row.uid}").json()["data"]["jobs"]
    assert [(each["job_id"], each["job_status"]) for each in jobs] == [(f"{told(row.uid)}_0", "FAILED")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "one"}, "id"),
        ({"id": None}, "id is required"),
        ({"name": ""}, "name"),
        ({"jobs": []}, "jobs"),
        ({"jobs": [{"input": {}, "output": {}}]}, "jobs[0].input.connector"),
        ({"cron": "now and then"}, "cron"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_is_no_pipeline_is_refused_and_leaves_nothing(
    served: Served, jobs: list[Document], change: Document, said: str
) -> None:
    wanted = {**body(served, jobs), **change}
    before = _names(served)
    answer = served.client().post("/platform/pipeline", json=wanted)
    assert answer.status_code == 400
    assert said in answer.json()["detail"], answer.text
    assert _names(served) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"connector": "singer"}, "input.connector is 'singer'; expected one of jdbc, s3, file"),
        ({"plugin": "oracle"}, "input.plugin is 'oracle'; expected one of postgresql, mysql, sqlite, duckdb"),
        ({"table_name": None}, "input.table_name is None; expected to be given"),
        ({"load_type": "some"}, "input.load_type is 'some'; expected one of full_load, incremental"),
        ({"load_type": "incremental"}, "input.incremental_column_name"),
        ({"load_type": "incremental_with_qualify", "incremental_column_name": "at"}, "input.primary_keys"),
        ({"column_include_list": []}, "input.column_include_list"),
        ({"column_include_list": ["a", 1]}, "input.column_include_list"),
        ({"memory_allocation_mb": 12001}, "input.memory_allocation_mb is 12001; expected a whole number of megabytes"),
        ({"auth_parameters": {"auth_type": "password"}}, "input.auth_parameters.auth_type"),
        ({"plugin": "postgresql"}, "input.auth_parameters.config_id"),
        ({"tabel": "x"}, "input.tabel"),
        ({"path": "store.db"}, "input.path is 'store.db'; expected an absolute path, or a URL"),
    ],
)
def test_what_is_no_input_is_refused_by_the_name_of_its_field(
    served: Served, store: Store, orders: Document, change: Document, said: str
) -> None:
    wanted = body(served, [job(orders, into(store, "x")), job({**orders, **change}, into(store, "copy"))])
    answer = served.client().post("/platform/pipeline", json=wanted)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"jobs[1].{said}"), answer.text


def test_outputs_and_transformations_that_are_not_known_are_refused(
    served: Served, store: Store, orders: Document
) -> None:
    for change, said in (
        ({"output": {"plugin": "dadosfera_snowflake"}}, "output.plugin is 'dadosfera_snowflake'; expected one of"),
        ({"output": {"plugin": "dataset"}}, "output.table_name"),
        ({"transformations": [{"type": "hash"}]}, "transformations is {'type': 'hash'}; expected an empty list"),
        ({"state": "x"}, "state"),
    ):
        wanted = body(served, [{**job(orders, into(store, "copy")), **change}])
        answer = served.client().post("/platform/pipeline", json=wanted)
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith(f"jobs[0].{said}"), answer.text


def test_a_name_or_an_id_is_given_once(served: Served, jobs: list[Document]) -> None:
    wanted, client = body(served, jobs), served.client()
    assert client.post("/platform/pipeline", json=wanted).status_code == 200
    for twin, said in (
        ({**wanted, "id": new_id()}, "has, or has had, a pipeline"),
        ({**wanted, "name": served.name("other")}, f"There is a pipeline with the id {wanted['id']}."),
    ):
        answer = client.post("/platform/pipeline", json=twin)
        assert (answer.status_code, said in answer.json()["detail"]) == (400, True), answer.text


def test_deeds_on_what_is_not_there_say_so(served: Served, jobs: list[Document]) -> None:
    client, other = served.client(), told(new_id())
    for path in ("execute", "pause", "unpause"):
        answer = client.post(f"/platform/pipeline/{path}", json={"pipeline_id": other})
        said = {
            "status": False,
            "exception_type": "PipelineNotFound",
            "traceback": f"pipeline_id {other} not found",
            "data": None,
        }
        assert (answer.status_code, answer.json()) == (404, {"detail": said})
        for nothing in ({}, {"pipeline_id": ""}, {"pipeline_id": None}, None):
            answer = client.post(f"/platform/pipeline/{path}", json=nothing)
            assert (answer.status_code, answer.json()) == (400, {"detail": "pipeline_id is required"})
    assert client.get(f"/platform/pipeline/{other}").json() == {"detail": f"pipeline_id {other} not found"}


def test_who_is_not_known_is_told_so(served: Served, jobs: list[Document]) -> None:
    pipeline = made(served, jobs)
    for ask in _everything(served.client(None), pipeline):
        answer = ask()
        assert (answer.status_code, answer.json()) == (401, {"msg": "Unauthorized"})
    raw = {"Authorization": served.said[Role.VIEWER]}
    assert served.client(None).get(f"/platform/pipeline/{pipeline}", headers=raw).status_code == 200
    assert served.client(Role.VIEWER).delete(f"/platform/pipeline/{pipeline}").status_code == 403


def test_two_jobs_may_not_write_one_dataset(served: Served, store: Store, orders: Document) -> None:
    kept = {"plugin": "dataset", "table_name": "twice_written"}
    answer = served.client().post("/platform/pipeline", json=body(served, [job(orders, kept), job(orders, kept)]))
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("jobs[1].output.table_name is 'twice_written'; expected a dataset that")


@pytest.mark.parametrize("plugin", ["dataset", "sqlite"])
def test_a_target_of_a_name_that_none_can_have_is_refused(
    served: Served, store: Store, orders: Document, plugin: str
) -> None:
    name = "../../evil" if plugin == "dataset" else "Headrace_Loads"
    kept = {**into(store, name), "plugin": plugin}
    answer = served.client().post("/platform/pipeline", json=body(served, [job(orders, kept)]))
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"jobs[0].output.table_name is '{name}'; expected "), answer.text


def test_jobs_of_a_pipeline_go_side_by_side(served: Served, store: Store, orders: Document) -> None:
    """One that fails holds up none of the others."""
    store.run("CREATE TABLE more (id INTEGER)")
    jobs = [job(table(store, name), into(store, f"{name}_copy")) for name in ("nothing", "orders", "more")]
    pipeline = made(served, jobs)
    assert ended(served, pipeline, begun(served.client(), pipeline))["last_status"] == "FAILED"
    found = served.client().get(f"/platform/pipeline/{pipeline}").json()["data"]["jobs"]
    assert [each["job_status"] for each in found] == ["FAILED", "SUCCESS", "SUCCESS"]


def _of_steps(served: Served, query: str) -> str:
    """A pipeline of one step of SQL: its id."""
    name = served.name("total").replace("-", "_")
    config = {"job_type": "data-transform", "query_type": "sql", "query": query, "output_datasets": [name]}
    new = {"name": name, "description": "all", "pipeline_config": {"jobs": [{"name": "sum", "config": config}]}}
    return told(served.client().post("/pipelines/", json=new).json()["id"])


def _kind(answer: Any) -> str:
    assert set(answer.json()["detail"]) == {"status", "exception_type", "traceback", "data"}
    return answer.json()["detail"]["exception_type"]


def _limits(served: Served, pipeline: str) -> list[int | None]:
    blocks = catalogue.get(served.app, pipeline.replace("_", "-")).current.content.blocks
    return [each.memory_limit for each in blocks]


def _names(served: Served) -> tuple[str, ...]:
    return authored.names(authored.found(served.app.settings.home))


def _everything(client: Any, pipeline: str) -> list[Callable[[], Any]]:
    return [
        lambda: client.get("/platform/pipelines"),
        lambda: client.delete(f"/platform/pipeline/{pipeline}"),
        lambda: client.post("/platform/pipeline/execute", json={"pipeline_id": pipeline}),
        lambda: client.put(f"/platform/pipeline/{pipeline}/memory", json={"amount": 1}),
        lambda: client.get(f"/platform/pipeline/{pipeline}/runs"),
    ]
