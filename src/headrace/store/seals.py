"""Seals: texts that lie sealed in a column of a table, found by the key they are sealed with, and sealed anew."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from headrace.store.database import Database


@dataclass(frozen=True, slots=True)
class Resealed:
    """What was sealed in the row of that id, and how it is sealed now."""

    id: int
    before: str = field(repr=False)
    after: str = field(repr=False)


def otherwise(column: sa.ColumnElement[str], begins: str) -> sa.ColumnElement[bool]:
    """Whether the seal does not begin like that, with the name of a key."""
    return sa.not_(column.startswith(begins, autoescape=True))


def reseal(database: Database, column: sa.Column[Any], changes: Iterable[Resealed]) -> int:
    """All of it in one transaction; how many. A row that somebody has changed since keeps what he has put there."""
    table = column.table
    with database.write() as connection:
        return sum(
            connection.execute(
                sa.update(table).where(table.c.id == each.id, column == each.before).values({column.name: each.after})
            ).rowcount
            for each in changes
        )
