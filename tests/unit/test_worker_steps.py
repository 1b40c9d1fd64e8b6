"""How a step of SQL runs: what its query sees, what it finds, what it cannot reach, and what it says when it fails."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.datasets import committing
from headrace.datasets.committing import Staged
from headrace.model.dataset import WriteMode
from headrace.model.output import Output
from headrace.worker import attempt, database, wire
from headrace.worker.kinds import sql


class Bench:
    """A folder with tables and queries, whose steps run in this process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tables: dict[str, wire.Dataset] = {}

    def table(self, name: str, rows: pa.Table | dict[str, Any], mode: str = "overwrite", **how: Any) -> wire.Dataset:
        """The table's next version, which steps read from now on."""
        location = self.root / "tables" / name.lower()
        given = rows if isinstance(rows, pa.Table) else pa.table(rows)
        deltalake.write_deltalake(str(location), given, mode=mode, **how)
        version = deltalake.DeltaTable(str(location)).version()
        self._tables[name] = wire.Dataset(name=name, location=str(location), version=version)
        return self._tables[name]

    def task(self, query: str, **facts: Any) -> wire.Task:
        file = self.root / "steps" / "transformers" / "step.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(query)
        workplace = wire.Workplace(
            project="steps",
            snapshot=str(self.root / "steps"),
            live=str(self.root / "steps"),
            cwd=str(self.root),
            environment={},
        )
        plain: dict[str, Any] = {
            "attempt": "a1",
            "epoch": 1,
            "block": "step",
            "kind": "transformer",
            "language": "sql",
            "file": "transformers/step.sql",
            "inputs": (),
            "variables": {},
            "workplace": workplace,
            "place": str(self.root / "outputs" / "a1"),
            "home": str(self.root),
            "log": str(self.root / "a1.log"),
            "reads": tuple(self._tables.values()),
            "writes": ("found",),
            "configuration": {"output_datasets": ["found"]},
        }
        return wire.Task(**plain | facts)

    def run(self, query: str, **facts: Any) -> wire.Finished:
        work = attempt.Attempt(self.task(query, **facts), 5.0, _nothing, lambda: None)
        finished = work.run()
        assert work.profile_large() is None
        return finished

    def output(self, query: str, **facts: Any) -> Output:
        finished = self.run(query, **facts)
        assert finished.status == "completed", finished.failure
        (output,) = finished.outputs
        return output

    def rows(self, query: str, **facts: Any) -> list[tuple[Any, ...]]:
        path = self.root / self.output(query, **facts).path
        with duckdb.connect() as reader:
            return reader.read_parquet(str(path)).fetchall()


