"""What the tables are written with: the schema that they are of, and columns and indexes of its kinds."""

from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from headrace.store.columns import ID, Moment

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id() -> sa.Column[int]:
    return sa.Column("id", ID, primary_key=True)


def uid() -> sa.Column[str]:
    return sa.Column("uid", sa.String(36), nullable=False, unique=True)


def of(name: str, target: str) -> sa.Column[int]:
    return sa.Column(name, ID, sa.ForeignKey(target), nullable=False)


def partly(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """An index of those rows alone that a question is about, so that the others cost nothing.

    Which rows is said in SQLite's words alone: the migrations say it in PostgreSQL's, whose dialect takes long to import.
    """
    return sa.Index(f"ix_{name}", *columns, unique=unique, sqlite_where=sa.text(where))


def status(words: type[StrEnum], final: frozenset[Any]) -> list[Any]:
    """A status column that takes only its words, with the promise that `ended_at` is set exactly when it is final."""
    known = ", ".join(f"'{word}'" for word in sorted(words))
    last = ", ".join(f"'{word}'" for word in sorted(final))
    return [
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ended_at", Moment),
        sa.CheckConstraint(f"status IN ({known})", name="status"),
        sa.CheckConstraint(f"(ended_at IS NOT NULL) = (status IN ({last}))", name="ended"),
    ]
