"""Tables of a real MariaDB, where one is installed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pymysql
import pytest
from tests.transfer.conftest import Document, Mover, Warehouse

from headrace import clock, errors

pq: Any = import_module("pyarrow.parquet")

PATIENCE = 60.0
PROGRAMS = ("mariadbd", "mariadb-install-db")


class Maria:
    """A server of the tests' own, with a database `mill`."""

    def __init__(self, socket: str, port: int) -> None:
        self._socket = socket
        self.port = port

    def run(self, *statements: str) -> None:
        with pymysql.connect(unix_socket=self._socket, user="root", autocommit=True) as connection:
            for statement in statements:
                connection.cursor().execute(statement)

    def ask(self, statement: str) -> Any:
        with pymysql.connect(unix_socket=self._socket, user="root") as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


@pytest.fixture(scope="module")
def maria() -> Iterator[Maria]:
    server, install = (_program(name) for name in PROGRAMS)
    if not (server and install):
        pytest.skip("MariaDB is not installed")
    folder = Path(tempfile.mkdtemp(prefix="headrace-maria-", dir="/tmp"))
    user = {} if os.geteuid() else {"user": _unprivileged(folder)}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **user}
    data = f"--datadir={folder / 'data'}"
    subprocess.run([install, "--no-defaults", data, "--auth-root-authentication-method=normal"], check=True, **quiet)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = str(folder / "socket")
    named = [f"--socket={where}", f"--port={port}", "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0"]
    running = subprocess.Popen([server, "--no-defaults", data, *named, f"--pid-file={folder / 'pid'}"], **quiet)
    found = Maria(where, port)
    try:
        _wait(where)
        found.run("CREATE USER mill@'127.0.0.1' IDENTIFIED BY 'hunter2secret'", "GRANT ALL ON *.* TO mill@'127.0.0.1'")
        yield found
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait(PATIENCE)
        shutil.rmtree(folder)


def _unprivileged(folder: Path) -> int:
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return nobody.pw_uid


def _wait(path: str) -> None:
    """Until somebody listens."""
    patience, look = clock.monotonic() + PATIENCE, threading.Event()
    while clock.monotonic() < patience:
        with socket.socket(socket.AF_UNIX) as asking:
            if not asking.connect_ex(path):
                return
        look.wait(0.1)
    raise TimeoutError("MariaDB does not start")


@pytest.fixture
def grain(maria: Maria, mover: Mover) -> Document:
    maria.run(
        "CREATE OR REPLACE DATABASE mill CHARACTER SET utf8mb4",
        "CREATE TABLE mill.grain (id int unsigned, big bigint unsigned, yes tinyint(1), price decimal(10,2), raw blob,"
        " words varchar(100), day date, `at` time(6), stamp datetime(6), moment timestamp(6) NULL, doc json,"
        " kind enum('rye', 'oat'), `odd ``%s` double,"
        " broad float, bits bit(64), one bit)",
        "SET time_zone = '+02:00'",
        "INSERT INTO mill.grain VALUES (4294967295, 18446744073709551615, 1, 0.10, x'00ff', 'ü\"🦆', '2026-01-01',"
        " '23:59:59.999999', '2026-01-01 00:00:00.000001', '2026-07-01 12:00:00', '{\"a\": 1}', 'rye', 0.1,"
        " 1234567.875, 0x8000000000000041, 1)",
        "INSERT INTO mill.grain (id) VALUES (1)",
    )
    return {**_table(maria, mover), "incremental_column_name": "id", "load_type": "incremental"}


def _table(maria: Maria, mover: Mover) -> Document:
    mover.secrets["maria"] = f"mysql://mill:hunter2secret@127.0.0.1:{maria.port}/mill"
    return {"connector": "jdbc", "plugin": "mysql", "table_name": "grain", "auth_parameters": {"config_id": "maria"}}


