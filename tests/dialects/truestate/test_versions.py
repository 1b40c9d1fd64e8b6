"""Earlier versions of pipelines are run as they were, whatever is written by now, and each dialect tells the run so."""

import shutil
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests import walking
from tests.api.conftest import WAIT, Caller, Served
from tests.dialects.maestro import stories as maestro
from tests.dialects.truestate import contract, stories, workflows

from headrace import clock
from headrace.engine.cleaning import Cleaning
from headrace.model.access import Grant, Role
from headrace.operations import datasets


class Changed(NamedTuple):
    """A pipeline of which the first version has other steps than the present one; `writes` is what both write."""

    uid: str
    first: str
    now: str
    writes: str


def changed(served: Served) -> Changed:
    client, writes = served.client(), served.name("ware").replace("-", "_")
    was = [
        stories.job("one", "select 1 as n", writes),
        stories.job("two", f"select n + 1 as n from {writes}", f"{writes}_2"),
    ]
    made = stories.made(served, was)
    at = f"/pipelines/{made['id']}/versions/"
    now = client.post(at, json={"jobs": [stories.job("three", "select 3 as n", writes)]}).json()
    return Changed(made["id"], made["current_config_version_id"], now["id"], writes)


def run(served: Served, of: Changed, version: str | None, caller: Caller | None = None, **part: str) -> dict[str, Any]:
    """A run of that version that has succeeded, begun by the caller or else by the owner."""
    answer = (caller or served.client()).post(f"/pipelines/{of.uid}/runs/", json={"version_id": version, **part})
    assert answer.status_code == 200, answer.text
    found = stories.ended(served, served.client(), answer.json())
    contract.run(found)
    assert found["status"] == "Succeeded", found["argo_metadata"]
    return found


def in_v1(served: Served, told: Any) -> dict[str, Any]:
    return served.client().get(f"/v1/runs/{served.app.store.runs.get(told['id']).id}").json()


def names(run: Any) -> list[str]:
    return [each["name"] for each in run["run_steps"]]


def test_an_earlier_version_is_run_as_it_was(either: Served) -> None:
    client, of = either.client(), changed(either)
    found = run(either, of, of.first)
    workflows.refuse(found["argo_manifest"])
    assert (found["pipeline_config_version_id"], names(found)) == (of.first, ["one", "two"])
    assert datasets.head(either.app, f"{of.writes}_2").rows == [[2]]
    pipeline = client.get(f"/pipelines/{of.uid}/").json()
    assert pipeline["current_config_version_id"] == of.now, "what is written is what it was"
    assert names(run(either, of, of.now)) == names(run(either, of, None)) == ["three"]
    for version, count in ((of.first, 1), (of.now, 2)):
        listed = client.get(f"/pipelines/{of.uid}/runs/", params={"version_id": version}).json()
        assert len(listed) == count


def test_each_dialect_tells_which_version_it_is_of(served: Served, client: Caller) -> None:
    of = changed(served)
    found = in_v1(served, run(served, of, of.first))
    there = f"/v1/projects/authored/pipelines/{found['pipeline']}/versions"
    hashes = [each["hash"] for each in client.get(there).json()["versions"]]
    assert found["version"] == hashes[1]
    was = client.get(f"{there}/{found['version']}").json()["pipeline"]
    assert [each["uuid"] for each in was["blocks"]] == [each["block"] for each in found["blocks"]] == ["one", "two"]
    mage = client.get(f"/projects/authored/api/pipeline_runs/{found['id']}/block_runs").json()["block_runs"]
    assert [each["block_uuid"] for each in mage] == ["one", "two"]
    code = f"/v1/projects/authored/pipelines/{found['pipeline']}/blocks/one/code"
    assert client.get(code, params={"version": found["version"]}).json()["text"] == "select 1 as n"


def test_a_part_of_an_earlier_version_has_its_steps(served: Served, client: Caller) -> None:
    of = changed(served)
    assert names(run(served, of, of.first, start_job_name="one", end_job_name="one")) == ["one"]
    said = stories.refused(
        client.post(f"/pipelines/{of.uid}/runs/", json={"version_id": of.first, "start_job_name": "three"}),
        "body",
        "start_job_name",
    )
    assert "one, two" in said


