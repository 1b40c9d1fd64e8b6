"""Which database it is: SQLite in the home, or PostgreSQL at a URL; opened, looked at, and brought up to date."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from headrace import errors
from headrace.store import migrations
from headrace.store.database import Database
from headrace.store.sqlite import SQLite


def open(home: Path, database: str | None) -> Database:
    """SQLite is made, or brought up to date, by whoever opens it; PostgreSQL is made, but brought up to date on request.

    Raises HomeUnwritable when the folder or its disk cannot take it, StoreUnreached for a server that cannot be
    reached, StoreUnreadable for a file that is no database, StoreTooNew when a newer headrace wrote it, StoreBehind
    when an older one wrote it and others may use it.
    """
    found = _of(home, database)
    try:
        revision = _reached(found)
        if revision not in (None, migrations.HEAD) and database is not None:
            raise errors.StoreBehind(path=found.place, revision=revision)
        if revision != migrations.HEAD:
            found.upgrade()
    except errors.HeadraceError:
        found.close()
        raise
    return found


@dataclass(frozen=True, slots=True)
class Status:
    """Where a database is, the revision it is at (None for one that is new), and the one that this headrace needs."""

    place: str
    revision: str | None
    newest: str = migrations.HEAD

    @property
    def current(self) -> bool:
        return self.revision == self.newest


def status(home: Path, database: str | None) -> Status:
    """What there is to say of the database; nothing is made or changed. Raises what `open` does, but for StoreBehind."""
    file = home / "headrace.db"
    if database is None and not file.exists():
        return Status(str(file), None)
    with contextlib.closing(_of(home, database)) as found:
        return Status(str(found.place), _reached(found))


def upgrade(home: Path, database: str | None) -> tuple[str | None, str]:
    """Makes the database, or brings it up to date, however long that takes: the revisions before and after."""
    with contextlib.closing(_of(home, database, patience=None)) as found:
        before = _reached(found)
        if before != migrations.HEAD:
            found.upgrade()
        return before, migrations.HEAD


def _reached(found: Database) -> str | None:
    """Its revision; StoreUnreached, whose reason is for whoever gave the URL, where there is no answer."""
    try:
        return found.revision()
    except errors.HomeUnwritable:
        raise
    except errors.StoreUnavailable as error:
        raise errors.StoreUnreached(**error.facts) from error


def _of(home: Path, database: str | None, *, patience: float | None = 30.0) -> Database:
    """`patience` is how many seconds a server may take for one answer."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise errors.HomeUnwritable(path=home, why=error.strerror or error) from error
    if database is None:
        return SQLite(home)
    from headrace.store.postgres import Postgres  # takes long to import, and not everybody needs it

    return Postgres(database, patience)
