"""Firing: what a time trigger does at a moment, from its definition and from how far it has got."""

import contextlib
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from headrace.model import schedule
from headrace.model.schedule import PERIODS, TICK, Schedule
from headrace.model.slot import Slot
from headrace.model.trigger import CatchUp, Definition, TriggerType

MOST = 500  # runs of one decision; what is left is for the next one, at once
COUNTED = 10_000  # fire times of a gap; beyond them nobody counts
FRESH = timedelta(seconds=60)  # so old a fire time may be, and is run yet where nothing is caught up with
LOOK = timedelta(minutes=5)  # the least between two looks at a paused trigger
RUNTIMES = 7  # so many of the last tell when a run must begin


@dataclass(frozen=True, slots=True)
class Fire:
    """A run to be made. A trigger has one run for a fire time, however often that is decided."""

    fire_time: datetime
    execution_date: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Fire times that get no run: from the first to the last, how many, and why."""

    first: datetime
    last: datetime
    count: int  # COUNTED at most
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be recorded: runs, gaps, and where the trigger stands then, as `Trigger` explains it."""

    fires: tuple[Fire, ...] = ()
    gaps: tuple[Gap, ...] = ()
    considered: datetime | None = None
    due_at: datetime | None = None


def enabled(definition: Definition, now: datetime, *, has_runs: bool, runtimes: Sequence[float] = ()) -> Decision:
    """Where a trigger stands that is made active, and what it runs at once.

    Only what comes due later counts, but for two things: the period that has begun, when the definition asks for an
    initial run; and the landing time of this period, when it is ahead and no run has told yet how long one takes.
    `runtimes` are seconds, the newest first. What passed while it was paused, `decide` says before. BadSchedule as for
    `schedule.parse`.
    """
    stands = edited(definition, now, has_runs=has_runs, runtimes=runtimes)
    at_once = _at_once(definition, now, first=not has_runs)
    if at_once is None or stands.considered is None:
        return stands
    considered = max(stands.considered, at_once)
    due_at = _due(definition, considered, _lead(definition, runtimes))
    return Decision((Fire(at_once, at_once),), (), considered, due_at)


def edited(definition: Definition, now: datetime, *, has_runs: bool, runtimes: Sequence[float] = ()) -> Decision:
    """Where an active trigger stands once its definition is this one: only what comes due later counts.

    What was due by the definition before, `decide` says before. BadSchedule as for `schedule.parse`.
    """
    if definition.type is not TriggerType.TIME:
        return Decision()
    times = schedule.of(definition)
    if times.once:
        return Decision(considered=now, due_at=None if has_runs else _begins(definition, now))
    if times.always_on:
        return Decision(considered=now, due_at=_start_ahead(definition, now))
    lead = _lead(definition, runtimes)
    return Decision(considered=now + lead, due_at=_due(definition, now + lead, lead))


def decide(
    definition: Definition,
    active: bool,
    considered: datetime | None,
    now: datetime,
    *,
    has_runs: bool,
    runtimes: Sequence[float] = (),
) -> Decision:
    """What a trigger does now about the fire times since `considered`, which each are dealt with once.

    The same question has the same answer, so that of two who decide, the second makes nothing new. A trigger that is
    always on is not decided here but by `always_on_may_fire`. `runtimes` are seconds, the newest first. BadSchedule as
    for `schedule.parse`.
    """
    if definition.type is not TriggerType.TIME or (considered is None and not active):
        return Decision(considered=considered)
    if considered is None:
        return edited(definition, now, has_runs=has_runs, runtimes=runtimes)
    times = schedule.of(definition)
    if times.always_on:
        return Decision(considered=considered, due_at=_start_ahead(definition, now) if active else None)
    if times.once:
        return _once(definition, considered, now) if active and not has_runs else Decision(considered=considered)
    if not active:
        return _pass_over(definition, times, considered, now)
    return _catch_up(definition, times, considered, now, _lead(definition, runtimes))


def always_on_may_fire(definition: Definition, active: bool, now: datetime, running: bool) -> bool:
    """Whether a trigger that is always on begins a run now; `running`: one of its runs is not final."""
    timed = definition.type is TriggerType.TIME and schedule.of(definition).always_on
    return timed and active and not running and _start_ahead(definition, now) is None


def slot_of(definition: Definition, execution_date: datetime) -> Slot:
    """What a run of a trigger speaks for.

    A fire time lies between its neighbours. Any other date, as a run has that somebody asked for, is given the length
    of the period that it lies in. A trigger without fire times, and the ends of the calendar, give the date alone.
    BadSchedule as for `schedule.parse`.
    """
    if definition.type is not TriggerType.TIME:
        return Slot(execution_date)
    times = schedule.of(definition)
    begun, end = times.latest(execution_date), times.first(execution_date)
    if begun is None or end is None:
        return Slot(execution_date)
    length = end - begun
    if begun == execution_date:
        return Slot(begun, end, length.total_seconds(), times.latest(begun - TICK))
    with contextlib.suppress(OverflowError):
        return Slot(execution_date, execution_date + length, length.total_seconds(), execution_date - length)
    return Slot(execution_date)


