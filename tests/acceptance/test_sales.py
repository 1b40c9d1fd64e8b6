"""The sales example: its data from a seed, eight steps of SQL over them, and the jobs that bring them from PostgreSQL."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import psycopg
import pytest
import yaml
from tests import postgres
from tests.acceptance.conftest import PATIENCE, Command
from tests.acceptance.test_cli_serve import served

EXAMPLE = Path(__file__).parents[2] / "examples" / "sales"
TABLES = ("days", "stores", "products", "customers", "sales")
SALES = 20_000


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with its five Parquet files."""
    folder = tmp_path_factory.mktemp("sales")
    subprocess.run([sys.executable, EXAMPLE / "generate.py", folder, "--sales", str(SALES)], check=True)
    return folder


@pytest.fixture
def connection(generated: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own over the same files."""
    with duckdb.connect() as found:
        for table in TABLES:
            found.execute(f"CREATE VIEW {table} AS FROM '{generated / table}.parquet'")
        yield found


def test_steps_say_what_the_database_says(
    headrace: Command, generated: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    for table in TABLES:
        headrace("datasets", "write", table, generated / f"{table}.parquet")
    assert "sales created" in headrace("apply", EXAMPLE / "pipeline.yaml").out
    assert "sales unchanged" in headrace("apply", EXAMPLE / "pipeline.yaml").out
    headrace("run", "authored", "sales")
    rows = {each["name"]: each["newest"]["rows"] for each in headrace("datasets", "list", "-o", "json").json}
    for job in yaml.safe_load((EXAMPLE / "pipeline.yaml").read_text())["pipeline_config"]["jobs"]:
        (written,) = job["config"]["output_datasets"]
        name = written if isinstance(written, str) else written["name"]
        connection.execute(f"CREATE TABLE {name} AS {job['config']['query']}")
        assert rows[name] == connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0], name
    head = headrace("datasets", "head", "summary", "-o", "json").json
    assert [row[1:] for row in sorted(head["rows"])] == [
        list(row) for row in connection.execute("SELECT figure, value FROM summary ORDER BY place").fetchall()
    ]


@pytest.fixture(scope="module")
def shop() -> Iterator[postgres.Server]:
    try:
        server = postgres.Server()
    except postgres.NoServer as why:
        pytest.skip(str(why))
    yield server
    server.close()


def test_jobs_bring_the_shop_s_tables_and_of_the_sales_only_what_is_new(
    headrace: Command, generated: Path, shop: postgres.Server
) -> None:
    with psycopg.connect(shop.url(), autocommit=True) as there:
        _fill(there, generated)
        headrace("secrets", "set", "shop_database", "--value-file", _written(headrace, shop.url()))
        with served(headrace) as server, server.client() as client:
            made = client.post("/platform/pipeline", json=json.loads((EXAMPLE / "loads.json").read_text()))
            assert made.status_code == 200, made.text
            pipeline = made.json()["data"]["id"]
            assert _executed(client, pipeline)["last_status"] == "SUCCESS"
            assert [_rows(client, name) for name in ("customers", "products", "sales")] == [50_000, 2_000, SALES]
            there.execute(
                "INSERT INTO shop.sales SELECT sale_id + 1000000, day, store_id, product_id, customer_id, quantity,"
                " unit_price, discount FROM shop.sales WHERE sale_id <= 100"
            )
            new = there.execute("SELECT count(*) FROM shop.sales WHERE sale_id > 1000000").fetchone()
            assert _executed(client, pipeline)["last_status"] == "SUCCESS"
            assert new is not None
            assert _rows(client, "sales") == SALES + new[0]
            versions = client.get("/v1/datasets/sales/versions").json()["versions"]
            assert [each["operation"] for each in versions] == ["append", "replace"]
            there.execute("DROP TABLE shop.products")
            failed = _executed(client, pipeline)
            assert failed["last_status"] == "FAILED"
            assert "products" in failed["trace"]
            assert _rows(client, "products") == 2_000, "what was there is still there"


def _fill(there: "psycopg.Connection[Any]", generated: Path) -> None:
    there.execute("CREATE SCHEMA shop")
    there.execute("CREATE TABLE shop.customers (customer_id bigint PRIMARY KEY, joined date, channel text)")
    there.execute(
        "CREATE TABLE shop.products (product_id bigint, product text, category text, unit_cost numeric(12, 2))"
    )
    there.execute(
        "CREATE TABLE shop.sales (sale_id bigint, day date, store_id bigint, product_id bigint, customer_id bigint,"
        " quantity bigint, unit_price numeric(12, 2), discount numeric(12, 2))"
    )
    for table in ("customers", "products", "sales"):
        rows = duckdb.execute(f"FROM '{generated / table}.parquet'").fetchall()
        with there.cursor() as cursor, cursor.copy(f"COPY shop.{table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _written(headrace: Command, secret: str) -> Path:
    file = headrace.folder / "secret"
    file.write_text(secret)
    return file


def _executed(client: httpx.Client, pipeline: str) -> dict[str, Any]:
    """The run once it has ended, as it is told through Maestro's API."""
    asked = client.post("/platform/pipeline/execute", json={"pipeline_id": pipeline})
    assert asked.status_code == 200, asked.text
    place = f"/platform/pipeline/{pipeline}/pipeline_run/{asked.json()['data']['run_id']}"
    run = client.get(place).json()["id"]
    ended = client.get(f"/v1/runs/{run}", headers={"Prefer": f"wait={PATIENCE}"}).json()
    assert ended["status"] in ("completed", "failed"), ended
    return client.get(place).json()


def _rows(client: httpx.Client, name: str) -> int:
    """How many the dataset has."""
    found = client.get(f"/v1/datasets/{name}").json()
    return found["newest"]["rows"]
