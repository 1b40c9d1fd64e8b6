"""Column types that the databases keep alike."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy import types


class Reading(Protocol):
    """How a value of a row is read."""

    def __call__(self, value: Any) -> Any: ...


ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


@dataclass(frozen=True, slots=True)
class Undecoded:
    """What a column gives whose content is none of its kind: the other rows of an answer can still be read."""

    why: str


class Moment(types.TypeDecorator[datetime]):
    """An aware moment in UTC. On SQLite it is text of fixed width, so that it sorts as it reads."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.String(32) if dialect.name == "sqlite" else sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        return value if value is None or dialect.name != "sqlite" else _text(value)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Reading:
        """One call for each value, for rows are read by the thousand."""
        return _moment if dialect.name == "sqlite" else _in_utc


@lru_cache(maxsize=64)  # the moves of a turn are all of one moment
def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(" ", "microseconds")


def _moment(value: str | None) -> Any:
    try:
        return None if value is None else datetime.fromisoformat(value)
    except ValueError as error:
        return Undecoded(str(error))


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class Document(types.TypeDecorator[Any]):
    """A JSON document; None is NULL. It comes back as plain dicts and lists; the facets make values of them."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value, enc_hook=str).decode()

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Reading:
        return _document


def _document(value: str | None) -> Any:
    try:
        return None if value is None else msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Undecoded(str(error))