def _nothing(_: object) -> None:
    """No code of Python runs in a step."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def orders(bench: Bench) -> Bench:
    bench.table("orders", {"id": [3, 1, 2], "item": ["c", "a", None], "price": [1.5, 2.5, 4.0]})
    return bench


# What it sees and finds


def test_the_result_is_kept_in_the_order_of_the_query_with_what_is_known_of_it(orders):
    output = orders.output("select id, item, price * 2 as twice from Orders -- all\n order by id desc; -- done")
    assert (output.name, output.kind, output.codec, output.rows) == ("found", "dataset", "parquet", 3)
    assert output.path == "outputs/a1/found.parquet"
    assert output.bytes == (orders.root / output.path).stat().st_size
    assert output.schema == (
        {"name": "id", "type": "BIGINT"},
        {"name": "item", "type": "VARCHAR"},
        {"name": "twice", "type": "DOUBLE"},
    )
    assert output.profile == {
        "id": {"nulls": 0, "min": 1, "max": 3},
        "item": {"nulls": 1, "min": "a", "max": "c"},
        "twice": {"nulls": 0, "min": 3.0, "max": 8.0},
    }
    assert output.extra == {"dataset": "found", "mode": "replace", "keys": [], "description": ""}
    assert [each.name for each in (orders.root / "outputs/a1").iterdir()] == ["found.parquet"]
    assert orders.rows("from orders order by id desc") == [(3, "c", 1.5), (2, None, 4.0), (1, "a", 2.5)]


def test_it_reads_the_version_that_it_is_told(bench):
    first = bench.table("t", {"a": [1]})
    bench.table("t", {"a": [2]}, mode="append")
    assert sorted(bench.rows("from t")) == [(1,), (2,)]
    assert bench.rows("from t", reads=(first,)) == [(1,)]
    bench.table("t", {"b": ["other"]}, schema_mode="overwrite")
    assert bench.rows("from t") == [("other",)]


def test_a_table_that_was_made_anew_is_not_taken_for_the_one_before(bench):
    before = bench.table("t", {"a": [1]})
    assert bench.rows("from t") == [(1,)]
    shutil.rmtree(before.location)
    assert bench.run("from t").reason == "not_read"
    assert bench.table("t", {"a": [2]}) == before
    assert bench.rows("from t") == [(2,)]


def test_columns_come_in_the_order_of_the_table_whatever_that_of_a_file_is(bench):
    """Else one of another file would be taken for it, where a query names none."""
    table = bench.table("pairs", {"a": [1], "b": [2]})
    more, at = [bench.root / "more.parquet"], datetime(2026, 1, 31, tzinfo=UTC)
    pq.write_table(pa.table({"b": [4], "a": [3]}), *more)
    staged = Staged(attempt="a2", files=more, mode=WriteMode.APPEND, at=at, lent=True)
    done = committing.commit(table.location, staged, table.version)
    reads = (wire.Dataset(name="pairs", location=table.location, version=done.version),)
    assert bench.rows("SELECT * FROM pairs UNION ALL SELECT 5, 6 ORDER BY 1", reads=reads) == [(1, 2), (3, 4), (5, 6)]


def test_a_table_without_rows_has_its_columns(bench):
    bench.table("none", pa.table({"a": pa.array([], pa.int32())}))
    assert bench.rows("select sum(a), count(*) from none") == [(None, 0)]
    deltalake.DeltaTable.create(str(bench.root / "bare"), pa.schema([("a", pa.int64())]))
    bare = wire.Dataset(name="bare", location=str(bench.root / "bare"), version=0)
    output = bench.output("from bare", reads=(bare,))
    assert (output.rows, output.schema) == (0, ({"name": "a", "type": "BIGINT"},))


def test_a_table_behind_a_url_streams(orders):
    table = orders.task("").reads[0]
    told = wire.Dataset(name="orders", location=f"file://{table.location}", version=table.version)
    assert orders.rows("select max(price) from orders", reads=(told,)) == [(4.0,)]


def test_what_no_table_can_have_is_cast_or_refused(bench):
    query = "select 1::utinyint u, sum(range) h, interval 1 day i, gen_random_uuid() g, 1 as a, 2 as a from range(3)"
    kept = {column["name"]: column["type"] for column in bench.output(query).schema or ()}
    assert kept == {
        "u": "SMALLINT",
        "h": "DECIMAL(38,0)",
        "i": "VARCHAR",
        "g": "VARCHAR",
        "a": "INTEGER",
        "a_1": "INTEGER",
    }
    refused = bench.run("select union_value(k := 1) as either")
    assert refused.reason == "not_kept"
    assert "either" in refused.failure.message


def test_moments_are_those_of_utc_wherever_it_runs(bench, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    assert bench.rows("select strftime(timestamptz '2024-01-01 23:30:00-05', '%d %H')") == [("02 04",)]


def test_how_the_rows_are_to_be_written_is_told(orders):
    configuration = {"output_datasets": ["found"], "write_mode": "upsert", "row_unique_identifier": "id, item"}
    output = orders.output("from orders", configuration=configuration)
    assert output.extra == {"dataset": "found", "mode": "upsert", "keys": ["id", "item"], "description": ""}


def test_variables_are_put_in_and_what_comes_of_it_is_still_one_select(orders):
    configuration = {"output_datasets": ["found"], "input_datasets": ["orders"]}
    query = "select id from orders where item = '{{ item }}'"
    assert orders.rows(query, variables={"item": "a"}, configuration=configuration) == [(1,)]
    injected = {"item": "'; attach 'x.db'; select '"}
    for variables, said in (
        (injected, "one SELECT is expected"),
        ({"item": "' union all from read_text('/etc/passwd') --"}, "may not call read_text"),
        (
            {"item": "' union all select 1 from others --"},
            "it reads others, which is none of its input_datasets: orders",
        ),
        ({}, "'item' is undefined"),
    ):
        finished = orders.run(query, variables=variables, configuration=configuration)
        assert (finished.status, finished.reason) == ("failed", "raised")
        assert said in finished.failure.message


# What it cannot reach

OUT_OF_REACH = [
    "from read_text('{secret}')",
    "from read_blob('{secret}')",
    "from read_csv('{secret}')",
    "from read_json('{secret}')",
    "from read_parquet('{secret}')",
    "from parquet_scan('{secret}')",
    "from read_duckdb('{secret}')",
    "from '{secret}'",
    'from "{secret}"',
    "from glob('{folder}/*')",
    "from sniff_csv('{secret}')",
    "from parquet_metadata('{secret}')",
    "from parquet_kv_metadata('{secret}')",
    "from query('from read_text(''{secret}'')')",
    "from query_table('orders')",
    "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "select json_serialize_plan('from read_text(''{secret}'')')",
    "attach '{secret}' as other",
    "copy orders to '{folder}/stolen.csv'",
    "copy (from orders) to '{folder}/stolen.csv'",
    "export database '{folder}'",
    "import database '{folder}'",
    "install httpfs",
    "load httpfs",
    "from 'https://example.com/a.parquet'",
    "from read_csv('https://example.com/a.csv')",
    "from sqlite_scan('{secret}', 'a')",
    "from postgres_scan('', '', '')",
    "pragma database_list",
    "set memory_limit = '1TB'",
    "reset memory_limit",
    "set variable a = 1",
    "call enable_logging()",
    "from enable_logging()",
    "from duckdb_settings()",
    "from duckdb_views()",
    "from duckdb_secrets()",
    "from duckdb_logs()",
    "from information_schema.tables",
    "from pg_catalog.pg_settings",
    "from sqlite_master",
    "with pg_views as (select 1) from pg_catalog.pg_views",
    "with duckdb_views as (select 1) from system.main.duckdb_views",
    "with recursive sqlite_master as (select 1) from main.sqlite_master",
    "from main.orders",
    "from memory.main.orders",
    "select current_setting('temp_directory')",
    "select system.main.current_setting('temp_directory')",
    "select list_transform(['temp_directory'], x -> current_setting(x))",
    "select 'temp_directory'.current_setting()",
    "select current_query()",
    "select getenv('HOME')",
    "select getvariable('a')",
    "select pg_get_viewdef(1)",
    "show tables",
    "from (show tables)",
    "describe orders",
    "from (summarize orders)",
    "from which_secret('{secret}', 's3')",
    "with gone as (delete from orders returning *) from gone",
    "with new as (insert into orders values (1, 'a', 2) returning *) from new",
    "create table x as from orders",
    "create macro m() as 1",
    "drop view orders",
    "checkpoint",
    "from checkpoint()",
    "explain from orders",
    "prepare p as select 1",
    "select $1",
    "select 1; select 2",
    "select 1) to '{folder}/stolen.csv'; --",
    "select 1 /*",
    "select 1 \0 from orders",
    "with recursive t as (select 1) from recurring.t",
    "from arrow_scan(1, 2, 3)",
    "from pandas_scan(1)",
    "from undeclared",
    "from orders where exists (select 1 from undeclared)",
    "select (select max(a) from undeclared) from orders",
]


@pytest.mark.parametrize("query", OUT_OF_REACH)
def test_a_query_reaches_nothing_but_its_datasets(orders, query):
    secret = orders.root / "secret.csv"
    secret.write_text("a\nkept from you\n")
    before = sorted(orders.root.iterdir())
    finished = orders.run(query.format(secret=secret, folder=orders.root))
    assert finished.status == "failed"
    assert finished.outputs == ()
    assert "kept from you" not in str(finished.failure)
    assert sorted({*orders.root.iterdir()} - {orders.root / "steps", orders.root / "outputs"}) == before


@pytest.mark.parametrize(
    "source",
    ["read_csv('{secret}')", "glob('{folder}/*')", "'{secret}'", "read_text('/etc/passwd')"],
)
def test_the_database_itself_is_shut_too(orders, monkeypatch, source):
    """Should a query slip through, what runs it still has nothing to read or tell from."""
    from headrace.project import queries

    def let_through(text: str) -> queries.Query:
        return queries.Query(text, ())

    monkeypatch.setattr(queries, "read", let_through)
    secret = orders.root / "secret.csv"
    secret.write_text("a\nkept from you\n")
    finished = orders.run(f"from {source}".format(secret=secret, folder=orders.root))
    assert finished.status == "failed"
    assert finished.failure.message.startswith("Permission error")


# What it says when it fails


@pytest.mark.parametrize(
    ("query", "message", "line", "code"),
    [
        (
            "select id,\n  nosuch\nfrom orders",
            'Binder error in line 2, column 3: Referenced column "nosuch" not found in FROM clause!',
            2,
            "nosuch",
        ),
        (
            "-- é, what was sold\nselect 'éé',\n  cast(item as int) from orders",
            "Conversion error in line 3, column 3: Could not convert string 'c' to INT32",
            3,
            "cast(item as int) from orders",
        ),
        ("select sum(id, 1, 2)\nfrom orders", "Binder error in line 1, column 8: No function matches", 1, None),
        ("select id\nfrom orders order by 9", "Binder error", None, None),
        ("select error('out of stock')", "Invalid Input error: out of stock", None, None),
        (
            "select id\nfrom orders where\n",
            "Query error in line 2, column 13: syntax error at or",
            2,
            "from orders where",
        ),
        ("selec 1", 'Query error in line 1, column 1: syntax error at or near "selec"', 1, "selec 1"),
    ],
)
def test_the_databases_words_come_with_their_place_in_the_query(orders, query, message, line, code):
    finished = orders.run(query)
    assert (finished.status, finished.reason) == ("failed", "raised")
    failure = finished.failure
    assert failure.message.startswith(message)
    if line:
        assert (failure.file, failure.line) == (str(orders.root / "steps/transformers/step.sql"), line)
        assert "^" in failure.traceback
    if code:
        assert failure.code == code
    assert "kinds/sql.py" not in failure.traceback


def test_a_dataset_that_is_not_there_is_said_to_be_missing(orders):
    finished = orders.run("from orders, nosuch")
    assert (finished.reason, finished.failure.message) == ("not_read", "There is no dataset nosuch.")
    gone = wire.Dataset(name="orders", location=str(orders.root / "tables/orders"), version=7)
    finished = orders.run("from orders", reads=(gone,))
    assert finished.reason == "not_read"
    assert "Version 7 of the table" in finished.failure.message


def test_a_dataset_whose_files_are_gone_cannot_be_read(orders):
    for file in (orders.root / "tables/orders").glob("*.parquet"):
        file.unlink()
    finished = orders.run("from orders")
    assert finished.reason == "not_read"
    assert finished.failure.message.startswith("Version 0 of the table")


def test_names_and_places_are_quoted(tmp_path):
    bench = Bench(tmp_path / 'it\'s "here"')
    bench.table("select", {"a": [1]})
    output = bench.output("""select a as "it's ""so""\" from "select\"""")
    assert output.schema == ({"name": 'it\'s "so"', "type": "BIGINT"},)
    assert output.profile == {'it\'s "so"': {"nulls": 0, "min": 1, "max": 1}}


# How much memory it takes


def test_what_does_not_fit_fails_in_the_databases_words_and_leaves_nothing(bench):
    finished = bench.run("select list(range) l from range(40_000_000)", memory_limit=_resident() + 100 * 2**20)
    assert (finished.status, finished.reason) == ("failed", "out_of_memory")
    assert finished.failure.message.startswith("The query takes more memory than it may")
    assert not list((bench.root / "outputs/a1").iterdir())


def test_what_was_spilled_is_gone_once_it_has_run(tmp_path):
    with database.opened((), _resident(), tmp_path / "found.parquet") as connection:
        connection.execute("select hash(range) h from range(8_000_000) order by h").fetchone()
        assert list((tmp_path / "spill").iterdir())
    assert not list(tmp_path.iterdir())


def test_its_database_is_closed_while_nobody_waits(orders):
    with database.opened(orders.task("").reads, None, orders.root / "found.parquet") as connection:
        connection.execute("from orders")
    sql.get_ready()
    with pytest.raises(duckdb.ConnectionException, match="closed"):
        connection.execute("from orders")


def test_without_a_limit_it_takes_a_part_of_what_is_left(orders):
    """As many steps as there are processors may run at once."""
    told = Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0]
    with database.opened(orders.task("").reads, None, orders.root / "found.parquet") as connection:
        (limit,) = connection.execute("select value from duckdb_settings() where name = 'memory_limit'").fetchone()
    amount, unit = limit.split()
    taken = float(amount) * {"MiB": 2**20, "GiB": 2**30}[unit]
    assert taken * (os.cpu_count() or 1) == pytest.approx(int(told) * 2**10, rel=0.3)


def test_groups_of_rows_are_small_enough_to_be_looked_at(bench):
    output = bench.output("select repeat('x', 10_000) || range from range(10_000)")
    with pq.ParquetFile(bench.root / output.path) as file:
        assert file.num_row_groups > 1


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


# In a worker


def test_a_worker_runs_steps_and_stays(site: Any, orders: Bench, make_forking: Callable[..., Any]) -> None:
    site.serve_from(make_forking("duckdb", "deltalake", "headrace.worker.kinds.sql"))
    for number in range(3):
        task = orders.task("select count(*) from orders", attempt=f"a{number}", workplace=site.workplace)
        site.write(task.file, "select count(*) from orders")
        outcome = site.run(
            None, **{name: getattr(task, name) for name in ("file", "kind", "language", "reads", "writes")}
        )
        assert outcome.finished.status == "completed", outcome
        assert outcome.finished.peak_bytes > 0
    assert outcome.ready.retire is None
