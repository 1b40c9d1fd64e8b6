"""Matcher: what has happened becomes runs of the event triggers that ask for it, one run of a trigger for each.

What is to be made is decided without a lock, and written in transactions that look whether it is still to be made.
Several engines may do so at once. A run that cannot be made is missed, which its trigger says; it keeps back neither
the runs of others nor what happened next.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from headrace import errors
from headrace.engine import maker, portions
from headrace.engine.maker import Look, Maker
from headrace.engine.pins import Pin
from headrace.model import matching
from headrace.model.occurrence import Occurrence
from headrace.model.trigger import Trigger
from headrace.store import Store
from headrace.store.occurrences import BEGINNING, Handling, Listener
from headrace.store.runs import NewRun

AT_ONCE = 200  # occurrences that are looked at together
PASSED_OVER = timedelta(seconds=0.2)  # until what another engine had locked is looked at again


@dataclass(frozen=True, slots=True)
class Plan:
    """What an occurrence is about to begin: a run of some triggers; and of others none, and why not."""

    occurrence: Occurrence
    runs: Mapping[int, NewRun]  # by trigger
    missed: Mapping[int, str]

    def without(self, trigger_ids: Sequence[int], why: str) -> "Plan":
        """The same, but those triggers miss their run."""
        rest = {trigger_id: run for trigger_id, run in self.runs.items() if trigger_id not in trigger_ids}
        return replace(self, runs=rest, missed={**self.missed, **dict.fromkeys(trigger_ids, why)})


class Matcher:
    def __init__(self, store: Store, maker: Maker) -> None:
        self._store = store
        self._maker = maker

    def run_once(self, now: datetime) -> datetime | None:
        """Begins whatever is to be begun; when to be asked again, None when nothing is left."""
        while found := self._store.occurrences.open(AT_ONCE):
            if self._deal_with(found, now) == 0:
                return now + PASSED_OVER
        return None

    def _deal_with(self, found: Sequence[Occurrence], now: datetime) -> int:
        """How many of them were this engine's to deal with."""
        listeners = self._store.occurrences.listeners(found)
        plans = _Planning(self._maker.look(now), listeners, now).plans(found)
        done = [self._carry_out_together(some, now) for some in portions.cut(plans)]
        self._tell(listeners, [plan for _, become in done for plan in become])
        return sum(dealt for dealt, _ in done)

    def _carry_out_together(self, plans: Sequence[Plan], now: datetime) -> tuple[int, Sequence[Plan]]:
        """In one transaction, or, if that goes wrong, one for each; how many were this engine's, and what became of them."""
        try:
            return self._carry_out(plans, now, []), plans
        except errors.StoreUnavailable:
            raise
        except Exception:
            return self._carry_out_each(plans, now)

    def _carry_out(self, plans: Sequence[Plan], now: datetime, trail: list[int]) -> int:
        """`trail` gets the triggers whose runs are made, so that it ends with the one at which something went wrong."""
        with self._store.occurrences.handling() as handling:
            locked = handling.lock([plan.occurrence for plan in plans])
            begun = {
                plan.occurrence.id: _write(handling, plan, now, trail) for plan in plans if plan.occurrence.id in locked
            }
            handling.close(begun, now)
        return len(locked)

    def _carry_out_each(self, plans: Sequence[Plan], now: datetime) -> tuple[int, list[Plan]]:
        """One transaction for each; how many were this engine's, and what became of their plans."""
        done = [self._carry_out_alone(plan, now) for plan in plans]
        return sum(dealt for dealt, _ in done), [plan for _, plan in done]

    def _carry_out_alone(self, plan: Plan, now: datetime) -> tuple[int, Plan]:
        """Whatever run cannot be made is missed; an occurrence that cannot be dealt with at all is laid aside."""
        while True:
            trail: list[int] = []
            try:
                return self._carry_out([plan], now, trail), plan
            except errors.StoreUnavailable:
                raise
            except Exception as error:
                logging.getLogger(__name__).exception("event %s does not begin all its runs", plan.occurrence.id)
                if not plan.runs:
                    break
                plan = plan.without(trail[-1:] or [*plan.runs], str(error))
        self._store.occurrences.lay_aside(plan.occurrence.id, now)
        return 1, plan

    def _tell(self, listeners: Sequence[Listener], plans: Sequence[Plan]) -> None:
        """The triggers say what keeps their runs from being made, for as long as it does."""
        missed = {trigger_id: why for plan in plans for trigger_id, why in plan.missed.items()}
        for trigger_id, why in missed.items():
            self._store.occurrences.note_fault(trigger_id, why)
        well = {trigger_id for plan in plans for trigger_id in plan.runs} - missed.keys()
        for each in listeners:
            if each.id in well and each.trigger and (each.trigger.fault or "").startswith(BEGINNING):
                self._store.occurrences.clear_fault(each.id)


class _Planning:
    """What occurrences begin, as projects and triggers are now."""

    def __init__(self, look: Look, listeners: Sequence[Listener], now: datetime) -> None:
        self._look = look
        self._listeners = listeners
        self._now = now
        self._pins: dict[int, Pin | Exception] = {}

    def plans(self, found: Sequence[Occurrence]) -> list[Plan]:
        return [self._plan(each) for each in found]

    def _plan(self, occurrence: Occurrence) -> Plan:
        plan = Plan(occurrence, {}, {})
        for listener in self._listeners:
            if listener.concerned(occurrence):
                plan = self._with(plan, listener)
        return plan

    def _with(self, plan: Plan, listener: Listener) -> Plan:
        occurrence, trigger = plan.occurrence, listener.trigger
        if trigger is None:
            return plan.without([listener.id], listener.fault or "")
        if not _came_after(trigger, occurrence):
            return plan
        if occurrence.fault:
            return plan.without([trigger.id], occurrence.fault)
        if not any(matching.matches(rule, rule_id, occurrence) for rule_id, rule in listener.rules.items()):
            return plan
        pin = self._pin(trigger.pipeline_id)
        if isinstance(pin, Exception):
            return plan.without([trigger.id], str(pin))
        return replace(plan, runs={**plan.runs, trigger.id: self._run(trigger, occurrence, pin)})

    def _run(self, trigger: Trigger, occurrence: Occurrence, pin: Pin) -> NewRun:
        definition = trigger.definition
        return maker.new_run(
            definition,
            pin,
            "by an event",
            trigger_id=trigger.id,
            execution_date=self._now,
            variables={**definition.variables, "event": occurrence.payload},
        )

    def _pin(self, pipeline_id: int) -> Pin | Exception:
        """That pipeline as it is now, or why it cannot be run."""
        if pipeline_id not in self._pins:
            try:
                self._pins[pipeline_id] = self._look.pin(pipeline_id)
            except errors.StoreUnavailable:
                raise
            except Exception as error:
                self._pins[pipeline_id] = error
        return self._pins[pipeline_id]


def _write(handling: Handling, plan: Plan, now: datetime, trail: list[int]) -> int:
    """The runs of one occurrence that was locked; how many they are."""
    for trigger_id, run in plan.runs.items():
        trail.append(trigger_id)
        handling.create(run, now)
    for trigger_id, why in plan.missed.items():
        handling.miss(trigger_id, plan.occurrence, why, now)
    return len(plan.runs)


def _came_after(trigger: Trigger, occurrence: Occurrence) -> bool:
    """What happened while the trigger was paused, or was not there yet, begins nothing."""
    return trigger.last_enabled_at is not None and trigger.last_enabled_at <= occurrence.at
