"""Databases of PostgreSQL that keep letters in another way than UTF-8: a letter stays what it is, or is refused."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from tests.postgres import Server
from tests.transfer.conftest import Document, Mover, Warehouse

from headrace import identity


@pytest.fixture(scope="module")
def encoded(postgres_server: Server) -> Iterator[Callable[[str], str]]:
    made: list[str] = []

    def make(encoding: str) -> str:
        name = f"encoded_{identity.new()}"
        made.append(name)
        making = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE 'C'")
        with postgres_server.session() as admin:
            admin.execute(making.format(sql.Identifier(name), encoding))
        return postgres_server.url(name)

    yield make
    for name in made:
        postgres_server.drop(name)


def table(secret: str, name: str = "words") -> Document:
    place = {"connector": "jdbc", "plugin": "postgresql", "table_name": name}
    return {**place, "auth_parameters": {"config_id": secret}}


def test_letters_stay_on_their_way_into_latin1_and_back(
    encoded: Callable[[str], str], mover: Mover, warehouse: Warehouse, refused: Callable[..., str]
) -> None:
    mover.secrets["latin"] = encoded("LATIN1")
    warehouse.run("CREATE TABLE words (word text)", "INSERT INTO words VALUES ('Café')")
    mover.move(warehouse.table("words"), table("latin"))
    with psycopg.connect(mover.secrets["latin"], client_encoding="UTF8") as latin:
        assert latin.execute("SELECT word, length(word) FROM words").fetchall() == [("Café", 4)]
    mover.move(table("latin"), warehouse.table("back"))
    assert warehouse.ask("SELECT word FROM back") == [("Café",)]
    warehouse.run("INSERT INTO words VALUES ('今')")
    assert 'has no equivalent in encoding "LATIN1"' in refused(
        lambda: mover.move(warehouse.table("words"), table("latin"))
    )


def test_a_connection_s_own_encoding_changes_nothing(
    encoded: Callable[[str], str], mover: Mover, warehouse: Warehouse
) -> None:
    mover.secrets["latin"] = encoded("LATIN1") + "?client_encoding=LATIN1"
    warehouse.run("CREATE TABLE words (word text)", "INSERT INTO words VALUES ('Café')")
    mover.move(warehouse.table("words"), table("latin"))
    mover.move(table("latin"), warehouse.table("back"))
    assert warehouse.ask("SELECT word FROM back") == [("Café",)]


def test_bytes_of_no_known_letters_are_refused(
    encoded: Callable[[str], str], mover: Mover, warehouse: Warehouse, refused: Callable[..., str]
) -> None:
    mover.secrets["ascii"] = encoded("SQL_ASCII")
    with psycopg.connect(mover.secrets["ascii"], client_encoding="UTF8", autocommit=True) as ascii:
        ascii.execute("CREATE TABLE words (word text)")
        ascii.execute("INSERT INTO words VALUES ('Café')")
        mover.move(table("ascii"), warehouse.table("kept"))
        assert warehouse.ask("SELECT word FROM kept") == [("Café",)]
        ascii.execute(rb"INSERT INTO words VALUES (E'Caf\351')")
    why = refused(lambda: mover.move(table("ascii"), warehouse.table("kept")))
    assert why.startswith("The table words cannot be moved") and '"UTF8": 0xe9' in why
    assert warehouse.ask("SELECT word FROM kept") == [("Café",)]
