"""Claims: an engine takes orphans, as far as it has room, and its runs are admitted as far as their limits have.

What could be taken is looked at first, without locks; then limits are locked in order of id, then runs, and what
somebody else was faster with is passed over. No document of a run is read, so one that cannot be decoded hinders none.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace.store import admission
from headrace.store.columns import Moment
from headrace.store.script import Answer, Plural, Script, Statement
from headrace.store.tables import engines, limits, runs

RESCUED = 8  # orphans that are taken whatever room there is: what waits may wait for the places that they hold

OPEN = runs.c.ended_at.is_(None)
LIVING = sa.select(engines.c.name).where(engines.c.name == runs.c.owner).exists()
ORPHAN = sa.and_(OPEN, sa.or_(runs.c.owner.is_(None), ~LIVING))

_WAITS = sa.and_(runs.c.admitted_at.is_(None), runs.c.cancel_requested_at.is_(None))
_READY = sa.and_(_WAITS, sa.not_(runs.c.held))
_DATE = sa.type_coerce(runs.c.execution_date, sa.types.NullType())  # as the driver has it, in an order all the same
_SEEN = (runs.c.id, runs.c.epoch, runs.c.pipeline_id, runs.c.trigger_id, _DATE.label("date"), _WAITS.label("waits"))
_ORDER = (runs.c.execution_date, runs.c.id)


@dataclass(frozen=True, slots=True)
class Seen:
    """A run as it was when somebody looked; `waits` to be admitted, or needs no admission."""

    id: int
    epoch: int
    pipeline_id: int
    trigger_id: int | None
    date: Any  # its execution date
    waits: bool


@dataclass(frozen=True, slots=True)
class Claims:
    """What a claim found: `taken` were orphans and are the engine's now, under their next epoch.

    `admitted` were the engine's before, and waited until then; `refused` found no room under limits that say skip, and
    are the engine's to end.
    """

    taken: list[int] = field(default_factory=list[int])
    admitted: dict[int, datetime] = field(default_factory=dict[int, datetime])
    refused: list[int] = field(default_factory=list[int])


def claim(connection: sa.Connection, owner: str, room: int, at: datetime, *, own: bool) -> Claims:
    """See `Runs.claim`."""
    look = _look(connection, owner, 0, 0) if own else _look(connection, owner, room, max(room, RESCUED))
    if not look.lives:
        return Claims()
    seen = (*look.mine, *look.urgent, *look.waiting)
    places = _places(connection, look) if look.limited else admission.Places([], [])
    held = _hold(connection, owner, seen)
    admitted, refused = _decide(places, [run for run in (*look.mine, *look.waiting) if run.id in held])
    settled = {run.id for run in look.urgent} | admitted | refused
    taken = [run.id for run in (*look.urgent, *look.waiting) if run.id in held & settled]
    _record(connection, owner, taken, admitted, at)
    return Claims(taken, dict.fromkeys(sorted(admitted.difference(taken)), at), sorted(refused))


def claim_one(connection: sa.Connection, run_id: int, owner: str, epoch: int, at: datetime) -> bool:
    """See `Runs.claim_one`."""
    with Script(connection) as script:
        lives, one = script.say(_LIVES, {"owner": owner}), script.say(_ONE, {"run": run_id, "epoch": epoch})
    if not lives.rows or not (seen := _seen(one)):
        return False
    places = admission.places(connection, [seen[0].pipeline_id], lock=True)
    if not _hold(connection, owner, seen):
        return False
    _record(connection, owner, [run_id], {run_id} if seen[0].waits and places.take(seen[0]) else set(), at)
    return True


@dataclass(frozen=True, slots=True)
class _Look:
    """What could be taken, seen without locks; `limited` are the pipelines with limits of which a run waits."""

    lives: bool
    mine: list[Seen]
    urgent: list[Seen]
    waiting: list[Seen]
    limited: list[int]


def _look(connection: sa.Connection, owner: str, room: int, rescued: int) -> _Look:
    with Script(connection) as script:
        lives, mine = script.say(_LIVES, {"owner": owner}), script.say(_MINE, {"owner": owner})
        urgent, first = script.say(_URGENT, {"most": rescued}), script.say(_FIRST, {"most": room})
        tight = script.say(_LIMITED, {})  # after the others: each sees more than the last, and this is to miss none
    limited, ready = [pipeline for (pipeline,) in tight.rows], _seen(urgent)
    left = max(0, room - len(ready))
    waiting = _fitting(connection, left, limited) if limited else _seen(first)[:left]
    return _Look(bool(lives.rows), _seen(mine), ready, waiting, limited)


def _places(connection: sa.Connection, look: _Look) -> admission.Places:
    """Of whatever was seen to wait: meanwhile also runs of pipelines that none had waited of before."""
    return admission.places(connection, {run.pipeline_id for run in (*look.mine, *look.waiting)}, lock=True)


def _fitting(connection: sa.Connection, room: int, limited: list[int]) -> list[Seen]:
    """The first orphans for which there seems to be a place, or a refusal."""
    places = admission.places(connection, limited, lock=False)
    query = sa.select(*_SEEN).where(ORPHAN, _READY).order_by(*_ORDER)
    found: list[Seen] = []
    after: sa.ColumnElement[bool] = sa.true()
    while len(found) < room:
        page = [Seen(*row) for row in connection.execute(query.where(after, *places.open()).limit(room))]
        found += [run for run in page if places.take(run) or places.skips(run)]
        if len(page) < room:
            break
        after = _after(page[-1])
    return found[:room]


def _seen(answer: Answer) -> list[Seen]:
    return [Seen(*row) for row in answer.rows]


def _after(run: Seen) -> sa.ColumnElement[bool]:
    return sa.tuple_(*_ORDER) > sa.tuple_(sa.literal(run.date, sa.types.NullType()), sa.literal(run.id))


def _order(run: Seen) -> tuple[Any, int]:
    return run.date, run.id


def _hold(connection: sa.Connection, owner: str, seen: Collection[Seen]) -> set[int]:
    """Locks those of them that are still as they were seen; somebody who holds one of them has it."""
    epochs = {run.id: run.epoch for run in seen}
    if not epochs:
        return set()
    holding, ids = _HOLDING.of(epochs)
    held = Script(connection).ask(holding, {**ids, "owner": owner}).rows
    return {run_id for run_id, epoch in held if epochs[run_id] == epoch}


def _decide(places: admission.Places, waiting: Iterable[Seen]) -> tuple[set[int], set[int]]:
    """Which of them are admitted, and which are refused; the others wait on."""
    admitted, refused = set[int](), set[int]()
    for run in sorted(waiting, key=_order):
        if places.take(run):
            admitted.add(run.id)
        elif places.skips(run):
            refused.add(run.id)
    return admitted, refused


def _record(
    connection: sa.Connection, owner: str, taken: Collection[int], admitted: Collection[int], at: datetime
) -> None:
    with Script(connection) as script:
        script.say_of_each(_TAKE, [{"run": run_id, "owner": owner} for run_id in taken])
        script.say_of_each(_ADMIT, [{"run": run_id, "at": at} for run_id in admitted])


_OWNER = sa.bindparam("owner", type_=runs.c.owner.type)
_RUN = sa.bindparam("run", type_=runs.c.id.type)
_MOST = sa.bindparam("most", type_=sa.Integer)
_LOOK = sa.select(*_SEEN).order_by(*_ORDER)

# Whether the engine has a row, which stays until the commit: nobody who is buried claims anything.
_LIVES = Statement(sa.select(engines.c.name).where(engines.c.name == _OWNER).with_for_update(read=True, key_share=True))
_MINE = Statement(_LOOK.where(OPEN, _READY, runs.c.owner == _OWNER))
_URGENT = Statement(_LOOK.where(ORPHAN, sa.not_(_WAITS)).limit(_MOST))
_FIRST = Statement(_LOOK.where(ORPHAN, _READY).limit(_MOST))
_ONE = Statement(_LOOK.where(ORPHAN, runs.c.id == _RUN, runs.c.epoch == sa.bindparam("epoch", type_=runs.c.epoch.type)))
_LIMITED = Statement(
    sa.select(limits.c.pipeline_id)
    .where(admission.OF_RUNS, limits.c.pipeline_id.in_(sa.select(runs.c.pipeline_id).where(OPEN, _READY)))
    .distinct()
)
_HOLDING = Plural(
    lambda ids: (
        sa.select(runs.c.id, runs.c.epoch)
        .where(runs.c.id.in_(ids), OPEN, sa.or_(runs.c.owner == _OWNER, ORPHAN))
        .order_by(runs.c.id)
        .with_for_update(skip_locked=True, of=runs)
    )
)
_TAKE = Statement(sa.update(runs).where(runs.c.id == _RUN).values(owner=_OWNER, epoch=runs.c.epoch + 1))
_ADMIT = Statement(sa.update(runs).where(runs.c.id == _RUN).values(admitted_at=sa.bindparam("at", type_=Moment)))
