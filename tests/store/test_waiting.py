"""Attempts that wait for other runs, and the ends of those."""

import queue
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.store.conftest import AT, limits_of
from tests.store.test_bells import PATIENCE, heard
from tests.store.test_limits import pin, room
from tests.store.test_moves import start

from headrace import errors
from headrace.model.run import Attempt, BlockRun, BlockStatus, Run, RunStatus
from headrace.store import Store, runs
from headrace.store.changes import AttemptEnded, AttemptWaits

__all__ = ["heard"]

Begin = Callable[..., tuple[Run, dict[str, BlockRun]]]


def _started(store: Store, run: Run, row: BlockRun) -> Attempt:
    changes, attempt = start(row, run.epoch)
    store.runs.write({run.id: run.epoch}, changes)
    return attempt


def _waits(store: Store, run: Run, attempt: Attempt, waiting: bool = True) -> Attempt:
    now = replace(attempt, waiting=waiting)
    store.runs.write({run.id: run.epoch}, [AttemptWaits(now)])
    return now


def _kept(store: Store, attempt: Attempt) -> Attempt:
    return store.runs.attempts([attempt.block_run_id])[attempt.block_run_id][-1]


def test_an_attempt_begins_to_wait_and_goes_on(store: Store, begin: Begin) -> None:
    run, blocks = begin("ab")
    attempt, other = _started(store, run, blocks["a"]), _started(store, run, blocks["b"])
    assert not _kept(store, attempt).waiting
    _waits(store, run, attempt)
    assert (_kept(store, attempt).waiting, _kept(store, attempt).status) == (True, BlockStatus.RUNNING)
    assert not _kept(store, other).waiting
    _waits(store, run, attempt, waiting=False)
    assert not _kept(store, attempt).waiting


def test_several_waits_of_one_turn_are_written_in_their_order(store: Store, begin: Begin) -> None:
    run, blocks = begin("a")
    attempt = _started(store, run, blocks["a"])
    waits = [AttemptWaits(replace(attempt, waiting=waiting)) for waiting in (True, False, True)]
    store.runs.write({run.id: run.epoch}, waits)
    assert _kept(store, attempt).waiting


def test_one_that_is_over_does_not_begin_to_wait(store: Store, begin: Begin) -> None:
    run, blocks = begin("a")
    attempt = _started(store, run, blocks["a"])
    store.runs.write({run.id: run.epoch}, [AttemptEnded(replace(attempt, status=BlockStatus.FAILED, ended_at=AT))])
    with pytest.raises(errors.MoveRefused):
        _waits(store, run, attempt)


@pytest.mark.parametrize("how", ["ended", "closed"])
def test_one_that_ends_waits_no_more(store: Store, begin: Begin, how: str) -> None:
    run, blocks = begin("a")
    attempt = _waits(store, run, _started(store, run, blocks["a"]))
    if how == "ended":
        ended = replace(attempt, status=BlockStatus.CANCELLED, ended_at=AT, waiting=False)
        store.runs.write({run.id: run.epoch}, [AttemptEnded(ended, waited=True)])
    else:
        assert store.runs.close(run.id, None, RunStatus.FAILED, "x", AT)
    assert (_kept(store, attempt).waiting, _kept(store, attempt).ended_at) == (False, AT)


def test_what_waits_has_no_place_under_a_limit(store: Store, begin: Begin) -> None:
    limited = pin(store, project_blocks=3, blocks={"a": 1})
    limits = limits_of(store, limited.pipeline_id)
    run, blocks = begin("ab", limited)
    attempt = _started(store, run, blocks["a"])
    _started(store, run, blocks["b"])
    assert room(store, limits.project, limits.blocks["a"]) == [1, 0]
    _waits(store, run, attempt)
    assert room(store, limits.project, limits.blocks["a"]) == [2, 1]
    assert [(use.kind, use.used) for use in store.limits.used(run.id)] == [("project_blocks", 1), ("block_runs", 0)]
    _waits(store, run, attempt, waiting=False)
    assert room(store, limits.project, limits.blocks["a"]) == [1, 0]


def _ring_for_waiting(store: Store) -> None:
    with store.runs.turn() as turn:
        turn.ring_for_waiting()


def test_engines_are_rung_for_only_while_somebody_waits(
    store: Store, begin: Begin, heard: "queue.SimpleQueue[int]"
) -> None:
    run, blocks = begin("a")
    attempt = _started(store, run, blocks["a"])
    while not heard.empty():
        heard.get()
    _ring_for_waiting(store)
    _waits(store, run, attempt)
    _ring_for_waiting(store)
    heard.get(timeout=PATIENCE)
    _waits(store, run, attempt, waiting=False)
    _ring_for_waiting(store)
    assert heard.empty()  # both that were not for anybody came to nothing


def test_the_final_and_the_gone_are_settled(
    store: Store, begin: Begin, create: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "AT_ONCE", 2)
    begun, fresh, ended = begin("a")[0], create(), create()
    store.runs.close(ended.id, None, RunStatus.CANCELLED, "x", AT)
    assert store.runs.settled([begun.id, fresh.id, ended.id, 99]) == [ended.id, 99]
    assert store.runs.settled([]) == []
