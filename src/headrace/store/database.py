"""The database as a thing: given out in transactions. What SQLite and PostgreSQL do differently has its own files."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol, Self

import sqlalchemy as sa

from headrace import errors
from headrace.model import reach as reaches
from headrace.model.reach import Reach
from headrace.store import migrations, reach
from headrace.store.reach import Concern, Sight
from headrace.store.script import Script, Statement


class About(StrEnum):
    """What a ring is about: those who look after other things need not look."""

    RUNS = "runs"
    TRIGGERS = "triggers"


class Listener(Protocol):
    """What calls back when a bell rings, until it is closed."""

    def close(self) -> None: ...


class Database(ABC):
    """One database. `write` and `read` are its transactions; a `write` commits when its block ends without an error.

    Both raise StoreUnavailable when the database cannot be reached or says no for the moment (then nobody knows
    whether a commit landed), and StoreUnreadable for what is damaged.
    """

    def __init__(self, engine: sa.Engine, place: object) -> None:
        self._engine = engine
        self._reading = engine
        self._sight: Sight | None = None
        self._reach: Reach | None = None
        self.place = place  # for messages; nothing secret is in it

    def within(self, seen: Reach) -> Self:
        """The same database, where only what is within reach is there."""
        found = copy.copy(self)
        found._reach = seen
        if not seen.sees_all:
            found._reading = self._sighted
            found._sight = Sight(seen, self._engine.dialect.name)
        return found

    @cached_property
    def _sighted(self) -> sa.Engine:
        return reach.sighted(self._reading)

    def write(self, *concerns: Concern) -> AbstractContextManager[sa.Connection]:
        """The rows that it concerns are looked at first where not everything is within reach, and only there.

        RunNotFound and its like for one that is not, NotAllowed for one that may only be looked at, or where none is said.
        """
        return self._writing() if self._reach is None else self._guarded(self._reach, concerns)

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        return self._transaction(writes=True)

    @contextmanager
    def _guarded(self, seen: Reach, concerns: Collection[Concern]) -> Generator[sa.Connection]:
        if not concerns:
            raise reaches.beyond(seen)
        with self._writing() as connection:
            reach.refuse(connection, seen, concerns)
            yield connection

    def read(self) -> AbstractContextManager[sa.Connection]:
        """All that is read within is of one moment."""
        return self._transaction(writes=False)

    def ask(self, statement: Statement, **values: Any) -> list[dict[str, Any]]:
        """The rows of one question, each by the names of its columns; it needs no transaction of its own."""
        with self._plainly(), self._reading.connect() as connection:
            if self._sight:
                connection.execution_options(sight=self._sight)
            return Script(connection).ask(statement, values).named

    def ask_together(self, questions: Sequence[tuple[Statement, Mapping[str, Any]]]) -> list[list[dict[str, Any]]]:
        """The rows of each of those questions, as `ask` gives them; they are sent together, and each is of its own moment."""
        with self._plainly(), self._reading.connect() as connection:
            if self._sight:
                connection.execution_options(sight=self._sight)
            with Script(connection) as script:
                answers = [script.say(statement, values) for statement, values in questions]
            return [answer.named for answer in answers]

    def close(self) -> None:
        self._engine.dispose()

    def revision(self) -> str | None:
        """The revision it is at; None for one that is new. StoreTooNew when a newer headrace wrote it."""
        with self.read() as connection:
            found = migrations.revision(connection)
        if found is not None and found > migrations.HEAD:
            raise errors.StoreTooNew(path=self.place, revision=found)
        return found

    def upgrade(self) -> None:
        """Makes it, or brings it up to date; one process at a time does so."""
        with self._alone() as connection:
            if migrations.revision(connection) != migrations.HEAD:
                migrations.upgrade(connection)

    @contextmanager
    def _transaction(self, *, writes: bool) -> Generator[sa.Connection]:
        with self._plainly(), (self._engine if writes else self._reading).begin() as connection:
            if self._sight and not writes:
                connection.execution_options(sight=self._sight)
            self._begin(connection, writes=writes)
            yield connection

    @contextmanager
    def _plainly(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            if plain := self._plain(error):
                raise plain from error
            raise

    @abstractmethod
    def clock(self, at: datetime, seconds: float = 0.0) -> sa.ColumnElement[datetime]:
        """The moment that many seconds from `at`, or from what the database's own clock says where it has one."""

    @abstractmethod
    def ring(self, connection: sa.Connection, about: About = About.RUNS) -> None:
        """Wakes every engine once this transaction is committed."""

    @abstractmethod
    def listen(self, name: str, wake: Callable[[About], None]) -> Listener:
        """Calls `wake` in a thread of its own whenever somebody rang, and whenever a ring may have been missed."""

    @abstractmethod
    def writers(self, table: str) -> frozenset[str]:
        """Who writes into that table and has not ended: numbers that they have drawn may come to light after higher ones.

        Nobody where writers are one at a time, since numbers come in their order there.
        """

    @abstractmethod
    def _begin(self, connection: sa.Connection, *, writes: bool) -> None:
        """Begins the transaction, where the driver does not."""

    @abstractmethod
    def _plain(self, error: Exception) -> errors.HeadraceError | None:
        """The error in words for whoever looks after the database; None when it is none of the database's."""

    @abstractmethod
    def _alone(self) -> AbstractContextManager[sa.Connection]:
        """A transaction that writes, which one process at a time has."""
