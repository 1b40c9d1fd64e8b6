"""What SQLite does its own way: durable write-ahead logging, transactions that take the write lock at once, its errors."""

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from headrace import errors

BUSY = 30_000  # milliseconds that a writer waits for another


def engine(path: Path) -> sa.Engine:
    """An engine on the database at `path`. A commit has returned only once the disk has it (synchronous=FULL)."""
    url = sa.URL.create("sqlite", database=str(path))  # a path may have any character in it
    made = sa.create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY / 1000})
    event.listen(made, "connect", _prepare)
    return made


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `begin`, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY}"):
        connection.execute(f"PRAGMA {pragma}").close()


def begin(connection: sa.Connection, *, writes: bool) -> None:
    """Readers share; a transaction that will write takes the lock first, so that it is never refused half way."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


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


def plain(error: exc.DBAPIError, path: Path) -> errors.HeadraceError | None:
    """The error in words for whoever looks after the home at `path`; None when it is a fault of headrace."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # the low byte has the kind, the others say more
    if code in _UNWRITABLE:
        return errors.HomeUnwritable(path=path.parent, why=error.orig)
    if code in _UNREADABLE:
        return errors.StoreUnreadable(path=path, why=error.orig)
    return None
