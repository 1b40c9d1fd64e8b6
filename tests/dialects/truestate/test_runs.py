"""Runs of pipelines of steps: begun, whole or in part, told as Argo Workflows, filtered, stopped, and their lines."""

import shutil
from typing import Any

import pytest
from tests.api.conftest import Caller, Served
from tests.dialects.truestate import contract, stories, workflows

from headrace.model.run import BlockStatus, Run, RunStatus
from headrace.operations import datasets

AWAY = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


def begin(served: Served, pipeline: Any, **part: str | None) -> dict[str, Any]:
    answer = served.client().post(f"/pipelines/{pipeline['id']}/runs/", json=part)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_whole_of_it_over_each_database(either: Served) -> None:
    client = either.client()
    rows = {
        "dataset_name": "grain",
        "row_unique_identifier": "id",
        "data": [{"id": 1, "kg": 2.5}, {"id": 2, "kg": 4.0}],
    }
    assert client.put("/datasets/upsert", json=rows).json()["row_count"] == 2
    made = stories.made(either, [stories.job("one", "select sum(kg) as kg from grain", "sums")])
    found = stories.ended(either, client, begin(either, made))
    contract.run(found)
    assert found["status"] == "Succeeded", found["argo_metadata"]
    version = {"version_id": made["current_config_version_id"]}
    for asked in ({}, version):
        assert client.get(f"/pipelines/{made['id']}/runs/", params=asked).json() == [found]
    assert client.get("/pipelines/", params={"name": made["name"]}).json() == [made]
    assert [each["name"] for each in client.get("/datasets/").json()] == ["grain", "sums"]
    assert client.post(f"/pipelines/{made['id']}/runs/{found['id']}/stop/").status_code == 409
    assert client.delete(f"/pipelines/{made['id']}").status_code == 200


@pytest.fixture(scope="module")
def pipeline(served: Served) -> dict[str, Any]:
    """One that has run once; what tests make of it later stands before that run."""
    return stories.made(served)


@pytest.fixture(scope="module")
def begun(served: Served, pipeline: dict[str, Any]) -> dict[str, Any]:
    """Its first run, as it was told when it began."""
    return begin(served, pipeline)


@pytest.fixture(scope="module")
def first(served: Served, begun: dict[str, Any]) -> dict[str, Any]:
    """The same run, once it had ended."""
    return stories.ended(served, served.client(), begun)


def test_a_run_is_as_the_contract_says_from_its_beginning_to_its_end(
    pipeline: Any, begun: Any, first: Any, client: Caller
) -> None:
    contract.run(begun)
    assert begun["pipeline_version"] == pipeline["current_config_version"]
    found = first
    contract.run(found)
    workflows.refuse(found["argo_manifest"])
    assert found["argo_manifest"] == begun["argo_manifest"]
    assert found["status"] == found["argo_metadata"]["phase"] == "Succeeded"
    assert [(each["name"], each["status"]) for each in found["run_steps"]] == [
        ("head", "Succeeded"),
        ("race", "Succeeded"),
        ("tail", "Succeeded"),
    ]
    assert client.get(f"/pipelines/{pipeline['id']}/runs/").json()[-1] == found


@pytest.mark.usefixtures("first")
def test_what_the_steps_have_written_is_in_their_datasets(served: Served, client: Caller, pipeline: Any) -> None:
    written = pipeline["current_config_version"]["steps"][2]["config"]["output_datasets"][0]
    assert datasets.head(served.app, written).rows == [[25.0]]
    told = client.get("/datasets/", params={"name": written}).json()
    assert [(each["name"], each["row_count"], each["data_schema"]) for each in told] == [
        (written, 1, {"flow": "double"})
    ]


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    ("part", "steps"),
    [
        ({"start_job_name": "race"}, ["race", "tail"]),
        ({"end_job_name": "race"}, ["head", "race"]),
        ({"start_job_name": "race", "end_job_name": "race"}, ["race"]),
    ],
)
def test_a_part_of_the_graph_is_run_by_itself(
    served: Served, client: Caller, pipeline: Any, part: dict[str, str | None], steps: list[str]
) -> None:
    found = stories.ended(served, client, begin(served, pipeline, **part))
    assert found["status"] == "Succeeded", found["argo_metadata"]
    assert [each["name"] for each in found["run_steps"]] == steps
    tasks = found["argo_manifest"]["spec"]["templates"][0]["dag"]["tasks"]
    assert [each["name"] for each in tasks] == steps
    workflows.refuse(found["argo_manifest"])