def test_every_value_comes_as_it_is(mover: Mover, warehouse: Warehouse, maria: Maria, grain: Document) -> None:
    assert mover.move(grain, warehouse.table("grain")).rows == 2
    found = warehouse.ask("SELECT id, big, yes, price, raw, words, day, at, stamp, moment, doc::text, kind FROM grain")
    assert found[0] == (
        *(4294967295, Decimal(18446744073709551615), 1, Decimal("0.10"), b"\x00\xff", 'ü"🦆', date(2026, 1, 1)),
        *("23:59:59.999999", datetime(2026, 1, 1, 0, 0, 0, 1), datetime(2026, 7, 1, 10, tzinfo=UTC)),
        *('{"a": 1}', "rye"),
    )
    assert set(found[1][1:]) == {None}
    assert warehouse.ask('SELECT "odd `%s", broad::float8, bits, one FROM grain WHERE id > 1') == [
        (0.1, 1234567.875, 2**63 + 65, 1)
    ]
    maria.run("INSERT INTO mill.grain (id) VALUES (4294967294)")
    assert mover.move(grain, warehouse.table("grain")).rows == 0


@pytest.mark.parametrize("column", ["broad", "bits"])
def test_a_bookmark_is_as_far_as_its_column_is(
    mover: Mover, warehouse: Warehouse, maria: Maria, grain: Document, column: str
) -> None:
    how = {**grain, "incremental_column_name": column, "column_include_list": ["id", "words"]}
    assert mover.move(how, warehouse.table("grain")).rows == 2
    maria.run("INSERT INTO mill.grain (id, broad, bits) VALUES (2, 1234568, 0x8000000000000042)")
    assert mover.move(how, warehouse.table("grain")).rows == 1
    assert mover.move(how, warehouse.table("grain")).rows == 0


def _made(maria: Maria, mover: Mover, *statements: str) -> Document:
    maria.run("CREATE OR REPLACE DATABASE mill CHARACTER SET utf8mb4", *statements)
    return _table(maria, mover)


def test_times_beyond_a_day_tell_what_is_new(mover: Mover, warehouse: Warehouse, maria: Maria) -> None:
    rows = "INSERT INTO mill.grain VALUES ('26:00:00', 1), ('-01:30:00', 0)"
    source = _made(maria, mover, "CREATE TABLE mill.grain (k time, id int)", rows)
    how: Document = {"load_type": "incremental", "incremental_column_name": "k"}
    assert mover.move(source, warehouse.table("grain"), **how).bookmark == "26:00:00"
    assert mover.move(source, warehouse.table("grain"), **how).rows == 0
    maria.run("INSERT INTO mill.grain VALUES ('100:00:00', 2)")
    assert mover.move(source, warehouse.table("grain"), **how).rows == 1
    assert warehouse.ask("SELECT k FROM grain ORDER BY id") == [("-01:30:00",), ("26:00:00",), ("100:00:00",)]


def test_bytes_tell_not_what_is_new(mover: Mover, warehouse: Warehouse, maria: Maria) -> None:
    source = _made(maria, mover, "CREATE TABLE mill.grain (k binary(2))", "INSERT INTO mill.grain VALUES ('a')")
    with pytest.raises(errors.LoadFailed, match="The column k cannot be moved: it has bytes in it"):
        mover.move(source, warehouse.table("grain"), load_type="incremental", incremental_column_name="k")


def test_a_text_that_is_longer_than_the_servers_packets_comes_whole(mover: Mover, maria: Maria) -> None:
    row = "INSERT INTO mill.grain VALUES (repeat('ü', 1000000), NULL)"
    source = _made(maria, mover, "CREATE TABLE mill.grain (words longtext, more mediumtext)", row)
    ((before,),) = maria.ask("SELECT @@global.max_allowed_packet")
    maria.run("SET GLOBAL max_allowed_packet = 1048576")
    try:
        mover.move(source, {"plugin": "parquet", "path": "kept.parquet"})
    finally:
        maria.run(f"SET GLOBAL max_allowed_packet = {before}")
    assert pq.read_table(mover.folder / "kept.parquet").to_pylist() == [{"words": "ü" * 1_000_000, "more": None}]


