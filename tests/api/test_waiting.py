"""Waiting for the end of a run that has ended before, and was had go on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.api.conftest import WAIT, Served

from headrace import clock
from headrace.api.v1 import waiting
from headrace.model.run import Run, RunStatus

SHORT = 0.2  # seconds that is waited for what does not come


@pytest.fixture
def going(served: Served, tmp_path: Path) -> Iterator[Run]:
    """A run that goes on until the test is over."""
    gate = tmp_path / "open"
    new = {"pipeline": "turn", "variables": {"until": str(gate)}}
    number = served.client().post("/v1/runs", json=new).json()["id"]
    yield served.until(lambda: _running(served, number))
    gate.touch()
    assert served.client().get(f"/v1/runs/{number}", headers=WAIT).json()["status"] == "completed"


def _running(served: Served, number: int) -> Run | None:
    run = served.app.store.runs.get(number)
    return run if run.status is RunStatus.RUNNING else None


def _an_end(run: Run) -> Run:
    """Of that run, before it went on."""
    return replace(run, status=RunStatus.FAILED, reason="an earlier end", ended_at=clock.now())


def test_an_end_that_is_remembered_and_over_is_not_answered(served: Served, going: Run) -> None:
    """Another engine has had the run go on, so this server's has not told of that."""
    served.feed.told(_an_end(going), ())
    run = served.wire.portal.call(waiting.for_end, served.app, served.feed, going, SHORT)
    assert run.status is RunStatus.RUNNING


def test_an_end_that_is_told_late_is_not_that_of_the_run_as_it_goes_on(served: Served, going: Run) -> None:
    waits = served.wire.portal.start_task_soon(waiting.for_reopened, served.app, served.feed, going, SHORT)
    served.until(lambda: going.id in served.feed._ends)
    served.feed.told(_an_end(going), ())
    assert waits.result().status is RunStatus.RUNNING


def test_an_end_that_is_remembered_and_holds_is_answered_at_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LOOK", 60.0)
    ended = served.app.store.runs.get(served.run()["id"])
    open_still = replace(ended, status=RunStatus.RUNNING, ended_at=None)
    run = served.wire.portal.call(waiting.for_end, served.app, served.feed, open_still, 60.0)
    assert run.status is RunStatus.COMPLETED
