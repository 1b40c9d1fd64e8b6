"""Queries: what a text of SQL reads, as the parser tells of the database that is to run it.

The query of a step is one SELECT over datasets, each under its name alone. One that reaches for anything else (files,
the database's own tables, functions that tell of the process or the session) is none, and no step runs it.
"""

import functools
import json
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from headrace import errors
from headrace.model import dataset

MARKS = ("{{", "{%", "{#")  # of a template: what it reads is known when it is rendered
LARGEST = 2**18  # bytes of a query
MOST_NAMED = 500  # parts of a query that are named by WITH
_MOST_KEPT = 1024  # texts whose findings are remembered

_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})  # the others write
_SOURCES = frozenset({"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"})
_TELLING = frozenset({
    "current_query", "current_setting", "currval", "format_type", "get_block_size", "getenv", "getvariable",
    "json_serialize_plan", "nextval", "pg_get_constraintdef", "pg_get_expr", "pg_get_viewdef", "setval", "write_log",
})  # fmt: skip


class Place(NamedTuple):
    """Where something stands in a text; both count from 1."""

    line: int
    column: int


class NotAQuery(ValueError):
    """The text is no query of a step; the message says why, `place` where, if that is known."""

    def __init__(self, why: str, place: Place | None = None) -> None:
        super().__init__(why)
        self.place = place


class Table(NamedTuple):
    """A table that a query reads, as and where it is first named."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT: its text without what may follow it, and the tables it reads."""

    text: str
    tables: tuple[Table, ...]


def is_template(text: str, configuration: Mapping[str, Any]) -> bool:
    """Whether what a step's text says is known only when a run's variables are put into it: not where it says `template: false`."""
    return configuration.get("template") is not False and any(mark in text for mark in MARKS)


@functools.lru_cache(maxsize=_MOST_KEPT)
def read(text: str) -> Query:
    """What the query reads. NotAQuery for a text that is none; DatasetsMissing where DuckDB is not installed."""
    try:
        parsed = _parsed(text)
    except RecursionError:
        raise NotAQuery("it is nested too deeply to be read") from None
    if len(parsed) != 1:
        raise NotAQuery("one SELECT is expected; this is " + (f"{len(parsed)} statements" if parsed else "none"))
    return Query(_one(text), _each_once(_Reading(text).tables(parsed[0]["node"])))


def refuse_undeclared(tables: Iterable[Table], declared: Collection[str] | None) -> None:
    """NotAQuery where a table is none of the datasets that are `declared`, if any are."""
    known = None if declared is None else {name.lower() for name in declared}
    for table in tables:
        if known is not None and table.name.lower() not in known:
            names = ", ".join(declared or ()) or "none"
            raise NotAQuery(f"it reads {table.name}, which is none of its input_datasets: {names}", table.place)


def place(text: str, position: int) -> Place | None:
    """The place of a byte of the text, as the database counts them; None where it does not know."""
    content = text.encode()
    if not 0 <= position <= len(content):
        return None
    before = content[:position].decode(errors="ignore")
    return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _parsed(text: str) -> list[Any]:
    """The statements of a text, as trees."""
    _refuse_text(text)
    with _one_at_a_time:
        found: Any = _parser().execute("SELECT json_serialize_sql(?)", [text]).fetchone()
    tree = json.loads(found[0])
    if not tree["error"]:
        return tree["statements"]
    raise _refusal(text, tree)


def _refuse_text(text: str) -> None:
    """NotAQuery for what no parser should be given."""
    if "\0" in text:
        raise NotAQuery("it holds a NUL character")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise NotAQuery("it holds half of a character") from None
    if size > LARGEST:
        raise NotAQuery(f"it has {size} bytes; at most {LARGEST} are read")


def _refusal(text: str, tree: Mapping[str, Any]) -> NotAQuery:
    if tree["error_type"] == "not implemented":
        return NotAQuery("one SELECT is expected; this is another statement")
    why = str(tree["error_message"]).partition("\n")[0]
    return NotAQuery(why, place(text, int(tree.get("position", -1))))


def _each_once(named: Iterator[Table]) -> tuple[Table, ...]:
    """Each table where the text names it first, in that order."""
    backwards = sorted(named, key=_standing, reverse=True)
    return tuple(sorted({table.name.lower(): table for table in backwards}.values(), key=_standing))


def _standing(table: Table) -> Place:
    return table.place


