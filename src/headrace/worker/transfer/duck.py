"""DuckDB as jobs speak to it: within the memory that they have."""

import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from headrace.model.loads import Value
from headrace.worker.transfer.scope import Scope

LEAST_MEMORY = 64 * 2**20  # bytes that it gets in any case
SHARE = 3  # of a job's memory a third is for DuckDB, and the rest for rows on their way and for what is imported
_ROWS = 2048  # of a batch; each row may be large


@contextmanager
def connect(path: str, scope: Scope, *, read_only: bool = False) -> Generator[duckdb.DuckDBPyConnection]:
    """The database in that file. What does not fit into memory goes into the attempt's place meanwhile. duckdb.Error."""
    spill = scope.place / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    memory = max(LEAST_MEMORY, scope.memory // SHARE)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory // 2**20}MiB",
        "threads": 2,
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
    }
    try:
        with duckdb.connect(path, read_only=read_only, config=config) as connection:
            connection.execute("SET enable_progress_bar = false")  # it would be drawn into the log
            connection.execute("SET TimeZone = 'UTC'")  # wherever a job runs, a moment is the same time of day
            yield connection
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def batches(connection: duckdb.DuckDBPyConnection, statement: str, parameters: Sequence[Value] = ()) -> Any:
    """What the statement gives, as a pyarrow.RecordBatchReader that reads on as it is read."""
    asked: Any = connection.sql(statement, params=list(parameters))
    return asked.to_arrow_reader(_ROWS)
