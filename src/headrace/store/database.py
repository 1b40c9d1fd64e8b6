"""The database as a thing: opened, brought up to date, and given out in transactions."""

import fcntl
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc

from headrace import errors
from headrace.store import migrations, sqlite


class Database:
    """One database. `write` and `read` are its transactions; a `write` commits when its block ends without an error.

    Both raise HomeUnwritable and StoreUnreadable for what the disk or the file refuses.
    """

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self._engine = engine
        self._path = path

    def write(self) -> AbstractContextManager[sa.Connection]:
        return self._transaction(writes=True)

    def read(self) -> AbstractContextManager[sa.Connection]:
        return self._transaction(writes=False)

    def close(self) -> None:
        self._engine.dispose()

    def bring_up(self) -> None:
        """Makes it, or brings it up to date; StoreTooNew when a newer headrace wrote it."""
        with self.read() as connection:
            found = migrations.revision(connection)
        if found is not None and found > migrations.HEAD:
            raise errors.StoreTooNew(path=self._path, revision=found)
        if found != migrations.HEAD:
            with self.write() as connection:
                migrations.upgrade(connection)

    @contextmanager
    def _transaction(self, *, writes: bool) -> Generator[sa.Connection]:
        with _plainly(self._path), self._engine.begin() as connection:
            sqlite.begin(connection, writes=writes)
            yield connection


def open_home(home: Path) -> Database:
    """The home's SQLite database, made or brought up to date first.

    Raises HomeUnwritable when the folder or its disk cannot take it, StoreUnreadable for a file that is no database,
    StoreTooNew when a newer headrace wrote it.
    """
    path = home / "headrace.db"
    database = Database(sqlite.engine(path), path)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(home / "migrate.lock"):
            database.bring_up()
    except OSError as error:
        raise errors.HomeUnwritable(path=home, why=error.strerror or error) from error
    except errors.HeadraceError:
        database.close()
        raise
    return database


@contextmanager
def _plainly(path: Path) -> Generator[None]:
    try:
        yield
    except exc.DBAPIError as error:
        if plain := sqlite.plain(error, path):
            raise plain from error
        raise


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    """Only one process of the home at a time is within."""
    with lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
