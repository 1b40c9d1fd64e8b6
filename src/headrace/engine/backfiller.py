"""Backfiller: carries out the plans of backfills, some runs a transaction, and ends those whose runs have ended."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from headrace import errors
from headrace.engine import maker
from headrace.engine.maker import Maker
from headrace.model import backfill, slot
from headrace.model.run import RunStatus
from headrace.model.slot import Slot
from headrace.model.trigger import Backfill, BackfillStatus
from headrace.store import Store
from headrace.store.backfills import Going
from headrace.store.runs import NewRun

AT_ONCE = 200  # runs of one transaction
AGAIN = timedelta(seconds=60)  # until a project that could not be read is tried again
PAUSED = timedelta(seconds=60)  # until one whose pipeline is paused is looked at again
PASSED_OVER = timedelta(seconds=0.2)  # until a backfill that another engine had locked is looked at again

Slots = Mapping[datetime, Slot]  # by execution date


class Backfiller:
    def __init__(self, store: Store, maker: Maker) -> None:
        self._store = store
        self._maker = maker
        self._slots: dict[tuple[int, datetime | None], Slots] = {}  # of those that are made; by when they were started

    def run_once(self, now: datetime) -> datetime | None:
        """Makes what is to be made of the backfills that run; when to look again."""
        going = self._store.backfills.open()
        again = [self._go_on(each, now) for each in going]
        making = {each.id for each in going if each.made < each.total}
        self._slots = {key: slots for key, slots in self._slots.items() if key[0] in making}
        return min((each for each in again if each), default=None)

    def _go_on(self, going: Going, now: datetime) -> datetime | None:
        try:
            if going.made < going.total:
                runs = going.status == BackfillStatus.RUNNING
                return self._make(self._store.backfills.get(going.id), now) if runs else None
            if not self._store.triggers.has_open_runs(going.trigger_id):
                self._end(self._store.backfills.get(going.id), now)
        except errors.StoreUnavailable:
            raise
        except errors.RowUnreadable as error:
            self._store.backfills.lay_aside(going.id, str(error), now)
        except Exception:
            logging.getLogger(__name__).exception("backfill %s does not go on", going.id)
            return now + AGAIN
        return None

    def _make(self, seen: Backfill, now: datetime) -> datetime | None:
        """The next runs of its plan; whoever has it locked makes them."""
        try:
            new = self._runs(seen, now)
        except errors.PipelinePaused:
            return now + PAUSED
        with self._store.backfills.making(seen) as making:
            if not making.lock():
                return now + PASSED_OVER
            making.create(new, now)
        return now

    def _runs(self, seen: Backfill, now: datetime) -> list[NewRun]:
        trigger = self._store.triggers.get(seen.trigger_id or 0)
        pin = self._maker.look(now).pin(seen.pipeline_id)
        of = self._slots_of(seen)
        return [
            maker.new_run(
                trigger.definition,
                pin,
                "by its backfill",
                trigger_id=trigger.id,
                execution_date=date,
                slot=of[date],
                variables={**seen.variables, **slot.variables(of[date])},
                backfill_id=seen.id,
            )
            for date in (seen.dates or ())[seen.made : seen.made + AT_ONCE]
        ]

    def _slots_of(self, seen: Backfill) -> Slots:
        """By their dates; there may be a hundred thousand, so they are reckoned once."""
        key = seen.id, seen.started_at
        if key not in self._slots:
            slots = backfill.slots(seen.start_time, seen.end_time, seen.interval_type, seen.interval_units)
            self._slots[key] = {each.execution_date: each for each in slots}
        return self._slots[key]

    def _end(self, seen: Backfill, now: datetime) -> None:
        """It ends as the latest run of each of its dates has."""
        latest = self._store.backfills.latest_of(seen.id)
        found = [latest.get(date) for date in seen.dates or ()]
        bad = [status for status in found if status != RunStatus.COMPLETED]
        status = BackfillStatus.FAILED if bad else BackfillStatus.COMPLETED
        said = f"{len(bad)} of {len(found)} dates have no completed run" if bad else "every date has a completed run"
        self._store.backfills.end(seen, status, said, now)
