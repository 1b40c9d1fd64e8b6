"""Scheduler: triggers that are due become runs.

What is due is decided without a lock, and written in transactions that look whether it still is. Several engines may do
so at once. A trigger whose project cannot be read misses its run and says why; one that cannot be decided at all is
laid aside until somebody changes it; neither keeps the others waiting.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from headrace import errors
from headrace.engine import maker, portions
from headrace.engine.maker import Look, Maker
from headrace.engine.pins import Pin
from headrace.model import firing, schedule
from headrace.model.firing import Decision, Gap
from headrace.model.run import RunStatus
from headrace.model.trigger import Trigger
from headrace.store import Store
from headrace.store.firing import Firing, Perpetual, Stand
from headrace.store.runs import NewRun

AT_ONCE = 200  # triggers that are looked at together
PASSED_OVER = timedelta(seconds=0.2)  # until what another engine had locked is looked at again
REST = timedelta(seconds=1)  # between the beginnings of two runs of a trigger that is always on
AGAIN = timedelta(seconds=60)  # until a project that could not be read is tried again, by what has no other fire time


@dataclass(frozen=True, slots=True)
class Plan:
    """What a trigger is about to do: the runs it makes, and where it stands then."""

    trigger: Trigger
    decision: Decision
    runs: tuple[NewRun, ...] = ()
    fault: str | None = None  # why its runs cannot be made

    @property
    def skips(self) -> bool:
        """Whether a run of it that finds another under way is cancelled."""
        return self.trigger.definition.settings.skip_if_previous_running


class Taker(Protocol):
    """An engine that moves what it has made itself, as far as it has room: nobody needs to claim that first."""

    @property
    def name(self) -> str: ...

    def appetite(self) -> int:
        """How many more runs would find something to do there."""
        ...

    def bring(self, run_id: int, at: datetime) -> None:
        """It has that run from now on."""
        ...


class Scheduler:
    """Without a `taker`, runs are for any engine."""

    def __init__(self, store: Store, maker: Maker, taker: Taker | None = None) -> None:
        self._store = store
        self._maker = maker
        self._taker = taker

    def run_once(self, now: datetime) -> datetime | None:
        """Fires whatever is due; when the next is, None when nothing is to come."""
        again: list[datetime] = []
        while due := self._store.triggers.due(now, AT_ONCE):
            if self.fire(due, now) == 0:
                again.append(now + PASSED_OVER)
                break
        again += self._fire_perpetual(now)
        coming = self._store.triggers.next_due()
        return min((each for each in (coming, *again) if each and each > now), default=None)

    def fire(self, due: Sequence[Trigger], now: datetime) -> int:
        """How many of them were this engine's to fire."""
        look = self._maker.look(now)
        plans = [plan for each in due if (plan := self._plan(each, look, now))]
        if not plans:
            return len(due)  # they are laid aside
        return sum(self._carry_out_together(some, now) for some in portions.cut(plans))

    def _carry_out_together(self, plans: Sequence[Plan], now: datetime) -> int:
        """In one transaction, or, if that goes wrong, one for each; how many of them were this engine's."""
        try:
            return self._carry_out(plans, now)
        except errors.StoreUnavailable:
            raise
        except Exception:
            return sum(self._carry_out_alone(plan, now) for plan in plans)

    def _plan(self, trigger: Trigger, look: Look, now: datetime) -> Plan | None:
        """What it does now; None for one that cannot be decided, which is laid aside."""
        try:
            decision = self._decide(trigger, now)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            self._lay_aside(trigger, error)
            return None
        if not decision.fires:
            return Plan(trigger, decision)
        try:
            pin = look.pin(trigger.pipeline_id)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            return _missed(trigger, decision, error, now)
        return Plan(trigger, decision, _runs(trigger, decision, pin))

    def _decide(self, trigger: Trigger, now: datetime) -> Decision:
        definition, known = trigger.definition, self._store.triggers
        return firing.decide(
            definition,
            trigger.active,
            trigger.considered,
            now,
            has_runs=schedule.of(definition).once and known.has_runs(trigger.id),
            runtimes=known.runtimes(trigger.id) if definition.settings.landing_time_enabled else (),
        )

    def _carry_out(self, plans: Sequence[Plan], now: datetime) -> int:
        room = self._taker.appetite() if self._taker else 0
        owner = self._taker.name if self._taker and room > 0 else None
        with self._store.triggers.firing() as writing:
            locked = writing.lock(plan.trigger for plan in plans)
            own = _write(writing, [plan for plan in plans if plan.trigger.id in locked], now, owner, room)
        if self._taker:
            for run_id in own:
                self._taker.bring(run_id, now)
        return len(locked)

    def _carry_out_alone(self, plan: Plan, now: datetime) -> int:
        try:
            return self._carry_out([plan], now)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            self._lay_aside(plan.trigger, error)
            return 1

    def _lay_aside(self, trigger: Trigger, error: Exception) -> None:
        if trigger.fault != str(error):
            logging.getLogger(__name__).error("trigger %s cannot fire", trigger.id, exc_info=error)
        self._store.triggers.lay_aside(trigger.id, str(error))

    def _fire_perpetual(self, now: datetime) -> list[datetime]:
        """Begins what is always on and has ended, retires what fires once and has; when to look again."""
        again: list[datetime] = []
        for each in self._store.triggers.perpetual():
            try:
                again += self._go_on(each, now)
            except errors.StoreUnavailable:
                raise
            except Exception as error:
                self._lay_aside(each.trigger, error)
        return again

    def _go_on(self, each: Perpetual, now: datetime) -> list[datetime]:
        trigger = each.trigger
        if trigger.definition.interval == schedule.ONCE:
            if _has_done(each):
                with self._store.triggers.firing() as writing:
                    writing.retire(trigger.id, now)
            return []
        if not firing.always_on_may_fire(trigger.definition, trigger.active, now, each.open):
            return []
        if each.began and now < each.began + REST:
            return [each.began + REST]
        return self._begin_again(trigger, now)

    def _begin_again(self, trigger: Trigger, now: datetime) -> list[datetime]:
        fires = Decision((firing.Fire(now, now),), (), trigger.considered, trigger.due_at)
        try:
            pin = self._maker.look(now).pin(trigger.pipeline_id)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            if trigger.fault != str(error):
                self._carry_out([Plan(trigger, replace(fires, fires=()), (), str(error))], now)
            return [now + AGAIN]
        with self._store.triggers.firing() as writing:
            if writing.lock([trigger]) and not writing.has_open_run(trigger.id):
                _write(writing, [Plan(trigger, fires, _runs(trigger, fires, pin))], now)
        return []


