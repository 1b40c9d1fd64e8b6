"""Lineages: which datasets and columns those that a version of a pipeline writes come from. One is kept for a version."""

import contextlib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from headrace.store.columns import ID, Undecoded
from headrace.store.database import Database
from headrace.store.script import Statement
from headrace.store.tables import lineages


class Lineages:
    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, version_id: int) -> Mapping[str, Any] | None:
        """What is kept for that version; None when nothing is, or nothing that can be read: it can be found out again."""
        found = self._database.ask(_OF, version=version_id)
        return found[0]["content"] if found and not isinstance(found[0]["content"], Undecoded) else None

    def keep(self, version_id: int, content: Mapping[str, Any]) -> None:
        """That is kept for the version from now on."""
        change = sa.update(lineages).where(lineages.c.version_id == version_id).values(content=content)
        with self._database.write() as connection:
            if not connection.execute(change).rowcount:
                with (
                    contextlib.suppress(exc.IntegrityError),
                    connection.begin_nested(),
                ):  # somebody is as right as we are
                    connection.execute(sa.insert(lineages).values(version_id=version_id, content=content))


_OF = Statement(sa.select(lineages.c.content).where(lineages.c.version_id == sa.bindparam("version", type_=ID)))
