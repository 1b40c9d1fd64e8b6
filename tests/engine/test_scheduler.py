"""Whatever is due becomes runs, on a clock that is told: once for each fire time, and nothing keeps others waiting."""

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.engine.between import Gated, Trouble
from tests.engine.clockwork import AT, DAY, HOUR, MINUTE, SECOND, Clockwork, breaks, write
from tests.engine.parts import unavailable

from headrace import errors
from headrace.engine import portions, scheduler
from headrace.engine.maker import Maker
from headrace.engine.scheduler import Scheduler
from headrace.model.run import RunStatus
from headrace.model.trigger import CatchUp, Trigger, TriggerSettings
from headrace.settings import Settings
from headrace.store import databases

NOON = AT
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
NIGHTS = [MIDNIGHT + n * DAY for n in range(9)]


def spoil(home: Path, what: str) -> None:
    """Writes into the database what nobody would."""
    database = databases.open(home, None)
    with database.write() as connection:
        connection.execute(sa.text(what))
    database.close()


# On time


def test_a_run_is_made_at_its_fire_time_and_not_before(works: Clockwork) -> None:
    trigger = works.create(variables={"n": 1}, sla=60, settings=TriggerSettings(timeout=1.5))
    assert works.look(MIDNIGHT - SECOND) == MIDNIGHT
    assert works.runs(trigger) == []
    assert works.look(MIDNIGHT) == NIGHTS[1]
    (run,) = works.runs(trigger)
    assert (run.fire_time, run.execution_date, run.reason) == (MIDNIGHT, MIDNIGHT, "by its schedule")
    assert (run.variables, run.settings.timeout, run.sla_at) == ({"n": 1}, 1.5, MIDNIGHT + MINUTE)
    occasion = run.occasion
    assert (occasion.trigger, occasion.interval, occasion.variables) == ("nightly", "@daily", {"n": 1})
    assert occasion.slot
    assert (occasion.slot.execution_date, occasion.slot.interval_end, occasion.slot.previous) == (
        MIDNIGHT, NIGHTS[1], MIDNIGHT - DAY,
    )  # fmt: skip
    assert [row.block for row in works.store.runs.block_runs(run.id)] == ["a", "b"]
    assert works.look(MIDNIGHT + SECOND) == NIGHTS[1]
    assert works.fires(trigger) == [MIDNIGHT], "once"
    assert works.gaps(trigger) == []


def test_when_to_look_again_is_when_the_next_of_all_is_due(works: Clockwork) -> None:
    assert works.look(AT) is None
    works.create("@monthly", name="a")
    works.create("30 12 * * *", name="b")
    assert works.look(AT) == AT + 30 * MINUTE


def test_many_are_fired_at_once(works: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "AT_ONCE", 3)
    triggers = [works.create(name=f"t{n}") for n in range(8)]
    assert works.look(MIDNIGHT) == NIGHTS[1]
    assert [works.fires(each) for each in triggers] == [[MIDNIGHT]] * 8