def _one(text: str) -> str:
    """The text up to the semicolon that ends its one statement."""
    content, end = text.encode(), None
    for at, kind in reversed(duckdb().tokenize(text)):
        if content[at : at + 1] == b";":
            end = at
        elif kind.name != "comment":
            break
    return content[:end].decode()


class _Reading:
    """One walk over the tree of a query."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._named = 0

    def tables(self, root: Any) -> Iterator[Table]:
        """The tables read there, wherever they are named, in no order."""
        waiting: list[tuple[Any, frozenset[str]]] = [(root, frozenset())]
        while waiting:
            node, known = waiting.pop()
            if isinstance(node, list):
                waiting += [(each, known) for each in cast("list[Any]", node) if isinstance(each, dict | list)]
                continue
            self._refuse(node)
            if node.get("type") == "BASE_TABLE" and not _is_part(node, known):
                yield self._table(node)
            waiting += self._below(node, known)

    def _below(self, node: dict[str, Any], known: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
        """What stands below, and the names that mean a part of the query there, and no table."""
        if node.get("type") == "RECURSIVE_CTE_NODE":
            known |= {node["cte_name"].lower()}
        for named in node.get("cte_map", {"map": ()})["map"]:
            self._count_named()
            yield named["value"], known
            known |= {named["key"].lower()}
        for name, each in node.items():
            if name != "cte_map" and isinstance(each, dict | list):
                yield each, known

    def _count_named(self) -> None:
        self._named += 1
        if self._named > MOST_NAMED:
            raise NotAQuery(f"it names more than {MOST_NAMED} parts by WITH")

    def _table(self, node: dict[str, Any]) -> Table:
        name, at = node["table_name"], place(self._text, node["query_location"])
        path = [*_qualifiers(node), name]
        try:
            dataset.check(name if len(path) == 1 else ".".join(path))
        except errors.BadDatasetName:
            raise NotAQuery(f"{'.'.join(path)!r} is not the name of a dataset", at) from None
        return Table(name, at or Place(1, 1))

    def _refuse(self, node: dict[str, Any]) -> None:
        """NotAQuery for what is no reading of datasets."""
        kind, at = str(node.get("type", "")), node.get("query_location", -1)
        if kind.endswith("_NODE") and kind not in _NODES:
            raise NotAQuery("a query only reads; this writes", place(self._text, at))
        if kind == "SHOW_REF":
            raise NotAQuery("a query reads datasets, and not what the database says of them", place(self._text, at))
        if kind == "TABLE_FUNCTION":
            self._refuse_function(node["function"]["function_name"], at, among=_SOURCES)
        if kind == "VALUE_PARAMETER":
            raise NotAQuery("a query has no parameters; write {{ name }} for a variable", place(self._text, at))
        if node.get("class") == "FUNCTION" and node["function_name"].lower() in _TELLING:
            self._refuse_function(node["function_name"], at)

    def _refuse_function(self, name: str, at: int, among: frozenset[str] = frozenset()) -> None:
        if name.lower() not in among:
            raise NotAQuery(f"a query of a step may not call {name}", place(self._text, at))


def _is_part(node: dict[str, Any], known: frozenset[str]) -> bool:
    """Whether it is one of the parts of the query that are known there: those have a name and nothing before it."""
    return not _qualifiers(node) and node["table_name"].lower() in known


def _qualifiers(node: dict[str, Any]) -> list[str]:
    """What is written before the name of a table."""
    return [each for each in (node.get("catalog_name"), node.get("schema_name")) if each]


# A database parses until somebody takes it for a query, and another is made: making one takes longer than many a query


_one_at_a_time = threading.Lock()  # a connection serves one thread at once
_waiting: list[Any] = []  # the database that nobody has had, or none


def database() -> Any:
    """A new database in memory, as a connection; it is the caller's, and no parser's any more."""
    with _one_at_a_time:
        return _parser() and _waiting.pop()


def get_ready() -> None:
    """Makes the next one now."""
    with _one_at_a_time:
        _parser()


def _parser() -> Any:
    if not _waiting:
        _waiting.append(duckdb().connect(":memory:", config=_CONFIG))
    return _waiting[0]


_CONFIG = {
    "threads": 1,
    "allow_persistent_secrets": False,
    "allow_community_extensions": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "errors_as_json": True,
}


def duckdb() -> Any:
    """The library, imported when first needed. DatasetsMissing where it is not installed."""
    try:
        import duckdb as library
    except ModuleNotFoundError:
        raise errors.DatasetsMissing(library="duckdb") from None
    return library
