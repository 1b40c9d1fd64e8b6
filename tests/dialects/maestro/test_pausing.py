"""A pipeline that is paused, whatever would begin a run of it; and the bounds of a job that takes too much."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.conftest import Served, refused
from tests.dialects.maestro.stories import Document, Store, begun, ended, into, job, made, told

from headrace import errors
from headrace.engine.backfiller import Backfiller
from headrace.operations import starting
from headrace.operations.asking import Asked


@pytest.fixture
def paused(alone: Served) -> str:
    """The id of `grind`, a pipeline of a folder, which was run once."""
    alone.run("grind")
    (row,) = (each for each in alone.app.store.pipelines.all() if each.name == "grind")
    assert _ask(alone, "pause", row.uid).status_code == 200
    return row.uid


def _ask(served: Served, deed: str, uid: str) -> Any:
    return served.client().post(f"/platform/pipeline/{deed}", json={"pipeline_id": told(uid)})


def test_a_pipeline_of_a_folder_is_begun_by_nobody(alone: Served, paused: str) -> None:
    with pytest.raises(errors.PipelinePaused):
        starting.start(alone.app, Asked(alone.folder, "grind", {}))
    client = alone.client()
    assert refused(client.post("/v1/runs", json={"pipeline": "grind"}), 409)["kind"] == "pipeline_paused"
    assert client.post(f"/pipelines/{paused}/runs/", json={}).status_code == 409
    trigger = client.post("/v1/triggers", json={"pipeline": "grind", "name": "called", "type": "api"}).json()
    token = client.get(f"/v1/triggers/{trigger['id']}/token").json()["token"]
    called = alone.client(None).post(f"/api/pipeline_schedules/{trigger['id']}/pipeline_runs/{token}", json={})
    assert "is paused" in called.text
    assert len(client.get(f"/platform/pipeline/{paused}/runs").json()) == 1
    assert _ask(alone, "unpause", paused).status_code == 200
    assert alone.run("grind")["status"] == "completed"


def test_when_it_was_paused_or_resumed_is_when_it_was_updated(alone: Served, paused: str) -> None:
    moments = [_updated(alone, paused)]
    for deed in ("unpause", "pause"):
        assert _ask(alone, deed, paused).status_code == 200
        moments.append(_updated(alone, paused))
    assert _ask(alone, "pause", paused).status_code == 400
    moments.append(_updated(alone, paused))
    assert moments[0] < moments[1] < moments[2] == moments[3]


def test_a_backfill_waits_until_its_pipeline_is_resumed(alone: Served, paused: str) -> None:
    alone.app.retire(10.0)  # whose engine would make its runs itself
    client, day = alone.client(), {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-03T00:00:00Z"}
    of = {"pipeline": "grind", "name": "two days", "interval_type": "day", "interval_units": 1, **day}
    backfill = client.post("/v1/backfills", json=of).json()
    assert client.post(f"/v1/backfills/{backfill['id']}/start", json={}).status_code == 200
    backfiller = Backfiller(alone.app.store, alone.app.maker)
    at = datetime(2026, 6, 1, tzinfo=UTC)
    assert backfiller.run_once(at) is not None  # it looks again
    assert _status(alone, backfill) == ("running", 0)
    assert _ask(alone, "unpause", paused).status_code == 200
    backfiller.run_once(at)
    assert _status(alone, backfill)[1] > 0


def _updated(served: Served, uid: str) -> str:
    return served.client().get(f"/platform/pipeline/{uid}").json()["data"]["updated_at"]


def _status(served: Served, backfill: Document) -> tuple[str, int]:
    found = served.app.store.backfills.get(backfill["id"])
    return found.status.value, found.made


def test_a_run_that_is_under_way_goes_on(served: Served, tmp_path: Any) -> None:
    client, until = served.client(), tmp_path / "until"
    run = client.post("/v1/runs", json={"pipeline": "turn", "variables": {"until": str(until)}}).json()
    (row,) = (each for each in served.app.store.pipelines.all() if each.name == "turn")
    served.until(lambda: client.get(f"/v1/runs/{run['id']}").json()["status"] == "running")
    assert _ask(served, "pause", row.uid).status_code == 200
    try:
        until.touch()
        assert ended(served, told(row.uid), told(run["uid"]))["last_status"] == "SUCCESS"
    finally:
        assert _ask(served, "unpause", row.uid).status_code == 200


def test_a_job_that_takes_more_memory_than_it_may_is_ended(served: Served, store: Store, orders: Document) -> None:
    pipeline = made(served, [job({**orders, "memory_allocation_mb": 32}, into(store, "copy"))])
    trace = ended(served, pipeline, begun(served.client(), pipeline))["trace"]
    assert trace.startswith("The block and what it started held ")
    assert trace.endswith("of memory; the limit is 32 MiB.")