def test_a_part_that_there_is_not_is_told_with_its_field(client: Caller, pipeline: Any) -> None:
    at = f"/pipelines/{pipeline['id']}/runs/"
    for side in ("start_job_name", "end_job_name"):
        assert "head, race, tail" in stories.refused(client.post(at, json={side: "mouth"}), "body", side)
    before = client.get(at).json()
    back = {"start_job_name": "tail", "end_job_name": "head"}
    assert "from tail" in stories.refused(client.post(at, json=back), "body", "end_job_name")
    assert client.get(at).json() == before


def test_notes_are_no_part_of_a_stretch(served: Served, client: Caller) -> None:
    """A pipeline of a folder may have blocks that never run, between those that do."""
    written = served.folder / "pipelines" / "noted" / "metadata.yaml"
    written.parent.mkdir()
    written.write_text(NOTED)
    pipeline = {"id": served.app.store.pipelines.get(_row(served, served.run("noted"))).uid}
    at = f"/pipelines/{pipeline['id']}/runs/"
    for side in ("start_job_name", "end_job_name"):
        assert "load, sieve" in stories.refused(client.post(at, json={side: "note"}), "body", side)
    found = stories.ended(served, client, begin(served, pipeline, start_job_name="load", end_job_name="sieve"))
    assert [(each["name"], each["status"]) for each in found["run_steps"]] == [
        ("load", "Succeeded"),
        ("sieve", "Succeeded"),
    ]
    shutil.rmtree(written.parent)


NOTED = """
name: noted
blocks:
- {uuid: load, type: data_loader, language: python, upstream_blocks: [], downstream_blocks: [note, sieve]}
- {uuid: note, type: markdown, language: markdown, upstream_blocks: [load], downstream_blocks: [sieve]}
- {uuid: sieve, type: transformer, language: python, upstream_blocks: [load, note], downstream_blocks: []}
"""


def _row(served: Served, run: Any) -> int:
    return served.app.store.runs.get(run["id"]).pipeline_id


def test_a_run_stays_of_the_version_it_began_with_and_can_be_found_by_it(served: Served, client: Caller) -> None:
    name = served.name("flow").replace("-", "_")
    pipeline = stories.made(served, [stories.job("one", "select 1 as n", name)])
    first = stories.ended(served, client, begin(served, pipeline))
    at = f"/pipelines/{pipeline['id']}"
    version = client.post(f"{at}/versions/", json={"jobs": [stories.job("one", "select 2 as n", name)]}).json()
    second = stories.ended(served, client, begin(served, pipeline))
    assert (first["pipeline_version"]["id"], second["pipeline_version"]["id"]) == (
        pipeline["current_config_version_id"],
        version["id"],
    )
    for run in (first, second):
        assert client.get(f"{at}/runs/", params={"version_id": run["pipeline_config_version_id"]}).json() == [run]
    assert [each["id"] for each in client.get(f"{at}/runs/").json()] == [second["id"], first["id"]]
    assert [each["id"] for each in client.get(f"{at}/runs/?limit=1&offset=1").json()] == [first["id"]]


def test_a_version_of_another_pipeline_is_none_of_this_one(served: Served, client: Caller, pipeline: Any) -> None:
    other = stories.made(served)
    at = f"/pipelines/{pipeline['id']}/runs/"
    for version in (other["current_config_version_id"], AWAY):
        answer = client.get(at, params={"version_id": version})
        assert answer.status_code == 404
        assert version in answer.json()["detail"]
    assert stories.refused(client.get(at, params={"version_id": "1"}), "query", "version_id")


@pytest.mark.parametrize("field", ["version_id", "pipeline_config_version_id", "workflow_config_version_id"])
def test_just_the_version_that_is_named_runs(served: Served, client: Caller, field: str) -> None:
    name = served.name("named").replace("-", "_")
    made, other = stories.made(served, [stories.job("one", "select 1 as n", name)]), stories.made(served)
    at = f"/pipelines/{made['id']}"
    now = client.post(f"{at}/versions/", json={"jobs": [stories.job("one", "select 2 as n", name)]}).json()["id"]
    for version in (other["current_config_version_id"], AWAY):
        answer = client.post(f"{at}/runs/", json={field: version})
        assert (answer.status_code, version in answer.json()["detail"]) == (404, True)
    assert client.get(f"{at}/runs/").json() == []
    for version in (now, made["current_config_version_id"]):
        run = begin(served, made, **{field: version, "start_job_name": "one"})
        assert run["pipeline_config_version_id"] == version


def test_what_no_run_is_asked_for_by_is_refused(client: Caller, pipeline: Any) -> None:
    at = f"/pipelines/{pipeline['id']}/runs/"
    before = client.get(at).json()
    for field, said in (("start_job", "race"), ("version_id", "1")):
        assert stories.refused(client.post(at, json={field: said}), "body", field)
    assert client.get(at).json() == before


