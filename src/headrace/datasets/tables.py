"""Tables: Delta Lake's, opened and made.

A table begins as an empty version 0 whose one column is a timestamp without a zone: that feature of Delta Lake has to be
there before a column needs it, and so any later version may have one. What attempts write begins at version 1.

Who has committed what is in the log: each commit carries an application transaction that is named by its attempt, and whose
number is the very version that it makes. A commit is tried once on the state it was decided on, so it cannot make another.
"""

import contextlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from headrace import errors, identity
from headrace.datasets import disk, names

FIRST = "a_table_begins_with_a_column_that_is_soon_gone"
VOID = 0  # the transaction of an attempt that is to make no version: those that are made begin at 1
MAKING = "CREATE TABLE"  # what the first commit of a table tells that it does
MAKER = "headrace."  # what each commit tells of who has made it begins so
CLOCKS = timedelta(days=1)  # by which clocks may differ, at most
REMEMBERED = timedelta(days=90) - CLOCKS  # that a transaction is surely told of: see below
TOLD = {
    "delta.checkpointInterval": "10",
    "delta.setTransactionRetentionDuration": "interval 90 days",
    "delta.logRetentionDuration": "interval 36500 days",  # what is cleaned of a log, and when, is decided here
    "delta.enableExpiredLogCleanup": "false",
}

LOG = "_delta_log"  # the folder of a table's log
_BRANCH = re.compile(r"\s*\x1b\[\d+m↳\x1b\[0m\s*")


class File(NamedTuple):
    """How much of a table is in one of its files."""

    rows: int
    bytes: int


def delta() -> Any:
    """The deltalake module. DatasetsMissing where it is not installed."""
    try:
        return import_module("deltalake")
    except ModuleNotFoundError as missing:
        raise errors.DatasetsMissing(library=missing.name) from missing


def get_ready() -> None:
    """Does beforehand what the first commit will need, while nobody waits; nothing where the libraries are missing."""
    with contextlib.suppress(ModuleNotFoundError):
        for name in ("deltalake", "pyarrow.parquet"):
            import_module(name)


def why(error: Exception) -> str:
    """What the library says went wrong, in one line: it draws a tree of causes, in colours."""
    return " ".join(_BRANCH.sub(": ", getattr(error, "strerror", None) or str(error)).split())


def find(place: str, version: int | None = None) -> Any:
    """The table at its newest version or at that one; None when there is none."""
    deltalake = delta()
    try:
        return deltalake.DeltaTable(place, version=version)
    except deltalake.exceptions.TableNotFoundError:
        return None


def ensure(place: str) -> Any:
    """The table, which is made if there is none; somebody else may be making it as well."""
    found = find(place)
    if found is None:
        _make(place)
        found = find(place)
    return found


def begin(place: str, version: int) -> None:
    """Makes an empty table of that version, where nothing is: the log begins with it, as one of which all before was cleaned."""
    _make(place)
    delta().DeltaTable(place).create_checkpoint()
    files = filesystem(place)
    for kind in ("checkpoint.parquet", "json"):
        files.move(f"{LOG}/{0:020}.{kind}", f"{LOG}/{version:020}.{kind}")
    files.delete_file(f"{LOG}/_last_checkpoint")  # which names another
    if not names.is_url(place):
        for path in (*log(place).iterdir(), log(place), Path(place)):
            disk.sync(path)


def filesystem(place: str) -> Any:
    """The table's folder, or what an object store has of it, as a pyarrow.fs.FileSystem whose root it is."""
    handler = import_module("deltalake.fs").DeltaStorageHandler(place)
    return import_module("pyarrow.fs").PyFileSystem(handler)


def _make(place: str) -> None:
    deltalake, pa = delta(), import_module("pyarrow")
    schema = deltalake.Schema.from_arrow(pa.schema([(FIRST, pa.timestamp("us"))]))
    once = deltalake.CommitProperties(max_commit_retries=0)  # or it lands on what another has made, and that is gone
    try:
        deltalake.DeltaTable.create(place, schema, configuration=TOLD, commit_properties=once)
    except deltalake.exceptions.DeltaError:
        if find(place) is None:
            raise


