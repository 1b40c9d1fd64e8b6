"""What PostgreSQL does its own way: connections that give up in time, its clock, its errors, its bell."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, LiteralString, cast

import psycopg
import sqlalchemy as sa
from psycopg import conninfo
from psycopg.pq import TransactionStatus
from sqlalchemy import event, exc

from headrace import errors
from headrace.store import notices
from headrace.store.columns import Moment
from headrace.store.database import About, Database, Listener
from headrace.store.exchange import Prepared
from headrace.store.script import Statement

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
    """One that waits for no answer longer than `patience` seconds: whatever is between here and there, it ends.

    A transaction is begun together with its first statement, which costs no round trip of its own: `beginning` is how.
    """

    patience: float | None = None
    beginning: LiteralString | None = None

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.prepared = Prepared()

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None or self.patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except psycopg.errors._WaitTimeout:  # pyright: ignore[reportPrivateUsage] - the driver has no public name for it
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {self.patience:g} s") from None

    def begin(self) -> None:
        """The transaction, if there is one to begin."""
        if self.beginning:
            statement, self.beginning = self.beginning, None
            psycopg.Cursor(self).execute(statement)

    def commit(self) -> None:
        self.beginning = None
        super().commit()

    def rollback(self) -> None:
        """Of no transaction nothing needs to be taken back: it is asked for whenever the pool gets a connection again."""
        self.beginning = None
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().rollback()

    def _deallocate(self, name: bytes | None) -> Any:
        """The driver has the server forget by that name what it has prepared, or, without one, whatever anybody has."""
        if name is None:
            self.prepared.names.clear()
        return super()._deallocate(name)

    @contextmanager
    def pipeline(self) -> Generator[psycopg.Pipeline]:
        self._pipeline = self._pipeline or _Pipeline(self)  # which the driver then takes for its own
        with super().pipeline() as found:
            yield found


class _Cursor(psycopg.Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
        cast(Connection, self.connection).begin()
        return super().execute(query, params, **how)

    def executemany(self, query: Any, params_seq: Any, **how: Any) -> None:
        connection = cast(Connection, self.connection)
        connection.begin()
        with connection.pipeline():
            super().executemany(query, params_seq, **how)


class _Pipeline(psycopg.Pipeline):
    """Statements that are sent together. The driver's own asks at its end, after all is answered, once more to be sent
    what is: and a server that was asked anything does not count any more how long a transaction does nothing.
    """

    def _exit_gen(self) -> Any:
        try:
            self._enqueue_sync()
            yield from self._communicate_gen()
        finally:
            yield from self._fetch_gen(flush=False)


class Postgres(Database):
    """The PostgreSQL database at a URL, which may have everything in it that libpq understands."""

    def __init__(self, url: str, patience: float | None) -> None:
        self._parameters = _parameters(url)
        self._patience = patience
        kept = sa.create_engine(
            "postgresql+psycopg://", creator=self.connect, pool_size=5, max_overflow=15, hide_parameters=True
        )
        event.listen(kept, "connect", _prepare)
        super().__init__(kept, _place(self._parameters))

    def connect(self) -> Connection:
        """A connection of the caller's own, where each statement is its own transaction if none is begun."""
        connection = Connection.connect(**self._parameters, autocommit=True, cursor_factory=_Cursor)
        connection.patience = self._patience
        return connection

    def clock(self, at: datetime, seconds: float = 0.0) -> sa.ColumnElement[datetime]:
        now = sa.func.clock_timestamp(type_=Moment)
        return sa.type_coerce(now + sa.literal(timedelta(seconds=seconds), sa.Interval), Moment) if seconds else now

    def ring(self, connection: sa.Connection, about: About = About.RUNS) -> None:
        connection.execute(sa.select(sa.func.pg_notify(notices.CHANNEL, about.value)))

    def listen(self, name: str, wake: Callable[[About], None]) -> Listener:
        return notices.Listener(self.connect, wake)

    def writers(self, table: str) -> frozenset[str]:
        return frozenset(row["virtualtransaction"] for row in self.ask(_WRITERS, table=table))

    def _begin(self, connection: sa.Connection, *, writes: bool) -> None:
        """What is read is of one moment; what is counted after a lock was taken is what others have committed."""
        driver: Any = connection.connection.driver_connection
        driver.beginning = f"BEGIN ISOLATION LEVEL {'READ COMMITTED' if writes else 'REPEATABLE READ'}"

    def _plain(self, error: Exception) -> errors.HeadraceError | None:
        found = error.orig if isinstance(error, exc.DBAPIError) else error
        why = " ".join(str(found).split())
        if isinstance(found, (*_UNREADABLE,)):
            return errors.StoreUnreadable(path=self.place, why=why)
        if isinstance(found, (*_UNAVAILABLE,)):
            self._let_go_of_lost(found)
            return errors.StoreUnavailable(path=self.place, why=why)
        if isinstance(found, _OF_ANOTHER):
            return errors.StorePooled(path=self.place)
        return None

    def _let_go_of_lost(self, error: Exception) -> None:
        """Where one connection is of no use the others are not either: none of those that are kept is given out any more."""
        if isinstance(error, psycopg.Error) and (error.sqlstate is None or error.sqlstate.startswith(_LOST)):
            self._engine.dispose()

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


# A transaction keeps the lock that it has taken before it wrote until everybody sees what it has written, or it is undone.
_WRITERS = Statement(
    sa.text(
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = to_regclass(:table)"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND mode = 'RowExclusiveLock'"
    )
    .bindparams(sa.bindparam("table", type_=sa.Text))
    .columns(sa.column("virtualtransaction", sa.Text))
)
# How the codes of errors begin that end a connection, or what it has ready; what the driver finds itself has none.
_LOST = ("08", "57P", "0A")
_UNREADABLE = (psycopg.errors.DataCorrupted, psycopg.errors.IndexCorrupted)
_UNAVAILABLE = (
    psycopg.OperationalError,  # lost, refused, shutting down, out of memory or disk, deadlocked
    psycopg.InterfaceError,  # the connection is closed
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
    psycopg.errors.FeatureNotSupported,  # of a plan: the tables were changed since it was made
    psycopg.errors.ReadOnlySqlTransaction,  # a standby, for now
    exc.TimeoutError,  # every connection of the pool is taken
)
# The session is not the one that it was a statement ago: a pooler gives each transaction one of those that it has. What is
# set for a session does not hold there, and nobody hears what rings.
_OF_ANOTHER = (psycopg.errors.DuplicatePreparedStatement, psycopg.errors.InvalidSqlStatementName)