@pytest.mark.parametrize("kind", ["date", "datetime", "timestamp NULL"])
def test_a_day_that_no_calendar_has_is_refused(mover: Mover, maria: Maria, kind: str) -> None:
    table = f"CREATE TABLE mill.grain (k {kind})"
    source = _made(maria, mover, table, "SET sql_mode = ''", "INSERT INTO mill.grain VALUES ('0000-00-00')")
    with pytest.raises(errors.LoadFailed, match="The column k cannot be moved: it has a value that is none of"):
        mover.move(source, {"plugin": "parquet", "path": "kept.parquet"})


def test_decimals_of_more_digits_than_others_have_go_as_far_as_they_fit(
    mover: Mover, warehouse: Warehouse, maria: Maria
) -> None:
    long = "12345678901234567890123456789012345.123456789012345678901234567890"
    table = "CREATE TABLE mill.grain (k decimal(65, 30))"
    source = _made(maria, mover, table, f"INSERT INTO mill.grain VALUES ({long})", "INSERT INTO mill.grain VALUES (9)")
    how: Document = {"load_type": "incremental", "incremental_column_name": "k"}
    assert mover.move(source, warehouse.table("grain"), **how).bookmark == long
    assert warehouse.ask("SELECT k FROM grain ORDER BY k DESC") == [(Decimal(long),), (Decimal(9),)]
    with pytest.raises(errors.LoadFailed, match="The column k cannot be moved: it has a value that is none of"):
        mover.move(source, {"plugin": "parquet", "path": "kept.parquet"})


@pytest.mark.parametrize("option", ["ssl=true", "ssl_ca=/nowhere.pem"])
def test_no_connection_is_less_safe_than_it_was_asked_to_be(mover: Mover, grain: Document, option: str) -> None:
    mover.secrets["maria"] += f"?{option}"
    with pytest.raises((errors.BadConnection, errors.LoadFailed), match=r"ssl_ca, ssl_cert, ssl_key|No such file"):
        mover.move(grain, {"plugin": "parquet", "path": "kept.parquet"})
    assert not (mover.folder / "kept.parquet").exists()


def test_the_newest_of_each_key(mover: Mover, warehouse: Warehouse, maria: Maria, grain: Document) -> None:
    how: Document = {
        "load_type": "incremental_with_qualify",
        "incremental_column_name": "stamp",
        "primary_keys": ["id"],
    }
    maria.run("INSERT INTO mill.grain (id, words, stamp) VALUES (1, 'old', '2025-01-01'), (1, 'new', '2025-01-02')")
    columns: Document = {"column_include_list": ["id", "words"]}
    assert mover.move({**grain, **how}, warehouse.table("grain"), **columns).rows == 2
    assert warehouse.ask("SELECT words FROM grain WHERE id = 1") == [("new",)]
    maria.run("INSERT INTO mill.grain (id, words, stamp) VALUES (1, 'newer', '2026-01-02')")
    assert mover.move({**grain, **how}, warehouse.table("grain"), **columns).rows == 2
    assert warehouse.ask("SELECT words FROM grain WHERE id = 1") == [("newer",)]


def test_what_goes_wrong_names_the_table_and_no_password(mover: Mover, warehouse: Warehouse, grain: Document) -> None:
    with pytest.raises(Exception, match="The table none cannot be moved: there is no such table"):
        mover.move({**grain, "table_name": "none"}, warehouse.table("x"))
    mover.secrets["maria"] = mover.secrets["maria"].replace("mill:", "other:")
    with pytest.raises(Exception, match="Access denied") as caught:
        mover.move(grain, warehouse.table("x"))
    assert "hunter2secret" not in str(caught.value)
