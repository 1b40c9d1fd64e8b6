"""Names, files and secrets: where a table is, as people call it, whatever they call it."""

import json
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.transfer.conftest import Document, Mover, Warehouse

from headrace import errors
from headrace.model.transfer import End
from headrace.worker.transfer import connections

NAMES = ['"; DROP TABLE safe; --', "%s", "100%", "a.b", "select", "ünïcode 🦆", "`tick`", "'quote'", " ", "\\"]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_table_and_its_columns_are_called(mover: Mover, warehouse: Warehouse, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    warehouse.run(
        "CREATE TABLE safe (n int)",
        f"CREATE SCHEMA {quoted}",
        f"CREATE TABLE {quoted}.{quoted} ({quoted} int, at int)",
        f"INSERT INTO {quoted}.{quoted} VALUES (1, 1), (1, 2), (2, 3)",
    )
    how: Document = {"load_type": "incremental_with_qualify", "primary_keys": [name], "incremental_column_name": "at"}
    places: list[Document] = [
        warehouse.table(name, f"{name}2"),
        {"plugin": "duckdb", "path": "a.duckdb", "table_name": name, "table_schema": name},
        {"plugin": "sqlite", "path": "a.db", "table_name": name},
        {"plugin": "parquet", "path": "a'b.parquet"},
    ]
    for place in places:
        assert mover.move(warehouse.table(name, name), place, **how).rows == 2
        assert mover.move(warehouse.table(name, name), place, **how).rows == 1
    for place in places[1:3]:
        source = {"connector": "jdbc", **place, "incremental_column_name": name, "load_type": "incremental"}
        assert mover.move(source, {"plugin": "parquet", "path": "back.parquet"}, job=place["plugin"]).rows == 2
    schema = '"' + f"{name}2".replace('"', '""') + '"'
    assert warehouse.ask(f"SELECT * FROM {schema}.{quoted} ORDER BY at") == [(1, 2), (2, 3)]
    assert warehouse.ask("SELECT count(*) FROM safe") == [(0,)]


def test_only_the_columns_that_are_listed_go(mover: Mover, warehouse: Warehouse, refused: Callable[..., str]) -> None:
    warehouse.run("CREATE TABLE a (id int, secret text, word text)", "INSERT INTO a VALUES (1, 's', 'w')")
    mover.move(warehouse.table("a"), warehouse.table("b"), column_include_list=["word", "ID"])
    assert warehouse.ask("SELECT * FROM b") == [(1, "w")]
    said = refused(lambda: mover.move(warehouse.table("a"), warehouse.table("b"), column_include_list=["wort"]))
    assert said == "The column wort cannot be moved: there is none of this name, but id, secret, word."


@pytest.mark.parametrize("plugin", ["csv", "json", "parquet"])
@pytest.mark.parametrize("where", ["", "memory://"])
def test_files_are_read_here_and_elsewhere(mover: Mover, plugin: str, where: str) -> None:
    path = f"{where}{uuid.uuid4()}/rows.{plugin}" if where else f"rows.{plugin}"
    _write(path if where else str(mover.folder / path), plugin)
    source: Document = {"connector": "s3" if where else "file", "plugin": plugin, "path": path}
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    target: Document = {"plugin": "duckdb", "path": "kept.duckdb", "table_name": "kept"}
    assert mover.move(source, target, **how).rows == 2
    assert mover.move(source, target, **how).rows == 0
    with duckdb.connect(str(mover.folder / "kept.duckdb")) as connection:
        assert connection.execute("""SELECT id, who, "at"::DATE::VARCHAR FROM kept ORDER BY id""").fetchall() == [
            (1, "a", "2026-01-01"),
            (2, None, "2026-01-02"),
        ]


def _write(path: str, plugin: str) -> None:
    rows = [{"id": 1, "who": "a", "at": "2026-01-01"}, {"id": 2, "who": None, "at": "2026-01-02"}]
    with fsspec.open(path, "wb") as file:
        match plugin:
            case "csv":
                file.write(b"id,who,at\n1,a,2026-01-01\n2,,2026-01-02\n")
            case "json":
                file.write("\n".join(json.dumps(row) for row in rows).encode())
            case _:
                pq.write_table(pa.Table.from_pylist(rows), file)


def test_a_pattern_names_several_files(mover: Mover) -> None:
    for number in range(3):
        (mover.folder / f"part-{number}.csv").write_text(f"id\n{number}\n")
    source: Document = {"connector": "file", "plugin": "csv", "path": "part-*.csv"}
    assert mover.move(source, {"plugin": "parquet", "path": "all.parquet"}).rows == 3


def test_a_parquet_file_elsewhere_is_written_as_a_whole(mover: Mover, warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE a (id int)", "INSERT INTO a VALUES (1)")
    path = f"memory://{uuid.uuid4()}/a.parquet"
    fsspec.filesystem("memory").makedirs(path.rpartition("/")[0])
    how = {"load_type": "incremental", "incremental_column_name": "id"}
    mover.move(warehouse.table("a"), {"plugin": "parquet", "path": path}, **how)
    warehouse.run("INSERT INTO a VALUES (2)")
    assert mover.move(warehouse.table("a"), {"plugin": "parquet", "path": path}, **how).rows == 1
    with fsspec.open(path) as file:
        assert sorted(pq.read_table(file)["id"].to_pylist()) == [1, 2]


def test_what_cannot_be_reached_is_said_in_a_sentence(
    mover: Mover, warehouse: Warehouse, refused: Callable[..., str], tmp_path: Path
) -> None:
    target: Document = {"plugin": "parquet", "path": "kept.parquet"}
    (tmp_path / "text").write_text("no database")
    mover.secrets["gone"] = "postgresql://u:hunter2secret@127.0.0.1:1/x"
    mover.secrets["odd"] = '{"host": "h", "passwort": "hunter2secret"}'
    jdbc = {"connector": "jdbc", "table_name": "t"}
    for source, said in (
        (warehouse.table("t"), "The table t cannot be moved: there is no such table, or it may not be seen."),
        (
            {**jdbc, "plugin": "postgresql", "auth_parameters": {"config_id": "gone"}},
            "The table t cannot be moved: connection",
        ),
        ({**jdbc, "plugin": "postgresql", "auth_parameters": {"config_id": "none"}}, "is to lie in the secret none"),
        (
            {**jdbc, "plugin": "postgresql", "auth_parameters": {"config_id": "odd"}},
            "it has a field that is not known; expected host",
        ),
        (
            {**jdbc, "plugin": "sqlite", "path": "nowhere.db"},
            "The table t cannot be moved: unable to open database file.",
        ),
        ({**jdbc, "plugin": "sqlite", "path": "text"}, "The table t cannot be moved: "),
        ({**jdbc, "plugin": "duckdb", "path": "text"}, "The table t cannot be moved: "),
        ({"connector": "file", "plugin": "csv", "path": "nowhere.csv"}, "The file nowhere.csv cannot be moved: "),
        ({"connector": "s3", "plugin": "csv", "path": "gopher://x/y.csv"}, "gopher:// is not reached"),
    ):
        found = refused(lambda source=source: mover.move(source, target))
        assert said in found, found
        assert "hunter2secret" not in found
    assert not (tmp_path / "kept.parquet").exists()
    found = refused(
        lambda: mover.move(warehouse.table("t"), {"plugin": "sqlite", "path": "/proc/x/y.db", "table_name": "t"})
    )
    assert found == "The file /proc/x/y.db cannot be moved: it cannot be written (No such file or directory)."


def test_one_file_is_not_read_and_written_by_one_job(mover: Mover, refused: Callable[..., str], tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "one.db")) as connection, connection:
        connection.execute("CREATE TABLE a (id INTEGER)")
    (tmp_path / "other.db").symlink_to(tmp_path / "one.db")
    source: Document = {"connector": "jdbc", "plugin": "sqlite", "path": "one.db", "table_name": "a"}
    said = refused(lambda: mover.move(source, {"plugin": "sqlite", "path": "other.db", "table_name": "b"}))
    assert said.endswith("one.db is its target's file, too.")


@pytest.mark.parametrize(
    ("plugin", "said", "found"),
    [
        (
            "postgresql",
            "postgres://u:p%40ss@h:5433/db?sslmode=require",
            {
                "host": "h",
                "port": 5433,
                "user": "u",
                "password": "p@ss",
                "database": "db",
                "options": {"sslmode": "require"},
            },
        ),
        (
            "mysql",
            '{"server": "h", "username": "u", "password": "p", "port": "3307", "db": "d"}',
            {"host": "h", "port": 3307, "user": "u", "password": "p", "database": "d"},
        ),
        ("sqlite", "sqlite:///data/a.db", {"path": "/here/data/a.db"}),
        ("sqlite", "sqlite:////data/a.db", {"path": "/data/a.db"}),
        ("csv", '{"path": "s3://b/a.csv", "options": {"key": "k"}}', {"path": "s3://b/a.csv", "options": {"key": "k"}}),
    ],
)
def test_a_secret_is_a_url_or_an_object(plugin: str, said: str, found: dict[str, Any]) -> None:
    read = connections.address(End(plugin, secret="x"), lambda _: said, Path("/here"))
    assert {name: getattr(read, name) for name in found} == found
    assert "p@ss" not in repr(read)


@pytest.mark.parametrize(
    "said",
    ["", "nonsense", "http://h", "postgresql://", "{", "[]", '{"host": 1}', '{"port": 70000}', "postgresql://h:x"],
)
def test_a_secret_that_says_nothing_of_a_place_is_refused_and_not_repeated(said: str) -> None:
    with pytest.raises(errors.BadConnection) as caught:
        connections.address(End("postgresql", "t", secret="x"), lambda _: said, Path("/"))
    assert str(caught.value).startswith("The secret x does not say how t is reached: ")
