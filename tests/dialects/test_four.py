"""One story in four dialects: a run that is begun in one is the same run in the others, whoever begins it and however it ends."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from tests.api.conftest import Caller, Served
from tests.dialects.truestate import stories

MAGE = "/projects/authored/api"


class Pipeline(NamedTuple):
    """A pipeline that came by an API, by each of its names."""

    uid: str
    name: str
    steps: tuple[str, ...]


class Run(NamedTuple):
    """A run, by each of its ids."""

    id: int
    uid: str


Begin = Callable[[Served, Pipeline], Run]


def in_v1(served: Served, pipeline: Pipeline) -> Run:
    answer = served.client().post("/v1/runs", json={"project": "authored", "pipeline": pipeline.name})
    return Run(answer.json()["id"], answer.json()["uid"])


def in_mage(served: Served, pipeline: Pipeline) -> Run:
    client = served.client()
    schedule = {"pipeline_schedule": {"name": served.name("by call"), "schedule_type": "api"}}
    trigger = client.post(f"{MAGE}/pipelines/{pipeline.name}/pipeline_schedules", json=schedule).json()[
        "pipeline_schedule"
    ]
    made = client.post(f"{MAGE}/pipeline_schedules/{trigger['id']}/pipeline_runs/{trigger['token']}", json={}).json()
    return by_id(served, made["pipeline_run"]["id"])


def in_truestate(served: Served, pipeline: Pipeline) -> Run:
    return by_uid(served, served.client().post(f"/pipelines/{pipeline.uid}/runs/").json()["id"])


def in_maestro(served: Served, pipeline: Pipeline) -> Run:
    asked = {"pipeline_id": pipeline.uid.replace("-", "_")}
    begun = served.client().post("/platform/pipeline/execute", json=asked).json()
    return by_uid(served, begun["data"]["run_id"].replace("_", "-"))


def by_id(served: Served, run_id: int) -> Run:
    return Run(run_id, served.app.store.runs.get(run_id).uid)


def by_uid(served: Served, uid: str) -> Run:
    return Run(served.app.store.runs.get(uid).id, uid)


STARTERS = (in_v1, in_mage, in_truestate, in_maestro)
WORDS = {
    "completed": ("completed", "completed", "Succeeded", "SUCCESS"),
    "failed": ("failed", "failed", "Failed", "FAILED"),
    "cancelled": ("cancelled", "cancelled", "Failed", "FAILED"),
}


@pytest.fixture(scope="module")
def flows(served: Served) -> Pipeline:
    return _known(served, stories.made(served))


@pytest.fixture(scope="module")
def breaks(served: Served) -> Pipeline:
    name = served.name("crack").replace("-", "_")
    steps = [
        stories.job("head", "select cast('stone' as integer) as n", name),
        stories.job("race", f"select * from {name}", f"{name}_2"),
    ]
    return _known(served, stories.made(served, steps))


def _known(served: Served, made: Any) -> Pipeline:
    row = served.app.store.pipelines.by_uid(made["id"])
    assert row is not None
    return Pipeline(made["id"], row.name, tuple(each["name"] for each in made["current_config_version"]["steps"]))


@pytest.mark.parametrize("begin", STARTERS)
def test_a_run_that_completes_is_one_in_all_of_them(served: Served, flows: Pipeline, begin: Begin) -> None:
    run = begin(served, flows)
    ended(served, run)
    assert told(served.client(), flows, run) == WORDS["completed"]
    assert steps(served.client(), flows, run) == dict.fromkeys(flows.steps, ("completed", "completed", "Succeeded"))
    assert is_listed(served.client(), flows, run)


@pytest.mark.parametrize("begin", STARTERS)
def test_a_run_that_fails_is_one_in_all_of_them(served: Served, breaks: Pipeline, begin: Begin) -> None:
    run = begin(served, breaks)
    ended(served, run)
    assert told(served.client(), breaks, run) == WORDS["failed"]
    assert steps(served.client(), breaks, run) == {
        "head": ("failed", "failed", "Failed"),
        "race": ("upstream_failed", "upstream_failed", "Omitted"),
    }
    why = served.client().get(f"/platform/pipeline/{breaks.uid}/pipeline_run/{run.uid}").json()["trace"]
    assert "stone" in why
    assert why in str(served.client().get(f"/v1/runs/{run.id}").json()["blocks"])


def test_a_run_of_a_folder_is_one_in_all_of_them_too(served: Served) -> None:
    run = served.run("grind")
    row = served.app.store.pipelines.get(served.app.store.runs.get(run["id"]).pipeline_id)
    pipeline = Pipeline(row.uid, "grind", ("load", "sieve"))
    assert told(served.client(), pipeline, Run(run["id"], run["uid"]), "/projects/mill/api") == WORDS["completed"]


@pytest.mark.parametrize("stop", ["v1", "mage", "truestate"])
def test_a_run_that_is_stopped_in_one_is_stopped_in_all_of_them(served: Served, stop: str, tmp_path: Any) -> None:
    client = served.client()
    asked = {"project": "mill", "pipeline": "turn", "variables": {"until": str(tmp_path / "until")}}
    begun = client.post("/v1/runs", json=asked).json()
    run = Run(begun["id"], begun["uid"])
    row = served.app.store.pipelines.get(served.app.store.runs.get(run.id).pipeline_id)
    match stop:
        case "v1":
            client.post(f"/v1/runs/{run.id}/cancel")
        case "mage":
            client.put(f"/projects/mill/api/pipeline_runs/{run.id}", json={"pipeline_run": {"status": "cancelled"}})
        case _:
            client.post(f"/pipelines/{row.uid}/runs/{run.uid}/stop/")
    ended(served, run)
    pipeline = Pipeline(row.uid, "turn", ("turn",))
    assert told(client, pipeline, run, "/projects/mill/api") == WORDS["cancelled"]


def ended(served: Served, run: Run) -> None:
    served.until(lambda: served.app.store.runs.get(run.id).ended_at)


def told(client: Caller, pipeline: Pipeline, run: Run, mage: str = MAGE) -> tuple[str, str, str, str]:
    """The word of each dialect for how it stands; all of them know it by its ids, and when it began and ended."""
    one = client.get(f"/v1/runs/{run.id}").json()
    as_mage = client.get(f"{mage}/pipeline_runs/{run.id}").json()["pipeline_run"]
    as_truestate = client.get(f"/pipelines/{pipeline.uid}/runs/{run.uid}/").json()
    as_maestro = client.get(f"/platform/pipeline/{pipeline.uid}/pipeline_run/{run.uid}").json()
    assert {one["uid"], as_truestate["id"], as_maestro["pipeline_run_id"].replace("_", "-")} == {run.uid}
    assert {one["pipeline"], as_mage["pipeline_uuid"]} == {pipeline.name}
    assert {as_truestate["pipeline_version"]["pipeline_id"], as_maestro["pipeline_id"].replace("_", "-")} == {
        pipeline.uid
    }
    assert one["ended_at"] == as_truestate["finished_at"]
    assert as_maestro["updated_at"][:19] == one["ended_at"][:19]
    return one["status"], as_mage["status"], as_truestate["status"], as_maestro["last_status"]


def steps(client: Caller, pipeline: Pipeline, run: Run) -> dict[str, tuple[str, str, str]]:
    """The word of each dialect for each step of the run; Maestro has none for jobs of a run."""
    one = {each["block"]: each["status"] for each in client.get(f"/v1/runs/{run.id}").json()["blocks"]}
    rows = client.get(f"{MAGE}/pipeline_runs/{run.id}/block_runs").json()["block_runs"]
    as_mage = {each["block_uuid"]: each["status"] for each in rows}
    as_truestate = {
        each["name"]: each["status"]
        for each in client.get(f"/pipelines/{pipeline.uid}/runs/{run.uid}/").json()["run_steps"]
    }
    assert set(one) == set(as_mage) == set(as_truestate)
    return {name: (one[name], as_mage[name], as_truestate[name]) for name in one}


def is_listed(client: Caller, pipeline: Pipeline, run: Run) -> bool:
    """Whether each dialect has it in its list of the pipeline's runs."""
    listed = client.get("/v1/runs", params={"project": "authored", "pipeline": pipeline.name}).json()["runs"]
    as_mage = client.get(f"{MAGE}/pipelines/{pipeline.name}/pipeline_runs").json()["pipeline_runs"]
    as_truestate = client.get(f"/pipelines/{pipeline.uid}/runs/").json()
    as_maestro = client.get(f"/platform/pipeline/{pipeline.uid}/pipeline_run").json()
    return (
        run.id in [each["id"] for each in listed]
        and run.id in [each["id"] for each in as_mage]
        and run.uid in [each["id"] for each in as_truestate]
        and run.uid in [each["pipeline_run_id"].replace("_", "-") for each in as_maestro]
    )
