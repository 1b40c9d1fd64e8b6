"""What SQLite does its own way: durable write-ahead logging, transactions that take the write lock at once, its errors."""

import fcntl
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from headrace import errors
from headrace.store import datagrams
from headrace.store.columns import Moment
from headrace.store.database import About, Database, Listener

BUSY = 30_000  # milliseconds that a writer waits for another


class SQLite(Database):
    """The database of a home, in the file `headrace.db`. A commit has returned only once the disk has it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._turn = threading.Lock()  # threads take turns at once; between processes SQLite sleeps and tries again
        path = home / "headrace.db"
        url = sa.URL.create("sqlite", database=str(path))  # a path may have any character in it
        engine = sa.create_engine(
            url, connect_args={"check_same_thread": False, "timeout": BUSY / 1000}, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare)
        super().__init__(engine, path)

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        return self._write()

    @contextmanager
    def _write(self) -> Generator[sa.Connection]:
        with self._turn, self._transaction(writes=True) as connection:
            connection.info["rings"] = rings = set[About]()
            yield connection
        if rings:
            datagrams.ring(self._home, rings)

    def clock(self, at: datetime, seconds: float = 0.0) -> sa.ColumnElement[datetime]:
        return sa.literal(at + timedelta(seconds=seconds), Moment)

    def ring(self, connection: sa.Connection, about: About = About.RUNS) -> None:
        connection.info["rings"].add(about)

    def listen(self, name: str, wake: Callable[[About], None]) -> Listener:
        return datagrams.Listener(self._home, name, wake)

    def writers(self, table: str) -> frozenset[str]:
        return frozenset()

    def _begin(self, connection: sa.Connection, *, writes: bool) -> None:
        """Readers share; a transaction that will write takes the lock first, so that it is never refused half way."""
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    def _plain(self, error: Exception) -> errors.HeadraceError | None:
        found = error.orig if isinstance(error, exc.DBAPIError) else error
        code = getattr(found, "sqlite_errorcode", 0) & 0xFF  # the low byte has the kind, the others say more
        if isinstance(found, exc.TimeoutError):  # every connection of the pool is taken
            return errors.StoreUnavailable(path=self.place, why=found)
        if code in _UNWRITABLE:
            return errors.HomeUnwritable(path=self._home, why=found)
        if code in _UNREADABLE:
            return errors.StoreUnreadable(path=self.place, why=found)
        return None

    @contextmanager
    def _alone(self) -> Generator[sa.Connection]:
        try:
            file = (self._home / "migrate.lock").open("ab")
        except OSError as error:
            raise errors.HomeUnwritable(path=self._home, why=error.strerror or error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with self.write() as connection:
                yield connection


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin`, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY}"):
        connection.execute(f"PRAGMA {pragma}").close()


_UNWRITABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
_UNREADABLE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
