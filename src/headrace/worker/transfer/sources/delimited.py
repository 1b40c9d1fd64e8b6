"""CSV files, which say of no column what it is: DuckDB tells it by every value that there is.

What it would then make of values, or leave out, in silence is kept as it is written, or refused: lines that have another
number of fields, columns that other files of a pattern have, dates that could be two days, numbers and times with more
digits than their type has.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import duckdb

from headrace import errors
from headrace.model.loads import Value
from headrace.worker.transfer import columns as kinds
from headrace.worker.transfer import queries
from headrace.worker.transfer.batches import Batch
from headrace.worker.transfer.columns import Column, Kind
from headrace.worker.transfer.sources import digits
from headrace.worker.transfer.sources.duckdb import Relation

_READ = "read_csv({}, hive_partitioning = false, sample_size = -1, files_to_sniff = -1{})"
_EVERY_LINE = ", comment = '', skip = 0"  # none is passed over because it looks unlike others
_UNSURE = (Kind.DOUBLE, Kind.TEXT)  # what columns of numbers are taken for, by how those are written
_PLAIN = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)"  # a number without an exponent
_MEASURED = f"""
    bool_and(regexp_full_match(trim({{0}}), '{_PLAIN}')),
    max(length(ltrim(regexp_extract(trim({{0}}), '^[+-]?([0-9]*)', 1), '0'))),
    max(length(rtrim(regexp_extract(trim({{0}}), '[.]([0-9]*)$', 1), '0')))
"""  # whether a column is of such numbers alone, and their digits before and behind the point
_DAYS = (Kind.DATE, Kind.TIMESTAMP, Kind.MOMENT)
_YEAR_FIRST = "bool_and(regexp_matches(trim({}), '^[0-9]{{4}}[-/][0-9]'))"  # of others nobody knows day from month


class Csv(Relation):
    """`texts` are columns that are read as they are written, `casts` what becomes of some of those."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        named: str,
        texts: Iterable[str] = (),
        casts: Sequence[str] = (),
    ) -> None:
        self._named = named
        self._texts = frozenset(texts)
        relation = self._with_text(())
        replaced = f"(SELECT * REPLACE ({', '.join(casts)}) FROM {relation})"  # noqa: S608 - names are quoted
        super().__init__(connection, replaced if casts else relation)

    def exactly(self, names: Collection[str]) -> "Csv":
        """LoadFailed for numbers of more digits than decimals have."""
        unsure = [each.name for each in self.columns() if each.name.lower() in names and each.kind in _UNSURE]
        if not unsure or not (widths := self._widths(unsure)):
            return self
        casts = [self._decimal(name, *each) for name, each in widths.items()]
        return Csv(self._connection, self._named, self._texts.union(widths), casts)

    def batches(self, statement: str, parameters: Sequence[Value], columns: Sequence[Column]) -> Iterator[Batch]:
        """LoadFailed for what has more digits than its type."""
        measured = {
            each: digits.lost(each.kind, self.dialect.name(each.name))
            for each in columns
            if each.kind in digits.LIMITED
        }
        digits.refuse(self._connection, measured, self._with_text(each.name for each in measured))
        yield from super().batches(statement, parameters, columns)

    def dated(self) -> "Csv":
        """The same, with the dates as text that do not begin with the year."""
        days = [each.name for each in self.columns() if each.kind in _DAYS]
        return Csv(self._connection, self._named, self._unordered(days)) if days else self

    def _unordered(self, names: Sequence[str]) -> Sequence[str]:
        measured = ", ".join(_YEAR_FIRST.format(self.dialect.name(name)) for name in names)
        asked = f"SELECT {measured} FROM {self._with_text(names)}"  # noqa: S608 - names are quoted
        (found,) = self._connection.execute(asked).fetchall()
        return [name for name, is_ordered in zip(names, found, strict=True) if not is_ordered]

    def _widths(self, names: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """So many digits the numbers have before and behind the point, of those columns that are of such alone."""
        measured = ", ".join(_MEASURED.format(self.dialect.name(name)) for name in names)
        asked = f"SELECT {measured} FROM {self._with_text(names)}"  # noqa: S608 - names are quoted
        found = iter(self._connection.execute(asked).fetchall()[0])
        told = zip(names, found, found, found, strict=False)  # three of each
        return {name: (before, behind) for name, is_plain, before, behind in told if is_plain}

    def _with_text(self, names: Iterable[str]) -> str:
        """The file, with these columns as they are written, too."""
        types = ", ".join(f"{queries.literal(name)}: 'VARCHAR'" for name in self._texts.union(names))
        return _READ.format(self._named, f"{_EVERY_LINE}, types = {{{types}}}" if types else _EVERY_LINE)

    def _decimal(self, name: str, before: int, behind: int) -> str:
        if before + behind > kinds.WIDEST:
            why = f"its numbers have more than {kinds.WIDEST} digits"
            raise errors.LoadFailed(what=f"The column {name}", why=why)
        quoted = self.dialect.name(name)
        return f"CAST({quoted} AS DECIMAL({max(1, before + behind)}, {behind})) AS {quoted}"


def opened(connection: duckdb.DuckDBPyConnection, named: str, what: str) -> Csv:
    """LoadFailed where something of the files would be left out."""
    found = Csv(connection, named)
    names = [each.name for each in found.columns()]
    if len(names) == 1:
        _refuse_uneven(connection, named, what)
    if connection.execute(f"SELECT count(*) > 1 FROM glob({named})").fetchall()[0][0]:  # noqa: S608 - quoted
        _refuse_other_columns(connection, named, names)
    return found.dated()


def _refuse_uneven(connection: duckdb.DuckDBPyConnection, named: str, what: str) -> None:
    """With all of its lines a file may look as if it had one column, where it has several without some of them."""
    if len(Relation(connection, _READ.format(named, "")).columns()) > 1:
        why = "some of its lines have another number of fields than the others, or are none of its table's"
        raise errors.LoadFailed(what=what, why=why)


def _refuse_other_columns(connection: duckdb.DuckDBPyConnection, named: str, names: Sequence[str]) -> None:
    """Those that the first of several files does not have would be left out; a first line may be taken for their names."""
    together = Relation(connection, _READ.format(named, f"{_EVERY_LINE}, union_by_name = true"))
    for each in together.columns():
        if each.name.lower() not in {name.lower() for name in names}:
            why = f"a file has it in its first line, and another one has {', '.join(names)}"
            raise errors.LoadFailed(what=f"The column {each.name}", why=why)