def test_a_run_of_another_pipeline_is_none_of_this_one(served: Served, client: Caller, first: Any) -> None:
    other = stories.made(served)
    for path in ("", "/logs"):
        assert client.get(f"/pipelines/{other['id']}/runs/{first['id']}{path}").status_code == 404
    assert client.post(f"/pipelines/{other['id']}/runs/{first['id']}/stop").status_code == 404


def test_a_run_of_any_blocks_is_told_and_its_lines_are_read_by_step(served: Served, client: Caller) -> None:
    number = served.run("grind", day="2026-01-31")["id"]
    run = served.app.store.runs.get(number)
    at = f"/pipelines/{served.app.store.pipelines.get(run.pipeline_id).uid}/runs/{run.uid}"
    found = client.get(at).json()
    contract.run(found)
    workflows.refuse(found["argo_manifest"])
    lines = client.get(f"{at}/logs/", params={"step": "load"}).json()
    assert [(each["step"], each["message"], each["attempt"]) for each in lines] == [("load", "loading 2026-01-31", 1)]
    assert set(lines[0]) == {"step", "attempt", "timestamp", "level", "stream", "message"}
    assert client.get(f"{at}/logs/", params={"step": "sieve"}).json() == []
    assert client.get(f"{at}/logs/", params={"step": "nobody"}).status_code == 404
    assert stories.refused(client.get(f"{at}/logs/", params={"after": "zz"}), "query", "after")


def test_a_part_that_goes_on_from_earlier_outputs_has_its_own_steps_alone(served: Served, client: Caller) -> None:
    run = served.app.store.runs.get(served.run("grind", day="2026-01-31")["id"])
    pipeline = {"id": served.app.store.pipelines.get(run.pipeline_id).uid}
    found = stories.ended(served, client, begin(served, pipeline, start_job_name="sieve"))
    assert [(each["name"], each["status"]) for each in found["run_steps"]] == [("sieve", "Succeeded")]
    assert found["argo_metadata"]["progress"] == "1/1"
    workflows.refuse(found["argo_manifest"])


def test_lines_are_told_page_by_page(served: Served, client: Caller) -> None:
    run = served.app.store.runs.get(served.run("grind", day="today\nand tomorrow")["id"])
    at = f"/pipelines/{served.app.store.pipelines.get(run.pipeline_id).uid}/runs/{run.uid}/logs/"
    whole, pages, link = client.get(at).json(), [], f"{at}?limit=1"
    while link:
        answer = client.get(link)
        pages += answer.json()
        link = answer.links.get("next", {}).get("url", "")
    assert pages == whole
    assert len(whole) > 1


def test_a_failure_of_the_users_code_is_failed_and_says_why(served: Served, client: Caller) -> None:
    name = served.name("crack").replace("-", "_")
    pipeline = stories.made(
        served,
        [
            stories.job("one", "select cast('stone' as integer) as n", name, input_datasets=[]),
            stories.job("two", f"select * from {name}", f"{name}_2"),
        ],
    )
    found = stories.ended(served, client, begin(served, pipeline))
    assert (found["status"], [each["status"] for each in found["run_steps"]]) == ("Failed", ["Failed", "Omitted"])
    messages = {each["displayName"]: each["message"] for each in found["argo_metadata"]["nodes"].values()}
    assert "stone" in messages["one"]
    assert messages["two"] == messages[found["name"]] == "one failed"
    assert found["argo_metadata"]["progress"] == "0/2"
    contract.run(found)


def test_a_run_is_stopped_and_what_has_ended_is_not(served: Served, client: Caller, tmp_path: Any) -> None:
    until = tmp_path / "until"
    begun = client.post("/v1/runs", json={"pipeline": "turn", "variables": {"until": str(until)}}).json()
    run = served.app.store.runs.get(begun["id"])
    pipeline = served.app.store.pipelines.get(run.pipeline_id).uid
    at = f"/pipelines/{pipeline}/runs/{run.uid}"
    asked = client.post(f"{at}/stop/")
    assert asked.status_code == 200
    found = stories.ended(served, client, asked.json())
    assert (found["status"], found["argo_metadata"]["message"]) == ("Failed", "cancel_requested")
    again = client.post(f"{at}/stop/")
    assert again.status_code == 409
    assert "cancelled" in again.json()["detail"]


def test_what_the_engine_could_not_do_is_an_error_and_none_of_the_codes() -> None:
    from headrace.api.truestate import statuses

    assert {statuses.of_block(each, "returned") for each in BlockStatus} == contract.PHASES - {"Error"}
    assert statuses.of_block(BlockStatus.FAILED, "no_worker") == "Error"
    let_go = Run(1, AWAY, 1, 1, 1, RunStatus.FAILED, "let go: OSError", {}, *(_AT, _AT))
    assert statuses.of_run(let_go, []) == "Error"


_AT: Any = None
