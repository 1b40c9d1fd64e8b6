"""Blocks written in SQL: a query over datasets, whose result is to become a version of another.

The query runs in a database of its own, which lives as long as the attempt, knows nothing but the datasets that the
block reads, at the versions the run reads them at, and reaches nothing else: neither files nor the network, neither
extensions nor settings. What it finds is written into the attempt's own place, from where the engine commits it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from headrace import errors
from headrace.datasets import scanning, types
from headrace.model import steps
from headrace.model.output import DATASET, Output
from headrace.outputs import files, tables
from headrace.project import queries
from headrace.worker import database, source, wire

_LONGEST = 200  # characters of a text that is some column's least or greatest


def run(task: wire.Task) -> tuple[Output, ...]:
    """Runs the query, and keeps what it found in a file that is on the disk when this returns.

    QueryFailed with the database's own words, and where in the query they belong; QueryTooLarge where the memory does
    not suffice; DatasetNotFound, DatasetUnreadable; CannotKeep for a column that no dataset can have.
    """
    query = _query(task)
    folder = files.Folder(Path(task.place))
    path = folder.place / f"{task.writes[0]}.parquet"
    with folder.written(path), database.opened(query.reads, task.memory_limit, path) as connection:
        columns = _columns(connection, query)
        written = _copy(connection, query, columns, path)
    folder.settle()
    return (_output(task, path, columns, written),)


def get_ready() -> None:
    """Does what the last step has left to do and the next will need, while nobody waits."""
    database.get_ready()


# The query


@dataclass(frozen=True, slots=True)
class _Query:
    """The query as it runs, and the datasets that it reads; `file` is where it is written, and shows these lines."""

    file: str
    text: str
    reads: Sequence[wire.Dataset] = ()

    def failed(self, kind: str, why: str, place: queries.Place | None) -> errors.QueryFailed:
        """The error that says so, and shows the line at fault."""
        error = errors.QueryTooLarge if kind == "Out of Memory" else errors.QueryFailed
        where = f" in line {place.line}, column {place.column}" if place else ""
        failed = error(kind=kind, where=where, why=why, file=self.file, line=place and place.line)
        if place:
            line = self.text.split("\n")[place.line - 1]
            failed.add_note(f"  {line}\n  {' ' * (place.column - 1)}^")
        return failed


def _query(task: wire.Task) -> _Query:
    """The text as the run has it, its variables in their places. QueryFailed for one that no step may run."""
    written = Path(task.workplace.snapshot, task.file).read_text("utf-8-sig")
    query = _Query(str(Path(task.workplace.live, task.file)), _filled(written, task))
    source.show(query.file, query.text)
    try:
        read = queries.read(query.text)
        queries.refuse_undeclared(read.tables, steps.inputs(task.configuration))
    except queries.NotAQuery as error:
        raise query.failed("Query", str(error), error.place) from None
    return _Query(query.file, read.text, tuple(_dataset(task, table.name) for table in read.tables))


def _dataset(task: wire.Task, name: str) -> wire.Dataset:
    """The dataset that a query calls so. DatasetNotFound."""
    for each in task.reads:
        if each.name.lower() == name.lower():
            return each
    raise errors.DatasetNotFound(dataset=name)


def _filled(text: str, task: wire.Task) -> str:
    if not queries.is_template(text, task.configuration):
        return text
    from headrace.project import rendering  # Jinja is slow to import, and most queries are no templates

    try:
        return rendering.fill(text, task.variables)
    except rendering.NotRendered as error:
        place = queries.Place(error.line, 1) if error.line else None
        raise _Query(str(Path(task.workplace.live, task.file)), text).failed("Template", str(error), place) from None


# Its result


class _Column(NamedTuple):
    """A column of the result, and the type that it is kept as, in the database's words."""

    name: str
    type: str
    kept: str

    @property
    def selected(self) -> str:
        name = types.quoted(self.name)
        return name if self.kept == self.type else f"CAST({name} AS {self.kept}) AS {name}"


def _columns(connection: Any, query: _Query) -> list[_Column]:
    """The columns that the query has, without running it. CannotKeep for one that no dataset can have."""
    described = _run(connection, query, "SELECT * FROM (\n", "\n) LIMIT 0").description
    return [_Column(name, str(type), types.kept(name, type)) for name, type, *_ in described]


def _copy(connection: Any, query: _Query, columns: Sequence[_Column], path: Path) -> "_Written":
    """Runs the query; its rows go into the file as they come, in the query's order."""
    selected = ", ".join(column.selected for column in columns)
    options = f"{scanning.FORMAT}, USE_TMP_FILE false, RETURN_STATS true"
    before, after = f"COPY (SELECT {selected} FROM (\n", f"\n)) TO {scanning.literal(path)} ({options})"  # noqa: S608 - names are quoted, and a query is one SELECT
    _, rows, size, _, statistics, *_ = _run(connection, query, before, after).fetchone()
    return _Written(rows, size, statistics)


def _run(connection: Any, query: _Query, before: str, after: str) -> Any:
    """The text of the query, set between these two, is run. QueryFailed, which speaks of the query alone."""
    try:
        return connection.execute(f"{before}{query.text}{after}")
    except queries.duckdb().Error as error:
        raise _failed(query, error, len(before.encode())) from None


def _failed(query: _Query, error: Exception, before: int) -> errors.QueryFailed:
    kind, _, said = str(error).partition(": ")
    try:
        told = json.loads(said)
    except ValueError:
        return query.failed(kind.removesuffix(" Error"), said or str(error), None)
    place = queries.place(query.text, int(told.get("position", -1)) - before)
    return query.failed(told["exception_type"], told["exception_message"].strip(), place)


# What is known of it


class _Written(NamedTuple):
    """What the database says of the file: its rows, its bytes, and statistics by the quoted path of each column."""

    rows: int
    bytes: int
    statistics: dict[str, dict[str, str]]


def _output(task: wire.Task, path: Path, columns: Sequence[_Column], written: _Written) -> Output:
    return Output(
        name=task.writes[0],
        kind=DATASET,
        codec="parquet",
        path=str(path.relative_to(task.home)),
        bytes=written.bytes,
        rows=written.rows,
        schema=tuple({"name": column.name, "type": column.kept} for column in columns),
        profile={column.name: _found(written.statistics, column) for column in columns},
        extra={
            "dataset": task.writes[0],
            "mode": steps.mode(task.configuration).value,
            "keys": list(steps.keys(task.configuration)),
            "description": steps.description(task.configuration),
        },
    )


def _found(statistics: dict[str, dict[str, str]], column: _Column) -> dict[str, Any] | None:
    """Nulls, least and greatest of a column as far as the file's own statistics say; None where they say nothing."""
    told = statistics.get(types.quoted(column.name))
    if told is None or "null_count" not in told:
        return None
    ends = {
        end: _end(told.get(end), column.kept) if told.get(f"{end}_is_exact") == "true" else None
        for end in ("min", "max")
    }
    return {"nulls": int(told["null_count"]), **ends}


def _end(text: str | None, kind: str) -> Any:
    if text is None:
        return None
    made = _ENDS.get(kind)
    return tables.plain(made(text)) if made else text[:_LONGEST]


_ENDS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT"), int),
    **dict.fromkeys(("FLOAT", "DOUBLE"), float),
    "BOOLEAN": lambda text: text == "true",
}