def preview(definition: Definition, after: datetime, count: int) -> list[datetime]:
    """The next fire times of an active trigger, at most that many; of runs that are to land, when they land."""
    if definition.type is not TriggerType.TIME:
        return []
    if schedule.of(definition).once:
        start = _start_ahead(definition, after)
        return [start][:count] if start else []
    times = schedule.of(definition).after(_since(definition, after))
    return list(itertools.islice(times, count))


def _at_once(definition: Definition, now: datetime, *, first: bool) -> datetime | None:
    """The fire time that is run when the trigger is enabled, though it is not due by itself."""
    if definition.type is not TriggerType.TIME:
        return None
    landing = _landing_ahead(definition, now) if first else None
    if landing or not definition.settings.create_initial_pipeline_run:
        return landing
    begun = schedule.of(definition).latest(now)
    return begun if begun and not _start_ahead(definition, begun) else None


def _landing_ahead(definition: Definition, now: datetime) -> datetime | None:
    """The landing time that is still to come in the present period, if there is one."""
    if not _lands(definition):
        return None
    landing = schedule.of(definition).first(_since(definition, now))
    period_ends = schedule.parse(definition.interval or "", definition.zone).first(now)
    return landing if landing and period_ends and landing < period_ends else None


def _once(definition: Definition, considered: datetime, now: datetime) -> Decision:
    begins = _begins(definition, considered)
    if now < begins:
        return Decision(considered=considered, due_at=begins)
    return Decision((Fire(begins, now),), considered=considered)


def _pass_over(definition: Definition, times: Schedule, considered: datetime, now: datetime) -> Decision:
    """A paused trigger runs nothing, and says what passed."""
    gaps = _gap(times, _since(definition, considered), now, "paused")
    considered = max(considered, now)
    due_at = _due(definition, considered)
    return Decision((), gaps, considered, max(due_at, now + LOOK) if due_at else None)


def _catch_up(
    definition: Definition, times: Schedule, considered: datetime, now: datetime, lead: timedelta
) -> Decision:
    """What came due since is run, of several as the trigger says; a run that is to land is due `lead` before."""
    since, until = _since(definition, considered), now + lead
    due, passed = _chosen(definition.settings.catch_up, times, since, until)
    decision = Decision(tuple(Fire(at, at) for at in due), _gap(times, since, passed, "no_engine"))
    if len(due) == MOST:
        return replace(decision, considered=due[-1], due_at=now)
    considered = max(considered, until)
    return replace(decision, considered=considered, due_at=_due(definition, considered, lead))


def _chosen(catch_up: CatchUp, times: Schedule, since: datetime, until: datetime) -> tuple[list[datetime], datetime]:
    """Those of the fire times in between that get a run, and up to when the earlier ones get none."""
    match catch_up:
        case CatchUp.ALL:
            return list(itertools.islice(times.within(since, until), MOST)), since
        case CatchUp.NONE:
            stale = until - FRESH - TICK
            return list(times.within(max(since, stale), until)), stale
        case CatchUp.LAST:
            first = times.first(since)
            if first is None or first > until:
                return [], since
            last = times.latest(until) or first
            return [last], last - TICK if last > first else since


def _gap(times: Schedule, since: datetime, until: datetime, reason: str) -> tuple[Gap, ...]:
    """The fire times in between as one gap; none when there are none."""
    first = next(times.within(since, until), None) if since < until else None
    if first is None:
        return ()
    count = sum(1 for _ in itertools.islice(times.within(since, until), COUNTED))
    return (Gap(first, times.latest(until) or first, count, reason),)


def _due(definition: Definition, considered: datetime, lead: timedelta = timedelta()) -> datetime | None:
    """When the next fire time is to be dealt with."""
    fire = schedule.of(definition).first(_since(definition, considered))
    return fire - lead if fire else None


def _lead(definition: Definition, runtimes: Sequence[float]) -> timedelta:
    """How long before its landing time a run begins: the mean of the last runtimes and half their deviation."""
    last = runtimes[:RUNTIMES]
    if not last or not _lands(definition):
        return timedelta()
    deviation = statistics.stdev(last) if len(last) > 1 else 0.0
    return timedelta(seconds=statistics.fmean(last) + deviation / 2)


def _lands(definition: Definition) -> bool:
    wanted = definition.settings.landing_time_enabled and definition.start_time is not None
    return wanted and definition.interval in PERIODS


def _since(definition: Definition, considered: datetime) -> datetime:
    """The moment after which fire times count: the start time itself is one that may."""
    start = definition.start_time
    return max(considered, start - TICK) if start else considered


def _begins(definition: Definition, enabled_at: datetime) -> datetime:
    return max(enabled_at, definition.start_time) if definition.start_time else enabled_at


def _start_ahead(definition: Definition, now: datetime) -> datetime | None:
    return definition.start_time if definition.start_time and definition.start_time > now else None
