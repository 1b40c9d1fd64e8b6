"""What PostgreSQL does its own way: connections that give up in time, its clock, its errors, its bell."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import conninfo
from sqlalchemy import event, exc

from headrace import errors
from headrace.store import notices
from headrace.store.columns import Moment
from headrace.store.database import About, Database, Listener

IDLE = 10_000  # milliseconds that a transaction may do nothing: an engine that was stopped holds up no other for longer
MIGRATION = 0x68656164  # the advisory lock of whoever changes the tables

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # what it has to say is in its errors, too

_DEFAULTS: dict[str, Any] = {
    "application_name": "headrace",
    "connect_timeout": 5,
    "keepalives_idle": 10,  # seconds, as the next one; a server that went without a word is missed within the minute
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}


class Connection(psycopg.Connection[Any]):
    """One that waits for no answer longer than `patience` seconds: whatever is between here and there, it ends."""

    patience: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None or self.patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except psycopg.errors._WaitTimeout:  # pyright: ignore[reportPrivateUsage] - the driver has no public name for it
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {self.patience:g} s") from None


class Postgres(Database):
    """The PostgreSQL database at a URL, which may have everything in it that libpq understands."""

    def __init__(self, url: str, patience: float | None) -> None:
        self._parameters = _parameters(url)
        self._patience = patience
        super().__init__(self._pool(), _place(self._parameters))
        self._asking = self._pool(isolation_level="AUTOCOMMIT", pool_reset_on_return=None)  # one round trip

    def _pool(self, **given: Any) -> sa.Engine:
        """Connections that are kept, and given out to one at a time."""
        found = sa.create_engine("postgresql+psycopg://", creator=self.connect, pool_size=5, max_overflow=15, **given)
        event.listen(found, "connect", _prepare)
        return found

    def connect(self, *, autocommit: bool = False) -> Connection:
        """A connection of the caller's own."""
        connection = Connection.connect(**self._parameters, autocommit=autocommit)
        connection.patience = self._patience
        return connection

    def clock(self, at: datetime, seconds: float = 0.0) -> sa.ColumnElement[datetime]:
        now = sa.func.clock_timestamp(type_=Moment)
        return sa.type_coerce(now + sa.literal(timedelta(seconds=seconds), sa.Interval), Moment) if seconds else now

    def ring(self, connection: sa.Connection, about: About = About.RUNS) -> None:
        connection.execute(sa.select(sa.func.pg_notify(notices.CHANNEL, about.value)))

    def listen(self, name: str, wake: Callable[[About], None]) -> Listener:
        return notices.Listener(lambda: self.connect(autocommit=True), wake)

    def _begin(self, connection: sa.Connection, *, writes: bool) -> None:
        """The driver begins the transaction with its first statement: what is read is of one moment; what is counted
        after a lock was taken is what others have committed.
        """
        driver: Any = connection.connection.driver_connection
        level = psycopg.IsolationLevel.READ_COMMITTED if writes else psycopg.IsolationLevel.REPEATABLE_READ
        if driver.isolation_level is not level:
            driver.isolation_level = level

    def _plain(self, error: Exception) -> errors.HeadraceError | None:
        found = error.orig if isinstance(error, exc.DBAPIError) else error
        why = " ".join(str(found).split())
        if isinstance(found, (*_UNREADABLE,)):
            return errors.StoreUnreadable(path=self.place, why=why)
        if isinstance(found, (*_UNAVAILABLE,)):
            self._let_go_of_lost(found)
            return errors.StoreUnavailable(path=self.place, why=why)
        return None

    def _let_go_of_lost(self, error: Exception) -> None:
        """Where one connection was lost the others are lost too: none of those that are kept is given out any more."""
        if isinstance(error, psycopg.Error) and (error.sqlstate is None or error.sqlstate.startswith(_LOST)):
            for pool in (self._engine, self._asking):
                pool.dispose()

    @contextmanager
    def _alone(self) -> Generator[sa.Connection]:
        with self.write() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION)))
            yield connection


def _prepare(connection: Connection, _: Any) -> None:
    """A commit has returned only once the disk has it, whatever the server's own settings say."""
    connection.execute(
        "SELECT set_config('idle_in_transaction_session_timeout', %s, false),"
        " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
        " WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)",
        [str(IDLE)],
    )
    connection.commit()


def _parameters(url: str) -> dict[str, Any]:
    """What libpq is told; what the URL says wins. The URL may have a password in it, and is not repeated."""
    try:
        return {**_DEFAULTS, **conninfo.conninfo_to_dict(url)}
    except psycopg.ProgrammingError:
        expected = "a URL of the form postgresql://user:password@host:port/name"
        raise errors.BadSetting(
            name="database", source="settings", given="of another form", expected=expected
        ) from None


def _place(parameters: dict[str, Any]) -> str:
    where = ":".join(str(parameters[name]) for name in ("host", "port") if parameters.get(name))
    return f"PostgreSQL {parameters.get('dbname') or ''}{' at ' if where else ''}{where}".strip()


_LOST = ("08", "57P")  # how the codes of errors begin that end a connection; what the driver finds itself has none
_UNREADABLE = (psycopg.errors.DataCorrupted, psycopg.errors.IndexCorrupted)
_UNAVAILABLE = (
    psycopg.OperationalError,  # lost, refused, shutting down, out of memory or disk, deadlocked
    psycopg.InterfaceError,  # the connection is closed
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,  # a standby, for now
    exc.TimeoutError,  # every connection of the pool is taken
)
