"""Staging: rows that lie in Parquet files and are to come into a table."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from headrace import errors
from headrace.datasets import columns, disk
from headrace.datasets.tables import File
from headrace.model.dataset import WriteMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """Rows that lie in Parquet files, and what is to be done with them."""

    attempt: str  # the uid of what wrote them: it is committed once
    files: Sequence[Path]  # one at least; they stay where they are, and are written no more unless they are `lent`
    mode: WriteMode
    keys: Sequence[str] = ()  # of an upsert: the columns that identify a row
    at: datetime  # when it is committed
    run: str = ""  # uid
    block: str = ""
    lent: bool = False  # the files are somebody's who may write them again: the table gets copies


@dataclass(frozen=True, slots=True)
class Rows:
    """What the footers of staged files say: how much is in each, and the Arrow schema that all of them have."""

    files: Mapping[Path, File]
    schema: Any

    @property
    def columns(self) -> columns.Columns:
        return columns.described(columns.delta(self.schema))


def look(place: str, staged: Staged) -> Rows:
    """DatasetRefused when what they hold has no place in a table, CannotRead for what is no Parquet."""
    footers = {path: _footer(path) for path in staged.files}
    schemas = [columns.nullable(place, each.schema.to_arrow_schema()) for each in footers.values()]
    for other in schemas[1:]:
        if not other.equals(schemas[0]):
            raise errors.DatasetRefused(place=place, why="the files of its rows have different columns")
    files = {path: File(footer.num_rows, path.stat().st_size) for path, footer in footers.items()}
    return Rows(files, schemas[0].remove_metadata())


class Delivery:
    """Staged files that lie in a table's folder as well, from when they are first asked for, under names of their own."""

    def __init__(self, place: Path, staged: Staged, rows: Rows) -> None:
        self._place = place
        self._bring = disk.copy if staged.lent else disk.link
        self._rows = rows
        self._found: dict[str, File] = {}

    def files(self) -> Mapping[str, File]:
        """Each by its name there."""
        if not self._found:
            named = {f"{uuid.uuid4()}.parquet": path for path in self._rows.files}
            for name, path in named.items():
                self._bring(path, self._place / name)
            self._found = {name: self._rows.files[path] for name, path in named.items()}
        return self._found

    def take_back(self) -> None:
        """They lie there no more; to be called once it is known that no version has them."""
        for name in self._found:
            (self._place / name).unlink(missing_ok=True)


def _footer(path: Path) -> Any:
    pa, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    try:
        return parquet.read_metadata(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise errors.CannotRead(path=path, why=error) from error
