"""Backfills are carried out bit by bit, each date once, and end when their runs have."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.engine.clockwork import AT, DAY, HOUR, MINUTE, Clockwork, breaks, write
from tests.engine.test_scheduler import spoil
from tests.newest import newest

from headrace.engine import backfiller
from headrace.engine.backfiller import Backfiller
from headrace.engine.maker import Maker
from headrace.model import backfill as ranges
from headrace.model.run import Run, RunStatus
from headrace.model.slot import Slot
from headrace.model.trigger import Backfill, BackfillStatus, Definition, TriggerSettings, TriggerType, Which
from headrace.settings import Settings
from headrace.store.backfills import NewBackfill

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DATES = [FIRST + n * DAY for n in range(5)]


@pytest.fixture
def service(works: Clockwork) -> Backfiller:
    return Backfiller(works.store, works.maker)


def begin(works: Clockwork, dates: list[datetime] = DATES, name: str = "b", pipeline: int | None = None) -> Backfill:
    """A backfill of these days that was started."""
    pipeline = pipeline or works.pipeline()
    settings = TriggerSettings(timeout=1.5)
    written = works.store.backfills.create(
        NewBackfill(
            pipeline_id=pipeline,
            name=name,
            start_time=DATES[0],
            end_time=DATES[-1],
            interval_type="day",
            interval_units=1,
            which=Which.ALL,
            variables={"n": 1},
            settings=settings,
        ),
        AT,
    )
    definition = Definition(name=f"Backfill {name}", type=TriggerType.BACKFILL, settings=settings)
    trigger = works.registry.create(pipeline, definition, AT, active=False)
    assert works.store.backfills.start(written, dates, trigger.id, AT + MINUTE)
    return works.store.backfills.get(written.id)


def again(works: Clockwork, backfill: Backfill) -> Backfill:
    return works.store.backfills.get(backfill.id)


def runs(works: Clockwork, backfill: Backfill) -> list[Run]:
    return [each.run for each in reversed(newest(works.store, 999)) if each.run.backfill_id == backfill.id]


def carry_out(service: Backfiller, now: datetime = AT) -> None:
    """Asks it for as long as it has something to do at once."""
    while service.run_once(now) == now:
        pass


def test_each_date_gets_a_run_with_the_variables_of_its_interval(works: Clockwork, service: Backfiller) -> None:
    backfill = begin(works, DATES[1:3])
    carry_out(service)
    first, second = runs(works, backfill)
    assert (first.execution_date, second.execution_date) == (DATES[1], DATES[2])
    assert (first.trigger_id, first.fire_time, first.reason) == (backfill.trigger_id, None, "by its backfill")
    assert first.settings.timeout == 1.5
    assert first.variables == {
        "n": 1,
        "ds": "2026-01-02",
        "hr": "00",
        "execution_date": DATES[1].isoformat(),
        "interval_start_datetime": DATES[1].isoformat(),
        "interval_end_datetime": DATES[2].isoformat(),
        "interval_seconds": 86400.0,
        "interval_start_datetime_previous": DATES[0].isoformat(),
    }
    assert [row.block for row in works.store.runs.block_runs(first.id)] == ["a", "b"]


def test_it_makes_some_at_a_time_and_goes_on_at_once(
    works: Clockwork, service: Backfiller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfiller, "AT_ONCE", 2)
    backfill, other = begin(works), begin(works, DATES[:1], "other")
    for made in (2, 4, 5):
        assert service.run_once(AT) == AT
        assert again(works, backfill).made == made
    assert service.run_once(AT) is None, "its runs are under way"
    assert [run.execution_date for run in runs(works, backfill)] == DATES
    assert len(runs(works, other)) == 1


def test_it_ends_when_its_last_run_has(works: Clockwork, service: Backfiller) -> None:
    backfill = begin(works)
    carry_out(service)
    for run in runs(works, backfill):
        assert again(works, backfill).status is BackfillStatus.RUNNING
        works.end(run)
        service.run_once(AT + HOUR)
    ended = again(works, backfill)
    assert (ended.status, ended.reason, ended.ended_at) == (
        BackfillStatus.COMPLETED, "every date has a completed run", AT + HOUR,
    )  # fmt: skip


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED])
def test_it_has_failed_where_a_date_has_no_completed_run(
    works: Clockwork, service: Backfiller, status: RunStatus
) -> None:
    backfill = begin(works)
    carry_out(service)
    for n, run in enumerate(runs(works, backfill)):
        works.end(run, status if n in (1, 3) else RunStatus.COMPLETED)
    service.run_once(AT + HOUR)
    ended = again(works, backfill)
    assert (ended.status, ended.reason) == (BackfillStatus.FAILED, "2 of 5 dates have no completed run")
    assert service.run_once(AT + DAY) is None


def test_started_anew_it_is_judged_by_the_dates_of_its_new_plan(works: Clockwork, service: Backfiller) -> None:
    backfill = begin(works, DATES[:2])
    carry_out(service)
    for run in runs(works, backfill):
        works.end(run, RunStatus.FAILED)
    service.run_once(AT + HOUR)
    seen = again(works, backfill)
    assert works.store.backfills.start(seen, DATES[:1], seen.trigger_id or 0, AT + 2 * HOUR)
    carry_out(service, AT + 2 * HOUR)
    assert [run.execution_date for run in runs(works, backfill)] == [*DATES[:2], DATES[0]]
    works.end(runs(works, backfill)[-1])
    service.run_once(AT + 3 * HOUR)
    assert again(works, backfill).status is BackfillStatus.COMPLETED


def test_nothing_is_made_while_it_is_paused_and_all_of_it_afterwards(
    works: Clockwork, service: Backfiller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfiller, "AT_ONCE", 2)
    backfill = begin(works)
    service.run_once(AT)
    assert works.store.backfills.pause(again(works, backfill), AT + HOUR)
    assert service.run_once(AT + HOUR) is None
    assert len(runs(works, backfill)) == 2
    assert all(run.held for run in runs(works, backfill))
    assert works.store.backfills.resume(again(works, backfill), AT + 2 * HOUR)
    carry_out(service, AT + 2 * HOUR)
    assert [run.execution_date for run in runs(works, backfill)] == DATES
    assert not any(run.held for run in runs(works, backfill))


def test_a_project_that_cannot_be_read_is_tried_again_and_stops_no_other(
    works: Clockwork, service: Backfiller, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = write(tmp_path / "broken", "daily")
    bad, good = begin(works, pipeline=works.pipeline(folder=broken)), begin(works, name="good")
    breaks(broken, "daily")
    carry_out(service)
    assert service.run_once(AT) == AT + MINUTE
    assert (again(works, bad).made, again(works, good).made) == (0, 5)
    assert f"backfill {bad.id} does not go on" in caplog.text
    write(broken, "daily")
    carry_out(service, AT + MINUTE)
    assert again(works, bad).made == 5


@pytest.mark.parametrize("broken", ["backfills SET variables", "triggers SET settings"])
def test_one_that_cannot_be_read_ends_and_stops_no_other(
    works: Clockwork, service: Backfiller, home: Path, broken: str
) -> None:
    bad, good = begin(works), begin(works, name="good")
    spoil(home, f"UPDATE {broken} = '{{' WHERE id = {bad.id if 'backfills' in broken else bad.trigger_id}")
    carry_out(service)
    assert again(works, good).made == 5
    shown = next(each.backfill for each in works.store.backfills.list() if each.backfill.id == bad.id)
    assert (shown.status, shown.made) == (BackfillStatus.FAILED, 0)
    assert "cannot be read" in shown.reason


def test_two_who_carry_it_out_in_turns_make_each_date_once(
    works: Clockwork, service: Backfiller, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfiller, "AT_ONCE", 1)
    other = Backfiller(works.store, Maker(works.store, Settings(home=home)))
    backfill = begin(works)
    for who in (service, other, other, service, other, service):
        who.run_once(AT)
    assert [run.execution_date for run in runs(works, backfill)] == DATES


def test_what_was_taken_by_another_meanwhile_is_looked_at_again_a_little_later(
    works: Clockwork, service: Backfiller
) -> None:
    backfill = begin(works)
    seen = again(works, backfill)
    carry_out(service)
    again_at = service._make(seen, AT)
    assert again_at
    assert AT < again_at < AT + MINUTE
    assert len(runs(works, backfill)) == 5


def test_its_slots_are_reckoned_once_for_each_start(
    works: Clockwork, service: Backfiller, monkeypatch: pytest.MonkeyPatch
) -> None:
    reckoned, slots = list[datetime](), ranges.slots

    def noted(start: datetime, end: datetime, kind: str, units: int) -> tuple[Slot, ...]:
        reckoned.append(start)
        return slots(start, end, kind, units)

    monkeypatch.setattr(ranges, "slots", noted)
    monkeypatch.setattr(backfiller, "AT_ONCE", 2)
    backfill = begin(works)
    carry_out(service)
    assert reckoned == DATES[:1]
    for run in runs(works, backfill):
        works.end(run, RunStatus.FAILED)
    service.run_once(AT + HOUR)
    seen = again(works, backfill)
    assert works.store.backfills.change(seen, {"start_time": DATES[3]}, AT + HOUR)
    seen = again(works, backfill)
    assert works.store.backfills.start(seen, DATES[3:], seen.trigger_id or 0, AT + 2 * HOUR)
    carry_out(service, AT + 2 * HOUR)
    assert reckoned == [DATES[0], DATES[3]]
    assert runs(works, backfill)[-1].variables["interval_start_datetime_previous"] == DATES[3].isoformat()
