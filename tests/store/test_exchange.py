"""What is said to PostgreSQL together: answered in the order in which it was said, and known to the server from then on."""

from collections.abc import Iterator

import psycopg
import pytest

from headrace.store.exchange import Exchange
from headrace.store.postgres import Connection, Postgres

DOUBLE = "SELECT $1::INTEGER * 2"


@pytest.fixture
def connection(postgres_url: str) -> Iterator[Connection]:
    database = Postgres(postgres_url, None)
    with database.connect() as found:
        yield found
    database.close()


def doubled(connection: Connection, *numbers: int) -> list[int]:
    exchange = Exchange(connection)
    saids = [exchange.say(DOUBLE, [(number,)], lasting=True) for number in numbers]
    exchange.end()
    return [row for said in saids for (row,) in said.fetchall()]


def known(connection: Connection) -> int:
    (found,) = connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'headrace%'").fetchall()
    return found[0]


def test_statements_are_answered_in_their_order_and_kept_ready(connection: Connection) -> None:
    assert doubled(connection, 1, 2, 3) == doubled(connection, 1, 2, 3) == [2, 4, 6]
    assert known(connection) == 1


def test_what_the_server_has_forgotten_is_made_ready_again(connection: Connection) -> None:
    """The driver has it forget everything after a transaction was taken back."""
    assert doubled(connection, 1) == [2]
    for _ in range(6):  # until the driver itself has prepared something
        connection.execute("SELECT %s::INTEGER", [1], prepare=True)
    with pytest.raises(ZeroDivisionError), connection.transaction():
        connection.execute("SELECT 1")
        raise ZeroDivisionError
    connection.execute("SELECT 1")
    assert known(connection) == 0
    assert doubled(connection, 2) == [4]


def test_many_rows_are_counted_and_nothing_waits_for_anything_else(connection: Connection) -> None:
    connection.execute("CREATE TABLE much (number INTEGER, text VARCHAR)")
    exchange = Exchange(connection)
    inserted = exchange.say("INSERT INTO much VALUES ($1, $2)", ((n, "x" * 4000) for n in range(3000)), lasting=True)
    asked = exchange.say("SELECT text FROM much", [()], lasting=True)
    exchange.end()
    assert inserted.rowcount == len(asked.fetchall()) == 3000
    assert (inserted.description, asked.description) == (None, [(None, 1043)])


def test_the_first_error_is_raised_and_what_came_before_is_heard(connection: Connection) -> None:
    exchange = Exchange(connection)
    before, wrong = exchange.say(DOUBLE, [(1,)], lasting=True), exchange.say("SELECT 1 / $1", [(0,)], lasting=False)
    after = exchange.say(DOUBLE, [(1,)], lasting=True)
    with pytest.raises(psycopg.errors.DivisionByZero):
        exchange.end()
    assert before.fetchall() == [(2,)]
    assert (wrong.description, after.description) == (None, None)