def test_no_transaction_makes_many_runs(works: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others wait for is soon over, however many fire times passed while no engine was there."""
    monkeypatch.setattr(portions, "RUNS", 5)
    triggers = [works.create(name=f"t{n}", settings=TriggerSettings(catch_up=CatchUp.ALL)) for n in range(3)]
    for committed in (1, 2):
        trouble = Trouble()
        trouble.then("before", "triggers.firing", lambda: None)
        trouble.at("before", "triggers.firing", unavailable())
        with pytest.raises(errors.StoreUnavailable):
            Scheduler(_gated(works, trouble), works.maker).run_once(NIGHTS[3])
        assert [len(works.runs(each)) for each in triggers] == [*[4] * committed, *[0] * (3 - committed)]
    works.look(NIGHTS[3])
    assert [works.fires(each) for each in triggers] == [NIGHTS[:4]] * 3


def test_a_run_is_of_the_code_as_it_is_then(works: Clockwork) -> None:
    trigger = works.create()
    works.look(MIDNIGHT)
    (works.folder / "custom" / "a.py").write_text("\n@custom\ndef other(*args):\n    return 2\n")
    works.look(NIGHTS[1])
    first, second = works.runs(trigger)
    assert first.snapshot_id != second.snapshot_id


# After an outage


@pytest.mark.parametrize(
    ("catch_up", "runs", "gap"),
    [
        (CatchUp.LAST, NIGHTS[3:4], [("no_engine", NIGHTS[0], NIGHTS[2], 3)]),
        (CatchUp.ALL, NIGHTS[:4], []),
        (CatchUp.NONE, [], [("no_engine", NIGHTS[0], NIGHTS[3], 4)]),
    ],
)
def test_what_nobody_was_there_for_is_run_as_the_trigger_says(
    works: Clockwork, catch_up: CatchUp, runs: list[datetime], gap: list[Any]
) -> None:
    trigger = works.create(settings=TriggerSettings(catch_up=catch_up))
    assert works.look(NIGHTS[3] + 5 * HOUR) == NIGHTS[4]
    assert (works.fires(trigger), works.gaps(trigger)) == (runs, gap)
    works.look(NIGHTS[4])
    assert works.fires(trigger) == [*runs, NIGHTS[4]]


def test_a_year_of_minutes_is_caught_up_with_in_bits(works: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.model.firing.MOST", 5)
    trigger = works.create("* * * * *", settings=TriggerSettings(catch_up=CatchUp.ALL))
    works.look(AT + 23 * MINUTE)
    assert works.fires(trigger) == [AT + n * MINUTE for n in range(1, 24)]


def test_what_passed_while_it_was_paused_is_a_gap(works: Clockwork) -> None:
    trigger = works.create()
    works.registry.change(trigger.id, None, AT + SECOND, active=False)
    works.look(NIGHTS[1])
    assert works.gaps(trigger) == [("paused", NIGHTS[0], NIGHTS[1], 2)]
    works.registry.change(trigger.id, None, NIGHTS[3] + HOUR, active=True)
    assert works.gaps(trigger) == [("paused", NIGHTS[0], NIGHTS[3], 4)]
    works.look(NIGHTS[4])
    assert works.fires(trigger) == [NIGHTS[4]]


# While the one before is under way


def test_a_run_whose_predecessor_is_under_way_is_cancelled_and_says_why(works: Clockwork) -> None:
    trigger = works.create(settings=TriggerSettings(skip_if_previous_running=True))
    other = works.create(name="other", settings=TriggerSettings(skip_if_previous_running=True))
    works.look(NIGHTS[0])
    (first,) = works.runs(trigger)
    works.end(works.runs(other)[0])
    works.look(NIGHTS[1])
    second = works.runs(trigger)[1]
    assert (second.status, second.reason, second.fire_time) == ("cancelled", "previous_running", NIGHTS[1])
    assert (second.ended_at, second.started_at) == (NIGHTS[1], None)
    assert works.runs(other)[1].status == "initial"
    works.end(first)
    works.look(NIGHTS[2])
    assert [run.status.value for run in works.runs(trigger)] == ["completed", "cancelled", "initial"]


def test_of_those_caught_up_with_only_the_first_finds_none_under_way(works: Clockwork) -> None:
    trigger = works.create(settings=TriggerSettings(skip_if_previous_running=True, catch_up=CatchUp.ALL))
    works.look(NIGHTS[2])
    assert [run.status.value for run in works.runs(trigger)] == ["initial", "cancelled", "cancelled"]


# What cannot be read


def test_a_project_that_cannot_be_read_makes_a_gap_and_the_next_is_run_once_it_is_mended(
    works: Clockwork, tmp_path: Path
) -> None:
    broken = write(tmp_path / "broken", "daily")
    bad, good = works.create(pipeline=works.pipeline(folder=broken)), works.create()
    breaks(broken, "daily")
    works.look(NIGHTS[0])
    works.look(NIGHTS[1])
    assert works.fires(good) == NIGHTS[:2]
    assert works.runs(bad) == []
    ((reason, *extent),) = works.gaps(bad)
    assert reason.startswith("fault: ")
    assert extent == [NIGHTS[0], NIGHTS[1], 2]
    assert works.again(bad).fault == reason.removeprefix("fault: ")
    write(broken, "daily")
    works.look(NIGHTS[2])
    assert works.fires(bad) == [NIGHTS[2]]
    assert works.again(bad).fault is None
    assert len(works.gaps(bad)) == 1


def test_a_project_that_is_gone_is_one_that_cannot_be_read(works: Clockwork, tmp_path: Path) -> None:
    folder = write(tmp_path / "moved", "daily")
    trigger = works.create(pipeline=works.pipeline(folder=folder))
    folder.rename(tmp_path / "elsewhere")
    works.look(NIGHTS[0])
    assert "no project folder" in (works.again(trigger).fault or "")
    (tmp_path / "elsewhere").rename(folder)
    works.look(NIGHTS[1])
    assert works.fires(trigger) == [NIGHTS[1]]


@pytest.mark.parametrize("column", ["interval = 'each day'", "zone = 'Moon/Sea'", "settings = '{'"])
def test_one_that_means_nothing_is_laid_aside_until_it_is_changed(works: Clockwork, home: Path, column: str) -> None:
    bad, good = works.create(), works.create(name="other")
    spoil(home, f"UPDATE triggers SET {column} WHERE id = {bad.id}")
    assert works.look(NIGHTS[0]) == NIGHTS[1]
    assert works.fires(good) == [NIGHTS[0]]
    aside = works.again(bad)
    assert (aside.due_at, works.fires(bad), aside.active) == (None, [], True)
    assert aside.fault
    works.registry.change(bad.id, good.definition.__class__(**_named(bad)), NIGHTS[1] + HOUR)
    works.look(NIGHTS[2])
    assert works.fires(bad) == [NIGHTS[2]]
    assert works.again(bad).fault is None


def _named(trigger: Trigger) -> dict[str, Any]:
    definition = trigger.definition
    return {"name": definition.name, "type": definition.type, "interval": definition.interval}


def test_one_that_cannot_be_written_is_laid_aside_and_stops_no_other(works: Clockwork, home: Path) -> None:
    bad, good = works.create(), works.create(name="other")
    spoil(home, f"INSERT INTO gaps VALUES (99, {bad.id}, 'no_engine', 'x', 'x', 1, 'x')")
    works.look(NIGHTS[3])
    assert works.fires(good) == [NIGHTS[3]]
    assert works.again(bad).fault
    assert (works.fires(bad), works.again(bad).due_at) == ([], None)


@pytest.mark.parametrize("call", ["triggers.runtimes", "triggers.has_runs"])
def test_a_database_that_does_not_answer_lays_nothing_aside(works: Clockwork, home: Path, call: str) -> None:
    trouble = Trouble()
    landing = TriggerSettings(landing_time_enabled=True)
    trigger = (
        works.create("@once", start_time=MIDNIGHT)
        if call == "triggers.has_runs"
        else works.create(start_time=MIDNIGHT - DAY, settings=landing)
    )
    due = works.again(trigger).due_at
    assert due
    gated = Scheduler(_gated(works, trouble), Maker(works.store, Settings(home=home)))
    trouble.at("before", call, unavailable())
    with pytest.raises(errors.StoreUnavailable):
        gated.run_once(due)
    assert works.again(trigger) == trigger
    gated.run_once(due)
    assert works.runs(trigger), "it fires when the database answers again"


def _gated(works: Clockwork, trouble: Trouble) -> Gated:
    gated = Gated(works.store, trouble)
    gated.triggers = _Asked(works.store.triggers, trouble)  # type: ignore[assignment]
    return gated


class _Asked:
    """The real triggers, with a gate before each question."""

    def __init__(self, triggers: Any, trouble: Trouble) -> None:
        self._triggers, self._trouble = triggers, trouble

    def __getattr__(self, name: str) -> Any:
        def asked(*args: Any, **named: Any) -> Any:
            self._trouble("before", f"triggers.{name}")
            return getattr(self._triggers, name)(*args, **named)

        return asked


# Once


def test_what_fires_once_fires_when_it_is_enabled_and_retires_when_its_run_has_completed(works: Clockwork) -> None:
    trigger = works.create("@once")
    works.look(AT)
    (run,) = works.runs(trigger)
    assert run.execution_date == AT
    works.look(AT + DAY)
    assert (works.fires(trigger), works.again(trigger).active) == ([AT], True), "its run is under way"
    works.end(run)
    assert works.look(AT + DAY) is None
    assert (len(works.runs(trigger)), works.again(trigger).active) == (1, False)


def test_what_fires_once_waits_for_its_start_time(works: Clockwork) -> None:
    trigger = works.create("@once", start_time=AT + DAY)
    assert works.look(AT) == AT + DAY
    assert works.runs(trigger) == []
    works.look(AT + 2 * DAY)
    assert works.fires(trigger) == [AT + DAY]


@pytest.mark.parametrize(("forgiven", "active"), [(False, True), (True, False)])
def test_what_fires_once_and_fails_retires_only_where_that_is_allowed(
    works: Clockwork, forgiven: bool, active: bool
) -> None:
    trigger = works.create("@once", settings=TriggerSettings(allow_blocks_to_fail=forgiven))
    works.look(AT)
    works.end(works.runs(trigger)[0], RunStatus.FAILED)
    works.look(AT + DAY)
    assert (works.again(trigger).active, len(works.runs(trigger))) == (active, 1)


def test_what_fires_once_fires_once_its_project_can_be_read(works: Clockwork) -> None:
    trigger = works.create("@once")
    breaks(works.folder, "daily")
    assert works.look(AT) == AT + MINUTE
    assert works.again(trigger).fault
    assert works.look(AT + MINUTE) == AT + 2 * MINUTE
    write(works.folder, "daily")
    works.look(AT + 2 * MINUTE)
    assert (works.fires(trigger), works.gaps(trigger)) == ([AT], []), "it came late, and was not missed"
    assert works.again(trigger).fault is None


# Always on


def test_what_is_always_on_goes_on_after_each_end_and_rests(works: Clockwork) -> None:
    trigger = works.create("@always_on")
    now = AT
    for status in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED):
        works.look(now)
        run = works.runs(trigger)[-1]
        assert run.execution_date == now
        assert works.look(now + HOUR) is None, "it is under way"
        works.end(run, status)
        assert works.look(now + SECOND / 2) == now + SECOND, "it rests a second from its beginning"
        now += SECOND
    works.look(now)
    assert works.fires(trigger) == [AT + n * SECOND for n in range(4)]


def test_what_is_always_on_waits_for_its_start_time_and_while_it_is_paused(works: Clockwork) -> None:
    trigger = works.create("@always_on", start_time=AT + DAY)
    assert works.look(AT) == AT + DAY
    assert works.runs(trigger) == []
    works.look(AT + DAY)
    assert works.fires(trigger) == [AT + DAY]
    works.registry.change(trigger.id, None, AT + 2 * DAY, active=False)
    works.end(works.runs(trigger)[0])
    assert works.look(AT + 3 * DAY) is None
    assert len(works.runs(trigger)) == 1


def test_what_is_always_on_begins_once_its_project_can_be_read(works: Clockwork) -> None:
    trigger = works.create("@always_on")
    breaks(works.folder, "daily")
    for n in range(3):
        assert works.look(AT + n * MINUTE) == AT + (n + 1) * MINUTE
    assert (works.again(trigger).fault is None, works.gaps(trigger)) == (False, [])
    write(works.folder, "daily")
    works.look(AT + 3 * MINUTE)
    assert works.fires(trigger) == [AT + 3 * MINUTE]
    assert works.again(trigger).fault is None


def test_one_that_is_always_on_and_cannot_be_read_begins_nothing(works: Clockwork, home: Path) -> None:
    bad, good = works.create("@always_on", name="bad"), works.create("@always_on")
    spoil(home, f"UPDATE triggers SET variables = '{{' WHERE id = {bad.id}")
    works.look(AT)
    assert (works.runs(bad), len(works.runs(good))) == ([], 1)
    assert "variables" in (works.again(bad).fault or "")


# Landing


def test_a_run_that_is_to_land_begins_so_long_before_as_runs_usually_take(works: Clockwork, home: Path) -> None:
    landing = MIDNIGHT + 6 * HOUR
    trigger = works.create(start_time=landing - DAY, settings=TriggerSettings(landing_time_enabled=True))
    (first,) = works.runs(trigger) or [None]
    now = works.again(trigger).due_at
    assert now
    if first is None:
        works.look(now)
        (first,) = works.runs(trigger)
    works.end(first)
    spoil(home, f"UPDATE runs SET started_at = '{AT}', ended_at = '{AT + HOUR}' WHERE id = {first.id}")
    later = works.again(trigger).due_at
    assert later
    works.look(later)
    works.look(later + DAY - 2 * HOUR)
    again = works.again(trigger).due_at
    assert again
    assert again.hour * 60 + again.minute == 5 * 60, "an hour before it is to be over"
    before = len(works.runs(trigger))
    works.look(again)
    landed = works.runs(trigger)[-1]
    assert len(works.runs(trigger)) == before + 1
    assert landed.fire_time == landed.execution_date == again + HOUR


# Several who look


def test_two_who_look_in_turns_make_each_run_once(works: Clockwork, home: Path) -> None:
    other = Scheduler(works.store, Maker(works.store, Settings(home=home)))
    triggers = [works.create(f"{n} * * * *", name=f"t{n}") for n in range(0, 60, 20)]
    for n, who in zip(range(200), itertools.cycle([works.scheduler, other, other]), strict=False):
        who.run_once(AT + n * MINUTE)
    for n, each in enumerate(triggers):
        expected = [AT + minute * MINUTE for minute in range(1, 200) if minute % 60 == 20 * n]
        assert works.fires(each) == expected


# For whom


class Hand:
    """An engine that has room for so many, and what it was brought."""

    def __init__(self, room: int) -> None:
        self.name = "engine-1"
        self.room = room
        self.brought: list[int] = []

    def appetite(self) -> int:
        return self.room

    def bring(self, run_id: int, at: datetime) -> None:
        self.brought.append(run_id)


@pytest.mark.parametrize(("room", "own"), [(-3, 0), (0, 0), (1, 1), (9, 2)])
def test_an_engine_moves_what_it_fires_as_far_as_it_has_room(works: Clockwork, room: int, own: int) -> None:
    hand = Hand(room)
    triggers = [works.create(name=name) for name in ("first", "second")]
    Scheduler(works.store, works.maker, hand).run_once(MIDNIGHT)
    runs = [run for trigger in triggers for run in works.runs(trigger)]
    assert hand.brought == [run.id for run in runs][:own]
    assert [run.owner for run in runs] == ["engine-1"] * own + [None] * (2 - own)