def test_such_a_run_goes_on_with_the_version_that_it_has(served: Served, client: Caller) -> None:
    of = changed(served)
    first = in_v1(served, run(served, of, of.first))
    answer = client.post(f"/v1/runs/{first['id']}/retry", json={"whole": True}, headers=WAIT)
    assert answer.status_code == 202, answer.text
    again = client.get(f"/v1/runs/{first['id']}").json()
    assert [len(each["attempts"]) for each in again["blocks"]] == [2, 2]
    assert (again["status"], again["version"], again["snapshot"]) == ("completed", first["version"], first["snapshot"])
    assert client.get(f"/pipelines/{of.uid}/runs/{first['uid']}/").json()["pipeline_version"]["id"] == of.first


def test_code_that_was_taken_away_is_laid_out_again(served: Served) -> None:
    of = changed(served)
    first = in_v1(served, run(served, of, of.first))
    laid = served.app.settings.home / "versions" / first["snapshot"]
    shutil.rmtree(laid)
    again = in_v1(served, run(served, of, of.first))
    assert again["snapshot"] == first["snapshot"]
    assert [each.read_text() for each in sorted(laid.rglob("*.sql"))] == [
        "select 1 as n",
        f"select n + 1 as n from {of.writes}",
    ]


def test_the_present_version_stays_while_an_earlier_one_is_run(alone: Served) -> None:
    of, _another, late = changed(alone), changed(alone), clock.now() + timedelta(days=10)
    run(alone, of, of.first)
    for _ in Cleaning(alone.app.store, alone.app.settings, late, pytest.fail).steps():
        pass
    found = alone.client().get(f"/pipelines/{of.uid}/").json()
    assert found["current_config_version_id"] == of.now
    assert {each["id"] for each in found["config_versions"]} == {of.first, of.now}


def test_jobs_of_an_earlier_version_are_run_too(served: Served, client: Caller, tmp_path: Path) -> None:
    store = maestro.Store(tmp_path)
    store.run("CREATE TABLE orders (id INTEGER)", "INSERT INTO orders VALUES (1), (2)")
    jobs = [maestro.job(maestro.table(store, "orders"), maestro.into(store, "copied"))]
    uid = maestro.made(served, jobs).replace("_", "-")
    was = client.get(f"/pipelines/{uid}/").json()
    now = client.patch(f"/pipelines/{uid}/", json={"description": "of the mill"}).json()
    assert now["current_config_version_id"] != was["current_config_version_id"]
    first = was["current_config_version_id"]
    found = run(served, Changed(uid, first, now["current_config_version_id"], ""), first)
    assert found["pipeline_config_version_id"] == first
    assert store.copied("SELECT count(*) FROM copied") == [(2,)]


def test_of_programs_an_earlier_version_is_run_for_as_long_as_its_code_is_kept(served: Served, client: Caller) -> None:
    program = _program(served, 1)
    first = client.get(f"/v1/runs/{served.run('spin')['id']}").json()
    pipeline = client.get("/pipelines/", params={"name": "spin"}).json()[0]
    version = pipeline["current_config_version_id"]
    _program(served, 2)
    second = client.get(f"/v1/runs/{served.run('spin')['id']}").json()
    of = Changed(pipeline["id"], version, version, "")
    editor = walking.of_user(served, walking.user(served, Grant(Role.EDITOR, "corn")))
    found = in_v1(served, run(served, of, version, editor))
    assert (found["version"], found["snapshot"]) == (first["version"], first["snapshot"])
    assert second["version"] != first["version"]
    assert client.get(f"/v1/runs/{found['id']}/blocks/spin/outputs/output_0").json()["value"] == 1
    shutil.rmtree(served.app.settings.home / "versions" / first["snapshot"])
    answer = client.post(f"/pipelines/{of.uid}/runs/", json={"version_id": version})
    assert answer.status_code == 409
    assert "an earlier one whose code is not kept" in answer.json()["detail"]
    shutil.rmtree(program)


def _program(served: Served, turns: int) -> Path:
    """A pipeline of a folder, whose block returns that number."""
    code = f"""
        from mage_ai.data_preparation.decorators import custom

        @custom
        def spin(*args, **kwargs):
            return {turns}
        """
    (served.folder / "custom" / "spin.py").write_text(textwrap.dedent(code).lstrip())
    written = served.folder / "pipelines" / "spin" / "metadata.yaml"
    written.parent.mkdir(exist_ok=True)
    written.write_text("name: spin\ntags: [corn]\nblocks:\n- {uuid: spin, type: custom, language: python}\n")
    return written.parent