def _write(
    writing: Firing, plans: Sequence[Plan], now: datetime, owner: str | None = None, room: int = 0
) -> Sequence[int]:
    """The gaps and the runs of triggers that were locked, and where these stand then; which runs the owner has."""
    for plan in plans:
        for gap in plan.decision.gaps:
            writing.note_gap(plan.trigger.id, gap.reason, gap.first, gap.last, gap.count, now)
    own = writing.fire(_unless_busy(writing, plans), now, owner, room)
    writing.set_on(Stand(plan.trigger.id, plan.decision.considered, plan.decision.due_at, plan.fault) for plan in plans)
    return own


def _unless_busy(writing: Firing, plans: Sequence[Plan]) -> list[NewRun]:
    """Their runs; one that finds another of its trigger under way is refused, where the trigger says so."""
    skipping = {plan.trigger.id for plan in plans if plan.runs and plan.skips}
    busy, found = writing.busy(skipping), list[NewRun]()
    for plan in plans:
        for run in plan.runs:
            refused = plan.skips and plan.trigger.id in busy
            found.append(replace(run, refused="previous_running") if refused else run)
            busy.add(plan.trigger.id)
    return found


def _runs(trigger: Trigger, decision: Decision, pin: Pin) -> tuple[NewRun, ...]:
    return tuple(maker.fired(trigger.definition, decision.fires, pin, trigger_id=trigger.id))


def _missed(trigger: Trigger, decision: Decision, error: Exception, now: datetime) -> Plan:
    """Its runs cannot be made now, which is noted; it is due again at its next fire time, or tried again if it has none."""
    if schedule.of(trigger.definition).once:
        return Plan(trigger, replace(decision, fires=(), due_at=now + AGAIN), (), str(error))
    times = [fire.fire_time for fire in decision.fires]
    why = "paused" if isinstance(error, errors.PipelinePaused) else f"fault: {error}"
    gap = Gap(times[0], times[-1], len(times), why)
    return Plan(trigger, replace(decision, gaps=(*decision.gaps, gap)), (), str(error))


def _has_done(each: Perpetual) -> bool:
    """Whether the one run of a trigger has ended, and is none that somebody would want again."""
    forgiven = each.trigger.definition.settings.allow_blocks_to_fail
    done = (RunStatus.COMPLETED, RunStatus.FAILED) if forgiven else (RunStatus.COMPLETED,)
    return not each.open and each.last in done
