"""Upserts: rows take the place of those that have the same values in the key columns.

Only files that have such rows are written anew, without them, by DuckDB, whose memory is bounded; the new rows come in
the files in which they are.
"""

import tempfile
import uuid
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from headrace import errors
from headrace.datasets import disk
from headrace.datasets.scanning import FORMAT, literal, scan
from headrace.datasets.staging import Rows, Staged
from headrace.datasets.tables import File
from headrace.datasets.types import quoted

MEMORY = "512MB"  # of DuckDB, beyond which it goes on, on the disk


@contextmanager
def opened(place: str, staged: Staged, rows: Rows) -> Generator["Upsert"]:
    """The staged rows as they are to come into the table at `place`; what is opened for them is closed afterwards.

    DatasetRefused unless each of them can be told by its keys: no key is missing, and none comes twice;
    DatasetUnwritable for what goes wrong in the database.
    """
    missing = [name for name in staged.keys if name not in rows.schema.names]
    if missing or not staged.keys:
        why = (
            f"it has no column {missing[0]}, which is to identify its rows" if missing else "no column identifies rows"
        )
        raise errors.DatasetRefused(place=place, why=why)
    duckdb: Any = import_module("duckdb")
    spill = Path(tempfile.gettempdir(), f"headrace-{uuid.uuid4()}") if staged.lent else staged.files[0].parent / "spill"
    config = {"memory_limit": MEMORY, "threads": 2, "temp_directory": str(spill)}
    try:
        with duckdb.connect(":memory:", config=config) as database:
            _view(database, "staged", staged.files)
            _refuse_nulls(place, staged.keys, database)
            _refuse_twins(place, staged.keys, database)
            yield Upsert(Path(place), staged.keys, database)
    except duckdb.Error as error:
        raise errors.DatasetUnwritable(place=place, why=error) from error


class Upsert:
    def __init__(self, place: Path, keys: Sequence[str], database: Any) -> None:
        self._place = place
        self._keys = ", ".join(map(quoted, keys))
        self._database = database

    def rewrite(self, there: Mapping[str, File]) -> tuple[dict[str, File], Collection[str]]:
        """Of the files that are there: those that have rows with staged keys, behind the files that take their places."""
        touched = self._touched(there) if there else []
        return dict(filter(None, map(self._without, touched))), touched

    def _touched(self, there: Mapping[str, File]) -> list[str]:
        column = f"file {uuid.uuid4()}"  # which none of the table's has the name of
        _view(self._database, "kept", [self._place / name for name in there], f", filename = '{column}'")
        asked = f"SELECT DISTINCT {quoted(column)} FROM kept SEMI JOIN staged USING ({self._keys})"  # noqa: S608
        found = self._database.execute(asked).fetchall()
        return sorted(Path(path).relative_to(self._place).as_posix() for (path,) in found)

    def _without(self, name: str) -> tuple[str, File] | None:
        """The file that has the other rows of that one, and its name; None where there are none."""
        target = self._place / f"{uuid.uuid4()}.parquet"
        rest = f"SELECT * FROM {scan([self._place / name])} ANTI JOIN staged USING ({self._keys})"  # noqa: S608
        (rows,) = self._database.execute(f"COPY ({rest}) TO {literal(target)} ({FORMAT})").fetchone()
        if not rows:
            target.unlink()
            return None
        disk.sync(target)
        return target.name, File(rows, target.stat().st_size)


def _view(database: Any, name: str, files: Iterable[Path], more: str = "") -> None:
    """The rows of the files, under that name."""
    database.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {scan(files, more)}")  # noqa: S608


def _refuse_nulls(place: str, keys: Sequence[str], database: Any) -> None:
    for key in keys:
        if database.execute(f"SELECT count(*) FROM staged WHERE {quoted(key)} IS NULL").fetchone()[0]:  # noqa: S608
            raise errors.DatasetRefused(place=place, why=f"a row has no value in {key}, which identifies it")


def _refuse_twins(place: str, keys: Sequence[str], database: Any) -> None:
    names = ", ".join(map(quoted, keys))
    asked = f"SELECT {names}, count(*) FROM staged GROUP BY {names} HAVING count(*) > 1 LIMIT 1"  # noqa: S608
    if found := database.execute(asked).fetchone():
        told = ", ".join(f"{key} = {value!r:.100}" for key, value in zip(keys, found, strict=False))
        raise errors.DatasetRefused(place=place, why=f"{found[-1]} rows have the same identifier, {told}")
