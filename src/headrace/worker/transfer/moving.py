"""Moving: one load of a job, from what its source has now into its target."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from headrace import errors
from headrace.model import loads
from headrace.model.loads import Load, Mode, Value
from headrace.model.output import Output
from headrace.model.transfer import LoadType, Transfer
from headrace.worker.transfer import batches, columns, queries, sources, targets
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column, Kind
from headrace.worker.transfer.queries import Selection
from headrace.worker.transfer.scope import Scope
from headrace.worker.transfer.sources import Source
from headrace.worker.transfer.targets import Loading, Target

_WORDS = frozenset({Kind.TEXT, Kind.JSON})
_ENDLESS = frozenset({"nan", "inf", "infinity"})


@dataclass(frozen=True, slots=True)
class Moved:
    """What a load has done; `outputs` are those that have yet to be committed."""

    rows: int
    mode: Mode
    bookmark: Value | None
    outputs: tuple[Output, ...] = ()


def move(transfer: Transfer, scope: Scope) -> Moved:
    """Moves the table. LoadFailed, NoConnection, BadConnection; the target is then as it was."""
    _refuse_one_file(transfer, scope)
    with sources.open(transfer.source, scope) as source, targets.open(transfer.target, scope) as target:
        load = loads.decide(transfer, target.bookmark())
        reading = _Reading(source.exactly(_decimals(target, transfer)), transfer, load)
        loaded = target.write(reading.loading())
    return Moved(loaded.rows, load.mode, reading.reached, loaded.outputs)


def _decimals(target: Target, transfer: Transfer) -> Collection[str]:
    """The columns of which every digit counts; not the one that tells what is new, whose values bookmarks have."""
    wanted = None if transfer.columns is None else {name.lower() for name in transfer.columns}
    names = (name for name in target.decimals() if name != (transfer.increment or "").lower())
    return {name for name in names if wanted is None or name in wanted}


def _refuse_one_file(transfer: Transfer, scope: Scope) -> None:
    """A database in a file cannot be read at one moment and written by who reads it: the two would wait for each other."""
    source, target = transfer.source, transfer.target
    if source.plugin == target.plugin and source.plugin in ("sqlite", "duckdb"):
        path = scope.address(source).path
        if os.path.realpath(path) == os.path.realpath(scope.address(target).path):
            raise errors.LoadFailed(what=f"The table {source.name}", why=f"{path} is its target's file, too")


class _Reading:
    """The rows that a load is of, as they are at the source at one moment."""

    def __init__(self, source: Source, transfer: Transfer, load: Load) -> None:
        self._source = source
        self._transfer = transfer
        self._load = load
        there = {column.name: column for column in source.columns()}
        self._columns = _chosen(there, transfer)
        self._increment = _named(there, transfer.increment) if transfer.increment else None
        self._keys = _keys(self._columns, transfer)
        self.reached, self._kind = self._reach()

    def loading(self) -> Loading:
        return Loading(
            load=self._load,
            columns=self._columns,
            batches=self._batches(),
            keys=self._keys,
            reached=self.reached,
            kind=self._kind,
        )

    def _reach(self) -> tuple[Value | None, str | None]:
        """How far the job gets, and of what kind that is; it never falls behind."""
        if self._transfer.load is LoadType.FULL or self._increment is None:
            return None, None
        self._refuse_other_kind(self._increment)
        found = self._source.greatest(self._increment, self._load.since)
        if found is None:
            return self._load.since, self._load.kind
        _refuse_endless(found, self._increment)
        return found, self._increment.kind.value

    def _refuse_other_kind(self, column: Column) -> None:
        """LoadFailed where the column has values that come after the bookmark or before it as the bookmark's own did not."""
        before = self._load.kind
        if not columns.orders(before, column.kind) and self._source.greatest(column, None) is not None:
            why = f"it was {before} when the job got to {self._load.since}, and is {column.kind} now; reset the job's state"
            raise errors.LoadFailed(what=f"The column {column.name}", why=why)

    def _batches(self) -> Iterator[Batch]:
        statement = queries.select(self._source.dialect, self._selection())
        given = [value for value in (self._load.since, self.reached) if value is not None]
        for batch in self._source.batches(statement, given, self._columns):
            batches.refuse_null(batch, self._keys)
            yield batch

    def _selection(self) -> Selection:
        return Selection(
            relation=self._source.relation,
            values=[(self._source.value(column), column.name) for column in self._columns],
            since=self._condition(">=" if self._load.inclusive else ">") if self._load.since is not None else None,
            until=self._until(),
            keys=self._keys,
            newest=self._source.dialect.name(self._increment.name) if self._increment else "",
        )

    def _until(self) -> str | None:
        """A first load takes along the rows that say nothing of when they came."""
        if self.reached is None:
            return None
        until = self._condition("<=")
        return until if self._load.since is not None else f"({until} OR {self._name()} IS NULL)"

    def _condition(self, comparison: str) -> str:
        assert self._increment is not None  # noqa: S101 - there is a value only of a column
        return f"{self._name()} {comparison} {self._source.comparand(self._increment)}"

    def _name(self) -> str:
        return self._source.dialect.name(self._increment.name if self._increment else None)


def _refuse_endless(value: Value, column: Column) -> None:
    """LoadFailed for a value that no other comes after: nothing would be loaded ever again."""
    if column.kind not in _WORDS and str(value).lower() in _ENDLESS:
        raise errors.LoadFailed(
            what=f"The column {column.name}", why=f"it has {value} in it, and nothing comes after that"
        )


def _chosen(there: dict[str, Column], transfer: Transfer) -> Sequence[Column]:
    if transfer.columns is None:
        return list(there.values())
    wanted = {_named(there, name).name for name in transfer.columns}
    return [column for name, column in there.items() if name in wanted]


def _keys(columns: Sequence[Column], transfer: Transfer) -> Sequence[str]:
    """The columns by which rows are known, for loads that need to know them."""
    if transfer.load is not LoadType.QUALIFIED:
        return ()
    chosen = {column.name: column for column in columns}
    return [_named(chosen, key).name for key in transfer.keys]


def _named(there: dict[str, Column], name: str) -> Column:
    """The column of that name, or, where letters have another size, the one that it can only be."""
    alike = [column for each, column in there.items() if each.lower() == name.lower()]
    found = there.get(name) or (alike[0] if len(alike) == 1 else None)
    if found is None:
        raise errors.LoadFailed(what=f"The column {name}", why=f"there is none of this name, but {', '.join(there)}")
    return found
