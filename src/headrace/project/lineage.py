"""Lineage: which columns of which datasets those that steps write come from, as far as the texts of their queries tell.

A column comes from those that its values are made of; what rows are chosen, joined or grouped by is not told of.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from headrace import errors
from headrace.model import dataset, graph
from headrace.model.pipeline import Block, Language, Pipeline
from headrace.project import queries

_DIALECT = "duckdb"
EVERY = "*"  # the columns of a dataset, where it is not known which those are

Columns = Sequence[Mapping[str, Any]]


class _Untold(Exception):
    """What the columns of a step come from cannot be told; the message says why."""


def trace(pipeline: Pipeline, known: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """For each step, in an order in which they can run: its `block`, what it `reads` and `writes`, and its `columns`.

    A column has a `name` (its expression, where it was given none) and `from`, a list of `{"dataset", "column"}`; the
    columns are None where they cannot be told, and `why` says so. `known` has the columns of the datasets that are
    there, by the keys of their names. Raises DatasetsMissing where sqlglot is not installed.
    """
    columns = dict(known)
    found: list[dict[str, Any]] = []
    for name in graph.order(pipeline.graph):
        if (block := pipeline.block(name)).writes:
            found.append(_of_step(block, columns))
            columns |= _written(block, found[-1]["columns"])
    return found


def _of_step(block: Block, known: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    told: dict[str, Any] = {"block": block.uuid, "reads": list(block.reads), "writes": list(block.writes)}
    try:
        return {**told, "columns": list(_columns(block, known)), "why": None}
    except _Untold as untold:
        return {**told, "columns": None, "why": str(untold)}


def _written(block: Block, columns: Columns | None) -> dict[str, Sequence[str]]:
    """The columns of what the step writes, where all of them are known."""
    names = [column["name"] for column in columns or ()]
    return {dataset.key(name): names for name in block.writes} if names and EVERY not in names else {}


def _columns(block: Block, known: Mapping[str, Sequence[str]]) -> Iterator[dict[str, Any]]:
    """The columns of the step's query. Raises _Untold."""
    if block.language is not Language.SQL or block.text is None:
        raise _Untold("it has no query")
    if queries.is_template(block.text, block.configuration):
        raise _Untold("the query is known only when it runs: it has variables")
    reads = {dataset.key(name): known.get(dataset.key(name), ()) for name in block.reads}
    query = _Query.of(block.text, reads, _Spelling([*block.reads, *(name for each in reads.values() for name in each)]))
    for select, node in query.selects():
        yield {"name": query.name(select), "from": query.sources(node)}


class _Spelling:
    """Names as they are written, by the small letters that the library makes of them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {name.lower(): name for name in names}

    def __getitem__(self, name: str) -> str:
        return self._names.get(name.lower(), name)

    def add(self, names: Iterable[str]) -> None:
        for name in names:
            self._names.setdefault(name.lower(), name)


class _Query(NamedTuple):
    """A query in which each column says which table it is of, and `*` which columns it stands for."""

    tree: Any
    schema: Mapping[str, Mapping[str, str]]
    spelling: _Spelling
    is_partly_known: bool  # of some datasets that it reads the columns are not known

    @classmethod
    def of(cls, text: str, reads: Mapping[str, Sequence[str]], spelling: _Spelling) -> "_Query":
        sqlglot = _library()
        schema = {table: dict.fromkeys(columns, "unknown") for table, columns in reads.items() if columns}
        with _understood():
            tree = sqlglot.parse_one(text, dialect=_DIALECT)
            spelling.add(each.name for each in tree.find_all(sqlglot.exp.Identifier))
            qualify = import_module("sqlglot.optimizer.qualify").qualify
            tree = qualify(tree, schema=schema, dialect=_DIALECT, validate_qualify_columns=False, identify=False)
        return cls(tree, schema, spelling, len(schema) < len(reads))

    def selects(self) -> Iterator[tuple[Any, Any]]:
        """Each column as it is selected, and the root of what it comes from."""
        self._refuse_unclear()
        with _understood():
            nodes = import_module("sqlglot.lineage").lineage(None, self.tree, self.schema, dialect=_DIALECT)
        for select in self.tree.selects:
            yield select, nodes[select.alias_or_name]

    def _refuse_unclear(self) -> None:
        exp = _library().exp
        if not isinstance(self.tree, exp.Query) or self.tree.find(exp.Columns, exp.Pivot):
            raise _Untold("which columns the query has is known only when it runs")
        if self.is_partly_known and any(len(each.sources) > 1 and each.unqualified_columns for each in self._scopes()):
            raise _Untold("it does not say which dataset a column is of, and not all of their columns are known yet")
        names = [select.alias_or_name for select in self.tree.selects]
        if len({*names}) < len(names):
            raise _Untold("two of its columns have one name")

    def _scopes(self) -> list[Any]:
        """The query, and each query within it."""
        return import_module("sqlglot.optimizer.scope").traverse_scope(self.tree)

    def name(self, select: Any) -> str:
        """What the column is called; the expression of one that was given no name."""
        name = select.alias_or_name
        return select.unalias().sql(dialect=_DIALECT) if name.startswith("_col_") else self.spelling[name]

    def sources(self, node: Any) -> list[dict[str, str]]:
        """The columns of datasets at the ends of what it comes from, each once."""
        exp = _library().exp
        ends = [each for each in node.walk() if not each.downstream]
        found = {(each.source.name, _last(each.name)) for each in ends if isinstance(each.source, exp.Table)}
        return [{"dataset": self.spelling[table], "column": self.spelling[column]} for table, column in sorted(found)]


@contextmanager
def _understood() -> Generator[None]:
    """_Untold for whatever the library raises: DuckDB may know what it does not."""
    try:
        yield
    except Exception as error:
        raise _Untold(f"the query is not understood: {str(error).partition(chr(10))[0]}") from None


def _last(name: str) -> str:
    """The column of a dotted name."""
    exp = _library().exp
    return exp.to_column(name).name if "." in name else name


def _library() -> Any:
    try:
        return import_module("sqlglot")
    except ModuleNotFoundError:
        raise errors.DatasetsMissing(library="sqlglot") from None
