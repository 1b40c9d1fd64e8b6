"""An exchange with PostgreSQL: statements that are sent together and answered together, in one round trip.

It speaks to libpq itself. A cursor of the driver's for each statement takes longer than most of the statements do.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count
from typing import Any, Protocol

from psycopg import abc, errors, generators, pq
from psycopg.adapt import PyFormat, Transformer

PREPARED = 500  # statements at most that the server keeps ready for a connection; what comes later it reads each time

Result = pq.abc.PGresult


class Prepared:
    """What the server keeps ready for a connection, by the text and the types of what is given."""

    def __init__(self) -> None:
        self.names: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self._numbers = count()

    def add(self, text: bytes, types: tuple[int, ...]) -> bytes:
        """A new name for it; none comes twice, also where the server has forgotten what had it."""
        self.names[text, types] = b"headrace_%d" % next(self._numbers)
        return self.names[text, types]


class Speaker(Protocol):
    """A connection, of which the statement that begins its transaction may not have been said yet."""

    pgconn: pq.abc.PGconn
    beginning: Any
    prepared: Prepared

    def wait(self, gen: Any) -> Any: ...


class Said:
    """A statement that is sent once or more often, and what a cursor of the driver's would tell of it afterwards."""

    def __init__(self) -> None:
        # The types of its columns; None where no rows came of it.
        self.description: list[tuple[None, int]] | None = None
        self.rowcount = 0
        self._rows: list[tuple[Any, ...]] = []

    def hear(self, result: Result, tongue: abc.Transformer) -> None:
        self.rowcount += result.command_tuples or 0
        if result.nfields:
            self.description = [(None, result.ftype(n)) for n in range(result.nfields)]
            tongue.set_pgresult(result)
            self._rows += tongue.load_rows(0, result.ntuples, tuple)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows


class Exchange:
    """What is said is sent when it ends: with an error, if the block within which it was said has ended so."""

    def __init__(self, connection: Speaker) -> None:
        self._connection = connection
        self._server = connection.pgconn
        self._tongue: abc.Transformer = Transformer(connection)  # pyright: ignore[reportArgumentType, reportUnknownMemberType] - it is one of the driver's
        self._commands: list[tuple[Callable[[], None], Said | None]] = []

    def say(self, text: str, many: Iterable[Sequence[Any]], *, lasting: bool) -> Said:
        """A statement with values for $1, $2, … as often as there are any. One that is `lasting` will be said again."""
        said = Said()
        for values in many:
            self._say_once(said, text.encode(), values, lasting=lasting)
        return said

    def end(self) -> None:
        """Sends what was said, and has every answer. Raises the first error that the server answers with."""
        if not self._commands:
            return
        commands, self._commands = [*self._begun(), *self._commands], []
        self._server.enter_pipeline_mode()
        for command, _ in commands:
            command()
        self._server.pipeline_sync()
        answers = self._connection.wait(_answers(self._server, len(commands)))
        self._server.exit_pipeline_mode()
        for (result, *_), (_, said) in zip(answers, commands, strict=True):
            if said:
                said.hear(result, self._tongue)
        _refuse(answers)

    def _begun(self) -> list[tuple[Callable[[], None], None]]:
        statement, self._connection.beginning = self._connection.beginning, None
        return [(partial(self._server.send_query_params, statement.encode(), None), None)] if statement else []

    def _say_once(self, said: Said, text: bytes, values: Sequence[Any], *, lasting: bool) -> None:
        given = self._tongue.dump_sequence(values, [PyFormat.AUTO] * len(values))
        types, formats = tuple(self._tongue.types or ()), self._tongue.formats
        if name := self._prepared(text, types) if lasting else None:
            self._commands.append((partial(self._server.send_query_prepared, name, given, formats), said))
        else:
            self._commands.append((partial(self._server.send_query_params, text, given, types, formats), said))

    def _prepared(self, text: bytes, types: tuple[int, ...]) -> bytes | None:
        """The name under which the server has it ready; it is made ready first if there is room."""
        known = self._connection.prepared
        if (text, types) not in known.names and len(known.names) < PREPARED:
            self._commands.append((partial(self._server.send_prepare, known.add(text, types), text, types), None))
        return known.names.get((text, types))


def _answers(server: pq.abc.PGconn, commands: int) -> Any:
    """What is answered to each of that many commands."""
    yield from generators.send(server)
    answers: list[list[Result]] = []
    while len(answers) < commands:
        found = yield from generators.fetch_many(server)
        answers.append(found)
    yield from generators.fetch_many(server)  # to the sync
    return answers


def _refuse(answers: Iterable[Sequence[Result]]) -> None:
    failed = (result for result, *_ in answers if result.status == pq.ExecStatus.FATAL_ERROR)
    if (first := next(failed, None)) is not None:
        raise errors.error_from_result(first)
