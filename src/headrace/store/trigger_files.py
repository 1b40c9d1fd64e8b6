"""What was read of the triggers.yaml files of projects: their marks, so that they are read again once they change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from headrace.store.columns import Undecoded
from headrace.store.database import Database
from headrace.store.tables import trigger_files


@dataclass(frozen=True, slots=True)
class FileRow:
    """The file of a pipeline as it was read last; `faults` say in words which entries were passed over, and why."""

    pipeline: str
    mark: str
    faults: tuple[str, ...]
    read_at: datetime


class TriggerFiles:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, project_id: int) -> dict[str, FileRow]:
        """The files of a project, by pipeline."""
        query = sa.select(trigger_files).where(trigger_files.c.project_id == project_id)
        with self._database.read() as connection:
            return {row["pipeline"]: _row(row) for row in connection.execute(query).mappings()}

    def note(self, project_id: int, pipeline: str, mark: str, faults: Sequence[str], at: datetime) -> None:
        """The file was read, as that mark tells."""
        key = sa.and_(trigger_files.c.project_id == project_id, trigger_files.c.pipeline == pipeline)
        values = {"mark": mark, "faults": list(faults), "read_at": at}
        with self._database.write() as connection:
            if not connection.execute(sa.update(trigger_files).where(key).values(values)).rowcount:
                new = {"project_id": project_id, "pipeline": pipeline, **values}
                connection.execute(sa.insert(trigger_files).values(new))

    def forget(self, project_id: int, pipeline: str) -> None:
        """There is no such file any more."""
        key = sa.and_(trigger_files.c.project_id == project_id, trigger_files.c.pipeline == pipeline)
        with self._database.write() as connection:
            connection.execute(sa.delete(trigger_files).where(key))


def _row(row: sa.RowMapping) -> FileRow:
    faults = row["faults"]
    told = (faults.why,) if isinstance(faults, Undecoded) else tuple(map(str, faults))
    return FileRow(row["pipeline"], row["mark"], told, row["read_at"])
