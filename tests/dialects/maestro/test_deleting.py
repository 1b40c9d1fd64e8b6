"""A pipeline is deleted: what is under way, what is left, and what becomes of a deletion that was interrupted."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.api.conftest import Served
from tests.dialects.maestro.stories import Document, Store, begun, body, into, job, made, ran

from headrace.model.run import FINAL_RUN, RunStatus
from headrace.operations import authoring, cancelling, catalogue, tracing
from headrace.store.pipelines import PipelineRow

Delete = Callable[[Served, PipelineRow], Any]
KILLED = """
import os, signal, sys
from pathlib import Path
from headrace.app import App
from headrace.operations import jobs
from headrace.settings import Settings
home, uid, last = sys.argv[1:]
def hear(event, given):
    if event == last and Path(str(given[0])).parent.name == "pipelines":
        os.kill(os.getpid(), signal.SIGKILL)
with App(Settings(home=Path(home))) as app:
    sys.addaudithook(hear)
    jobs.delete(app, uid)
"""
WHY = "The run was cancelled: the pipeline was deleted."


def in_maestro(served: Served, row: PipelineRow) -> Any:
    return served.client().delete(f"/platform/pipeline/{row.uid}")


def in_truestate(served: Served, row: PipelineRow) -> Any:
    return served.client().delete(f"/pipelines/{row.uid}/")


def in_mage(served: Served, row: PipelineRow) -> Any:
    return served.client().delete(f"/projects/authored/api/pipelines/{row.name}")


@pytest.fixture
def row(served: Served, store: Store, orders: Document) -> PipelineRow:
    """A pipeline of one job, with a schedule."""
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    return _row(served, made(served, [job(orders, into(store, "copy"), **how)], cron="0 6 * * *"))


@pytest.fixture
def under_way(served: Served, store: Store, row: PipelineRow) -> Iterator[list[str]]:
    """Two runs of it, of which one moves rows, and the other waits for that one: their uids."""
    with store.held():
        found = [begun(served.client(), row.uid).replace("_", "-") for _ in range(2)]
        assert served.until(lambda: served.app.store.runs.get(found[0]).status is RunStatus.RUNNING)
        yield found


@pytest.mark.parametrize("delete", [in_maestro, in_truestate, in_mage])
def test_runs_that_are_under_way_are_cancelled_whoever_deletes_it(
    served: Served, row: PipelineRow, under_way: list[str], delete: Delete
) -> None:
    assert delete(served, row).status_code == 200
    _refuse_told(served, row, under_way)
    for uid in under_way:
        run = _ended(served, uid)
        assert run.status is RunStatus.CANCELLED
        assert tracing.shown(served.app, run).trace == WHY
        (told,) = (each for each in _why(served, run.id) if each["block"] is None)
        assert told["says"].startswith("the pipeline was deleted at ")
        events = served.app.store.runs.events(run.id)
        assert ("run.ask_cancel", "pipeline_deleted") in [(each.kind, each.reason) for each in events]
    _refuse_told(served, row, under_way)


def test_a_run_that_is_being_cancelled_says_why_it_waits(alone: Served, store: Store, orders: Document) -> None:
    alone.app.retire(10.0)  # whose engine would cancel it
    row = _row(alone, made(alone, [job(orders, into(store, "copy"))]))
    run = alone.app.store.runs.get(begun(alone.client(), row.uid).replace("_", "-"))
    assert in_maestro(alone, row).status_code == 200
    (told,) = (each for each in _why(alone, run.id) if each["kind"] == "cancel")
    assert told["says"].startswith("the pipeline was deleted at ")


def test_who_was_asked_before_keeps_the_reason(served: Served, row: PipelineRow, under_way: list[str]) -> None:
    cancelling.ask(served.app, served.app.store.runs.get(under_way[1]).id)
    assert in_truestate(served, row).status_code == 200
    found = tracing.shown(served.app, _ended(served, under_way[1])).trace
    assert found == "The run was cancelled by somebody at this machine."


def test_by_the_same_id_comes_a_pipeline_without_a_past(
    served: Served, store: Store, orders: Document, row: PipelineRow, under_way: list[str]
) -> None:
    assert in_maestro(served, row).status_code == 200
    for uid in under_way:
        _ended(served, uid)
    again = {**body(served, [job(orders, into(store, "copy"))]), "id": row.uid}
    assert served.client().post("/platform/pipeline", json=again).status_code == 200
    assert served.client().get(f"/platform/pipeline/{row.uid}/runs").json() == []


def test_a_backfill_of_it_is_cancelled(alone: Served) -> None:
    """One that goes on would look for the pipeline for ever."""
    alone.run("grind")
    client, day = alone.client(), {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-03T00:00:00Z"}
    of = {"pipeline": "grind", "name": "two days", "interval_type": "day", "interval_units": 1, **day}
    alone.app.retire(10.0)
    backfill = client.post("/v1/backfills", json=of).json()
    assert client.post(f"/v1/backfills/{backfill['id']}/start", json={}).status_code == 200
    assert client.delete("/api/pipelines/grind").status_code == 200
    assert client.get(f"/v1/backfills/{backfill['id']}").json()["status"] == "cancelled"


@pytest.mark.parametrize(("last", "status"), [("os.rename", 200), ("shutil.rmtree", 404)])
def test_a_deletion_that_was_killed_leaves_nothing_once_it_is_asked_again(
    served: Served, row: PipelineRow, last: str, status: int
) -> None:
    """Just before the pipeline goes, and just after."""
    ran(served, row.uid)
    asked = [sys.executable, "-c", KILLED, str(served.app.settings.home), row.uid, last]
    assert subprocess.run(asked, check=False).returncode == -signal.SIGKILL
    assert served.client().get(f"/platform/pipeline/{row.uid}").status_code == status
    assert in_maestro(served, row).status_code == status
    _refuse_left(served, row)


def test_a_deletion_that_was_interrupted_leaves_nothing_to_a_pipeline_of_the_same_id(
    served: Served, store: Store, orders: Document, row: PipelineRow
) -> None:
    ran(served, row.uid)
    served.client().post("/platform/pipeline/pause", json={"pipeline_id": row.uid})
    authoring.delete(served.app, row.id)
    again = {**body(served, [job(orders, into(store, "copy"))], cron="0 7 * * *"), "id": row.uid}
    found = served.client().post("/platform/pipeline", json=again).json()["data"]
    assert (found["cron"], found["status"]) == ("0 7 * * *", "active")
    assert served.client().get(f"/platform/pipeline/{row.uid}/runs").json() == []
    ran(served, row.uid)


def _row(served: Served, pipeline: str) -> PipelineRow:
    return catalogue.row(served.app, pipeline.replace("_", "-"))


def _ended(served: Served, uid: str) -> Any:
    return served.until(lambda: (run := served.app.store.runs.get(uid)).status in FINAL_RUN and run)


def _why(served: Served, run_id: int) -> list[dict[str, Any]]:
    return served.client().get(f"/v1/runs/{run_id}/why").json()["reasons"]


def _refuse_told(served: Served, row: PipelineRow, uids: list[str]) -> None:
    """Whose pipeline is deleted is told no more."""
    client = served.client()
    assert client.get(f"/platform/pipeline/{row.uid}/runs").json() == []
    for uid in uids:
        assert client.get(f"/platform/pipeline/{row.uid}/pipeline_run/{uid}").json() is None
        assert client.get(f"/platform/pipeline/pipeline_run/{uid}/logs").status_code == 404


def _refuse_left(served: Served, row: PipelineRow) -> None:
    store = served.app.store
    assert tracing.listed(served.app, row, 10) == []
    assert store.bookmarks.find(row.id, "job_0") is None
    assert [each for each in store.triggers.list(pipeline=row.name) if each.trigger.pipeline_id == row.id] == []
    assert store.pipelines.get(row.id).paused_at is None
