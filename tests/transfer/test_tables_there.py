"""Tables that are there before their first load, and whoever uses them: what a job may do to them, and what it refuses."""

from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.transfer.conftest import Mover, Warehouse

from headrace import identity
from headrace.worker.transfer.targets import postgresql

REFUSED: list[tuple[str, str, str]] = [  # the target's type, the source's, and a value
    ("price", "numeric", "1.239"),
    ("dearer", "text", "'1.239'"),
    ("day", "timestamp", "'2024-05-05 23:59:59'"),
    ("few", "bigint", "16777217"),
    ("money", "numeric", "1.239"),
    ("money", "text", "'1.239'"),
    ("interval(0)", "text", "'1.6 seconds'"),
    ("interval year", "text", "'13 months'"),
    ("time(0)", "text", "'10:00:00.5'"),
    ("name", "text", "repeat('x', 64)"),
]
TAKEN: list[tuple[str, str, str]] = [
    ("price", "numeric", "1.23"),
    ("dearer", "text", "'1.23'"),
    ("day", "timestamp", "'2024-05-05'"),
    ("few", "bigint", "16777216"),
    ("money", "integer", "2"),
    ("money", "money", "1234.5"),
    ("money", "text", "'1.2'"),
    ("interval", "text", "'1.6 seconds'"),
    ("interval(0)", "text", "'2 seconds'"),
    ("time(0)", "text", "'10:00:05'"),
    ("name", "text", "'x'"),
]
DOMAINS = (
    "CREATE DOMAIN price AS numeric(10, 2)",
    "CREATE DOMAIN dearer AS price CHECK (VALUE > 1)",
    "CREATE DOMAIN day AS date",
    "CREATE DOMAIN few AS real",
)
HOW = {"load_type": "incremental", "incremental_column_name": "id"}


def test_a_job_that_reads_what_it_would_change_does_not_wait_for_itself(
    mover: Mover, warehouse: Warehouse, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "PATIENCE", 100)
    warehouse.run(
        "CREATE TABLE kept (id int)",
        "INSERT INTO kept VALUES (1)",
        "CREATE VIEW seen AS SELECT id, id + 1 AS other FROM kept",
    )
    said = refused(lambda: mover.move(warehouse.table("seen"), warehouse.table("kept"), **HOW))
    why = "the target has no such column, and was in use for 0.1 s, so that it could not be given one"
    assert said == f"The column other cannot be moved: {why}."
    warehouse.run("ALTER TABLE kept ADD COLUMN other int")
    assert mover.move(warehouse.table("seen"), warehouse.table("kept"), **HOW).rows == 1
    assert warehouse.ask("SELECT * FROM kept") == [(1, 2)]


def test_who_may_use_tables_need_not_be_allowed_to_make_any(
    mover: Mover, warehouse: Warehouse, refused: Callable[..., str]
) -> None:
    role = f"loader_{identity.new()}".replace("-", "_")
    warehouse.run("CREATE SCHEMA house", "CREATE TABLE source AS SELECT 1 AS id")
    mover.move(warehouse.table("source"), warehouse.table("kept", "house"), job="p_0")
    with psycopg.connect(warehouse.url, autocommit=True) as owner:
        for statement in (
            f"CREATE ROLE {role} LOGIN PASSWORD 'x'",
            f"GRANT USAGE ON SCHEMA house TO {role}",
            f"GRANT ALL ON ALL TABLES IN SCHEMA house TO {role}",
            f"GRANT SELECT ON source TO {role}",
        ):
            owner.execute(statement.encode())
        parts = urlsplit(warehouse.url)
        mover.secrets["pg"] = parts._replace(netloc=f"{role}:x@{parts.netloc.rpartition('@')[2]}").geturl()
        try:
            for _ in range(2):
                mover.move(warehouse.table("source"), warehouse.table("kept", "house"), **HOW)
            said = refused(lambda: mover.move(warehouse.table("source"), warehouse.table("other", "house")))
            assert "permission denied" in said
        finally:
            owner.execute(f"DROP OWNED BY {role}".encode())
            owner.execute(f"DROP ROLE {role}".encode())
    assert warehouse.ask("SELECT * FROM house.kept") == [(1,)]


def test_what_a_column_that_is_there_would_round_or_cut_is_refused_whatever_its_type_is_called(
    mover: Mover, warehouse: Warehouse, refused: Callable[..., str]
) -> None:
    warehouse.run(*DOMAINS)
    for there, here, value in [*REFUSED, *TAKEN]:
        warehouse.run(
            "DROP TABLE IF EXISTS kept, a",
            f"CREATE TABLE kept (v {there})",
            f"CREATE TABLE a AS SELECT {value}::{here} AS v",
        )
        if (there, here, value) in TAKEN:
            mover.move(warehouse.table("a"), warehouse.table("kept"))
            assert warehouse.ask(f"SELECT count(*) FROM kept JOIN a ON kept.v = a.v::{there}") == [(1,)]
        else:
            said = refused(lambda: mover.move(warehouse.table("a"), warehouse.table("kept")))
            assert "column v cannot be moved: it has a value that would become another one" in said, (
                there,
                here,
                value,
            )
            assert warehouse.ask("SELECT * FROM kept") == []


def test_a_domain_keeps_its_own_conditions(mover: Mover, warehouse: Warehouse, refused: Callable[..., str]) -> None:
    warehouse.run(*DOMAINS, "CREATE TABLE kept (v dearer)", "CREATE TABLE a AS SELECT 0.5 AS v")
    assert "violates check constraint" in refused(lambda: mover.move(warehouse.table("a"), warehouse.table("kept")))


def test_a_domain_of_decimals_gets_every_digit_of_a_csv_file(mover: Mover, warehouse: Warehouse) -> None:
    warehouse.run("CREATE DOMAIN exact AS numeric", "CREATE TABLE kept (v exact)")
    (mover.folder / "p.csv").write_text("v\n0.1234567890123456789\n")
    mover.move({"connector": "file", "plugin": "csv", "path": "p.csv"}, warehouse.table("kept"))
    assert warehouse.ask("SELECT v::text FROM kept") == [("0.1234567890123456789",)]