def transaction(table: Any, place: str, attempt: str, at: datetime) -> int | None:
    """The number of the attempt's transaction, as the log of the table tells at that moment; None when it has none.

    Those of long ago the library does not tell of any more: the commits are looked through for them. DatasetInDoubt when
    these do not go back to when the attempt was made.
    """
    found = table.transaction_version(attempt)
    made = identity.moment(attempt)
    if found is not None or made is None or at - made < REMEMBERED:
        return found
    return _recalled(place, table.version(), attempt, made)


def _recalled(place: str, newest: int, attempt: str, made: datetime) -> int | None:
    """What the commits tell that came since the attempt was made; the newest is looked at first."""
    before = (made - CLOCKS).timestamp() * 1000
    for version in range(newest, -1, -1):
        told = _told(place, version)
        if attempt in (told.get(f"{MAKER}attempt"), told.get(f"{MAKER}void")):
            return version if f"{MAKER}attempt" in told else VOID
        if told.get("operation") == MAKING or told.get("timestamp", inf) < before:
            break
    return None


def _told(place: str, version: int) -> Mapping[str, Any]:
    """What the commit tells of itself. DatasetInDoubt for one that is there no more."""
    try:
        with filesystem(place).open_input_stream(f"{LOG}/{version:020}.json") as lines:
            actions: list[dict[str, Any]] = [json.loads(line) for line in lines.read().splitlines()]
    except FileNotFoundError as missing:
        why = f"its log begins after version {version}, and what was committed then may be of the attempt"
        raise errors.DatasetInDoubt(place=place, why=why) from missing
    found: list[dict[str, Any]] = [each["commitInfo"] for each in actions if "commitInfo" in each]
    return found[0] if found else {}


def marked(attempt: str, number: int, at: datetime, told: Mapping[str, str]) -> Any:
    """The properties of a commit that is tried once: the attempt's transaction has that number, and who has made it is told."""
    deltalake = delta()
    return deltalake.CommitProperties(
        custom_metadata={f"{MAKER}{name}": value for name, value in told.items()},
        max_commit_retries=0,
        app_transactions=[deltalake.Transaction(attempt, number, milliseconds(at))],
    )


def adding(name: str, file: File, at: int, *, changes: bool = True) -> Any:
    """That the table has the file from then on (in milliseconds); whether that `changes` its rows."""
    stats = json.dumps({"numRecords": file.rows})
    return import_module("deltalake.transaction").AddAction(name, file.bytes, {}, at, changes, stats)


def removing(name: str, file: File, at: int, *, changes: bool = True) -> Any:
    """That it has the file no more."""
    return import_module("deltalake.transaction").RemoveAction(
        path=name, data_change=changes, deletion_timestamp=at, partition_values={}, size=file.bytes
    )


def milliseconds(at: datetime) -> int:
    """As the log counts time."""
    return int(at.timestamp() * 1000)


def is_empty(table: Any) -> bool:
    """Whether nothing was ever committed to it."""
    return [field.name for field in table.schema().fields] == [FIRST]


def files(table: Any) -> dict[str, File]:
    """What its version is made of, by the path of each file within the table."""
    actions = table.get_add_actions(flatten=True)  # read as it comes: pyarrow would import pandas for it
    columns = (actions.column(name).to_pylist() for name in ("path", "num_records", "size_bytes"))
    return {unquote(path): File(rows or 0, size) for path, rows, size in zip(*columns, strict=True)}


def total(files: Mapping[str, File]) -> File:
    """How much is in all of them."""
    return File(sum(each.rows for each in files.values()), sum(each.bytes for each in files.values()))


def log(place: str) -> Path:
    """The folder in which the log of a table in a folder lies."""
    return Path(place) / LOG


def refuse_path(place: str) -> None:
    """DatasetUnwritable for a folder that the libraries take for another, or for several.

    The one decodes what follows a percent sign, the other takes the rest for patterns.
    """
    odd = [] if names.is_url(place) else [character for character in "%*?[" if character in place]
    if odd:
        raise errors.DatasetUnwritable(place=place, why=f"a folder with {odd[0]} in its path cannot hold tables")
