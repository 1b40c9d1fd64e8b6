"""Transfer: what a job says of the table that it moves: from where, how much of it, and whereto."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from headrace import errors
from headrace.model import dataset

JOB_TYPE = "transfer"  # the word in a block's configuration
MEMORY_MB = 2048  # of a job, unless it says how much
LEAST_MEMORY_MB = 32  # one that does nothing holds 24
MOST_MEMORY_MB = 12_000
LONGEST = 1000  # characters of a text
MOST_COLUMNS = 10_000

_DATABASES = ("postgresql", "mysql", "sqlite", "duckdb")
_FILES = ("csv", "parquet", "json")
SOURCES: Mapping[str, Sequence[str]] = {"jdbc": _DATABASES, "s3": _FILES, "file": _FILES}  # plugins, by connector
TARGETS = ("postgresql", "duckdb", "sqlite", "parquet", "dataset")
LOADS = "headrace_loads"  # the table of bookmarks, beside that of the rows
STAGING = "headrace_staging"  # a temporary one
_OURS = frozenset({LOADS, STAGING})
_TABLES = frozenset({"postgresql", "duckdb", "sqlite"})  # targets that have such tables
_KEPT_AS_FILE = frozenset({*_FILES, "sqlite", "duckdb"})  # by a path, or by a secret that has it
_AUTH = "connection_manager"


class LoadType(StrEnum):
    """How much of the table a run moves."""

    FULL = "full_load"
    INCREMENTAL = "incremental"  # rows beyond the bookmark are added
    QUALIFIED = "incremental_with_qualify"  # of several rows of one key the newest stays


@dataclass(frozen=True, slots=True)
class End:
    """One end of a transfer: a table of a database, a file, or a dataset.

    `secret` names what has the address and the password; `path` is an address that needs none.
    """

    plugin: str
    table: str | None = None
    schema: str | None = None
    path: str | None = None
    secret: str | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return ".".join(filter(None, (self.schema, self.table))) or self.path or self.plugin


@dataclass(frozen=True, slots=True)
class Transfer:
    """`state` is the name under which its bookmark is kept: with another one it begins anew."""

    source: End
    target: End
    load: LoadType = LoadType.FULL
    columns: tuple[str, ...] | None = None  # None: all
    increment: str | None = None  # the column that tells what is new
    keys: tuple[str, ...] = ()
    memory_mb: int = MEMORY_MB
    state: str = ""

    @property
    def writes(self) -> tuple[str, ...]:
        """The datasets that it writes, by name."""
        return (self.target.table or "",) if self.target.plugin == "dataset" else ()


def read(document: Mapping[str, Any], place: str = "the job") -> Transfer:
    """What the job says. BadField names the field that is not as it is to be, below `place`."""
    whole = _Written(document, place)
    whole.refuse_others("input", "transformations", "output", "state")
    given, kept = whole.at("input"), whole.at("output")
    whole.refuse_transformations()
    transfer = Transfer(
        source=_source(given),
        target=_target(kept),
        load=_load(given),
        columns=given.names("column_include_list"),
        increment=given.text("incremental_column_name"),
        keys=given.names("primary_keys") or (),
        memory_mb=given.memory(),
        state=whole.text("state") or "",
    )
    given.text("incremental_column_type")  # is kept, and told again; the column's own type is what counts
    _refuse_incomplete(transfer, given)
    return transfer


def memory(amount: Any, place: str) -> int:
    """The megabytes that are given to a job. BadField."""
    if isinstance(amount, bool) or not isinstance(amount, int) or not LEAST_MEMORY_MB <= amount <= MOST_MEMORY_MB:
        expected = f"a whole number of megabytes, from {LEAST_MEMORY_MB} to {MOST_MEMORY_MB}"
        raise errors.BadField(field=place, given=amount, expected=expected)
    return amount


_INPUT = (
    "connector", "plugin", "table_schema", "table_name", "path", "column_include_list", "load_type", "primary_keys",
    "incremental_column_name", "incremental_column_type", "memory_allocation_mb", "auth_parameters",
)  # fmt: skip
_OUTPUT = ("connector", "plugin", "table_schema", "table_name", "path", "auth_parameters")


def _source(given: "_Written") -> End:
    given.refuse_others(*_INPUT)
    connector = given.word("connector", SOURCES)
    plugin = given.word("plugin", SOURCES[connector])
    end = _end(given, plugin)
    given.refuse_without(end.path if plugin in _FILES else end.table, "path" if plugin in _FILES else "table_name")
    return end


def _target(kept: "_Written") -> End:
    kept.refuse_others(*_OUTPUT)
    plugin = kept.word("plugin", TARGETS)
    end = _end(kept, plugin)
    kept.refuse_without(end.path if plugin == "parquet" else end.table, "path" if plugin == "parquet" else "table_name")
    if plugin == "dataset" and not dataset.is_name(end.table or ""):
        raise kept.wrong("table_name", f"the name of a dataset: {dataset.NAMES}")
    if plugin in _TABLES and (end.table or "").lower() in _OURS:
        raise kept.wrong("table_name", "another name: under this one a job keeps what it needs itself")
    return end


def _end(written: "_Written", plugin: str) -> End:
    end = End(
        plugin=plugin,
        table=written.text("table_name"),
        schema=written.text("table_schema"),
        path=written.text("path"),
        secret=written.secret(),
    )
    if plugin in _KEPT_AS_FILE and plugin not in _FILES and not end.secret:
        written.refuse_without(end.path, "path")
    if plugin in ("postgresql", "mysql"):
        written.refuse_without(end.secret, "auth_parameters.config_id")
    return end


def _load(given: "_Written") -> LoadType:
    return LoadType(given.word("load_type", tuple(LoadType), LoadType.FULL))


def _refuse_incomplete(transfer: Transfer, given: "_Written") -> None:
    if transfer.load is not LoadType.FULL:
        given.refuse_without(transfer.increment, "incremental_column_name")
    if transfer.load is LoadType.QUALIFIED:
        given.refuse_without(transfer.keys, "primary_keys")


class _Written:
    """An object of the job's document, and where it lies in it."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, Mapping):
            raise errors.BadField(field=place, given=value, expected="an object")
        self._value = cast("Mapping[str, Any]", value)
        self._place = place

    def at(self, name: str) -> "_Written":
        return _Written(self._value.get(name), f"{self._place}.{name}")

    def text(self, name: str) -> str | None:
        """The text there; None where there is none."""
        found = self._value.get(name)
        if found is None:
            return None
        if not isinstance(found, str) or not 0 < len(found) <= LONGEST or "\0" in found:
            raise self.wrong(name, f"text of 1 to {LONGEST} characters")
        return found

    def word(self, name: str, words: Iterable[str], otherwise: str | None = None) -> str:
        found = self._value.get(name, otherwise)
        if not isinstance(found, str) or found not in words:
            raise self.wrong(name, f"one of {', '.join(words)}")
        return found

    def names(self, name: str) -> tuple[str, ...] | None:
        """The texts of a list, each once; None where there is no list."""
        found = self._value.get(name)
        if found is None:
            return None
        if not isinstance(found, list) or not 0 < len(cast("list[Any]", found)) <= MOST_COLUMNS:
            raise self.wrong(name, "a list of names of columns")
        for each in cast("list[Any]", found):
            if not isinstance(each, str) or not each or len(each) > LONGEST or "\0" in each:
                raise self.wrong(name, "a list of names of columns")
        return tuple(dict.fromkeys(cast("list[str]", found)))

    def memory(self) -> int:
        found = self._value.get("memory_allocation_mb")
        return MEMORY_MB if found is None else memory(found, f"{self._place}.memory_allocation_mb")

    def secret(self) -> str | None:
        """The name of the secret that has the connection."""
        if self._value.get("auth_parameters") is None:
            return None
        auth = self.at("auth_parameters")
        auth.refuse_others("auth_type", "config_id")
        auth.word("auth_type", (_AUTH,), _AUTH)
        named = auth.text("config_id")
        auth.refuse_without(named, "config_id")
        return named

    def refuse_transformations(self) -> None:
        """None is known here, and one that is left out in silence would leave rows as they must not be."""
        found = self._value.get("transformations")
        if found is None or found == []:
            return
        first = cast("list[Any]", found)[0] if isinstance(found, list) else found
        raise errors.BadField(
            field=f"{self._place}.transformations", given=first, expected="an empty list: no transformation is known"
        )

    def refuse_others(self, *known: str) -> None:
        for name in self._value:
            if name not in known:
                raise errors.BadField(
                    field=f"{self._place}.{name}",
                    given=self._value[name],
                    expected=f"no such field, but {', '.join(known)}",
                )

    def refuse_without(self, found: object, name: str) -> None:
        if not found:
            raise self.wrong(name, "to be given")

    def wrong(self, name: str, expected: str) -> errors.BadField:
        return errors.BadField(field=f"{self._place}.{name}", given=self._value.get(name), expected=expected)
