"""Jobs: read, amended, told to load otherwise; and loads from a real PostgreSQL into a dataset, run by run."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pytest
from tests.api.conftest import Served
from tests.dialects.maestro.stories import (
    Document,
    Store,
    begun,
    ended,
    into,
    job,
    made,
    new_id,
    ran,
    told,
)
from tests.postgres import Server

from headrace import identity
from headrace.operations import projects, secrets

HOW = {"load_type": "incremental", "incremental_column_name": "id", "incremental_column_type": "integer"}


class Sales:
    """A table of sales in PostgreSQL, reached by way of a secret."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.input: Document = {
            "connector": "jdbc",
            "plugin": "postgresql",
            "table_schema": "public",
            "table_name": "sales",
            "auth_parameters": {"auth_type": "connection_manager", "config_id": "sales"},
        }

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()


@pytest.fixture
def sales(served: Served, postgres_server: Server) -> Iterator[Sales]:
    name = f"sales_{identity.new()}"
    found = Sales(postgres_server.create(name))
    found.run(
        "CREATE TABLE sales (id int PRIMARY KEY, who text, amount numeric(10,2))",
        "INSERT INTO sales SELECT i, 'w' || i, i * 1.5 FROM generate_series(1, 1000) i",
    )
    secrets.set(served.app, "sales", found.url)
    yield found
    postgres_server.drop(name)


def test_a_job_is_told_as_it_was_given(served: Served, store: Store, orders: Document) -> None:
    given, kept = {**orders, **HOW, "column_include_list": ["id", "at"]}, into(store, "copy")
    pipeline = made(served, [job(given, kept)])
    for id in (f"{pipeline}_0", f"{pipeline.replace('_', '-')}_0", f"{pipeline.replace('_', '-')}-0"):
        found = served.client().get(f"/platform/jobs/jdbc/{id}").json()
        assert found == {"job_name": "job_0", "source_config": given, "transformations": [], "output_config": kept}


def test_what_is_no_job_is_told_so(served: Served, store: Store, orders: Document) -> None:
    pipeline, client = made(served, [job(orders, into(store, "copy"))]), served.client()
    for id in (f"{pipeline}_1", f"{told(new_id())}_0", pipeline, "nonsense", f"{pipeline}_-1"):
        answer = client.get(f"/platform/jobs/jdbc/{id}")
        assert (answer.status_code, set(answer.json())) == (404, {"detail"})
    assert client.put(f"/platform/jobs/{pipeline}_7/memory", json={"amount": 1}).json() == {
        "message": f"job_id {pipeline}_7 not found",
        "statusCode": 404,
    }


def test_columns_are_added_to_those_there_were(served: Served, store: Store, orders: Document) -> None:
    pipeline = made(served, [job({**orders, "column_include_list": ["id"]}, into(store, "copy"))])
    path, client = f"/platform/jobs/{pipeline}_0/input", served.client()
    answer = client.patch(path, json={"column_include_list": ["who", "id"], "table_name": "orders"})
    updated = {
        "status": True,
        "detail": f"successfully patched {pipeline}_0",
        "updated_fields": ["column_include_list"],
    }
    assert (answer.status_code, answer.json()) == (200, updated)
    found = client.get(f"/platform/jobs/jdbc/{pipeline}_0").json()["source_config"]
    assert found["column_include_list"] == ["id", "who"]
    ran(served, pipeline)
    assert store.copied("SELECT * FROM copy ORDER BY id")[0] == (1, "a")
    assert client.patch(path, json={"column_include_list": None}).json()["updated_fields"] == ["column_include_list"]
    for wrong in ({"plugin": "oracle"}, {"column_include_list": "id"}, {"nothing": 1}, []):
        answer = client.patch(path, json=wrong)
        assert (answer.status_code, set(answer.json())) == (400, {"detail"})


@pytest.mark.parametrize("change", [{"table_name": "more"}, {"incremental_column_name": "at"}])
def test_a_job_of_another_table_or_column_begins_anew(
    served: Served, store: Store, orders: Document, change: Document
) -> None:
    store.run(
        "CREATE TABLE more (id INTEGER, who TEXT, at TIMESTAMP)",
        "INSERT INTO more SELECT * FROM orders WHERE id < 3",
    )
    pipeline = made(served, [job({**orders, **HOW}, into(store, "copy"))])
    ran(served, pipeline)
    store.run("UPDATE orders SET who = 'changed'")
    path = f"/platform/jobs/{pipeline}_0/input"
    assert served.client().patch(path, json={"memory_allocation_mb": 512}).status_code == 200
    ran(served, pipeline)
    assert store.copied("SELECT who FROM copy WHERE id = 1") == [("a",)]  # it went on where it was
    assert served.client().patch(path, json=change).status_code == 200
    ran(served, pipeline)
    found = [(2,)] if "table_name" in change else [(3,)]
    assert store.copied("SELECT count(*) FROM copy") == found
    assert store.copied("SELECT count(*) FROM copy WHERE who = 'changed'") == ([(0,)] if found == [(2,)] else [(3,)])


def test_changes_that_come_at_once_are_all_made(served: Served, store: Store, orders: Document) -> None:
    pipeline = made(served, [job({**orders, "column_include_list": ["c0"]}, into(store, "copy"))])
    path, names = f"/platform/jobs/{pipeline}_0/input", [f"c{number}" for number in range(1, 9)]
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(served.client().patch, path, json={"column_include_list": [name]}) for name in names]
        assert {each.result().status_code for each in asked} == {200}
    found = served.client().get(f"/platform/jobs/jdbc/{pipeline}_0").json()["source_config"]
    assert sorted(found["column_include_list"]) == ["c0", *names]


def test_a_change_of_the_load_type_does_what_it_must_to_the_bookmark(
    served: Served, store: Store, orders: Document
) -> None:
    pipeline, client = made(served, [job(orders, into(store, "copy"))]), served.client()
    path = f"/platform/jobs/jdbc/{pipeline}_0/sync-mode"
    by_id = {"target_load_type": "incremental", "incremental_column_name": "id"}
    qualified = {"target_load_type": "incremental_with_qualify", "primary_keys": ["id"]}
    for asked, state in (
        (by_id, "initialised"),
        (qualified, "kept"),
        (by_id, "kept"),
        ({**by_id, "incremental_column_name": "at"}, "reset"),
        ({**by_id, "incremental_column_name": "at", "force": True}, "reset"),
        ({**by_id, "incremental_column_name": "at", "force": None}, "kept"),
        ({"target_load_type": "full_load"}, "reset"),
        (qualified, "initialised"),
    ):
        for method in ("PUT", "POST") if state == "kept" else ("PUT",):
            answer = client.request(method, path, json=asked)
            assert (answer.status_code, answer.json()["data"]["state"]) == (200, state), answer.text
    assert client.put(path, json={"target_load_type": "sideways"}).status_code == 400
    found = client.get(f"/platform/jobs/jdbc/{pipeline}_0").json()["source_config"]
    assert (found["load_type"], found["primary_keys"]) == ("incremental_with_qualify", ["id"])


def test_a_load_type_that_lacks_its_columns_is_refused(served: Served, store: Store, orders: Document) -> None:
    pipeline, client = made(served, [job(orders, into(store, "copy"))]), served.client()
    answer = client.put(f"/platform/jobs/jdbc/{pipeline}_0/sync-mode", json={"target_load_type": "incremental"})
    assert answer.status_code == 400
    assert "input.incremental_column_name" in answer.json()["detail"]
    assert client.get(f"/platform/jobs/jdbc/{pipeline}_0").json()["source_config"] == orders


def test_rows_go_from_postgresql_into_a_dataset_as_they_come(served: Served, sales: Sales) -> None:
    name = served.name("sales").replace("-", "_")
    pipeline = made(served, [job(sales.input, {"plugin": "dataset", "table_name": name}, **HOW)])
    client = served.client()
    ran(served, pipeline)
    assert _versions(served, name) == [(1000, "replace")]
    sales.run("INSERT INTO sales VALUES (1001, 'new', 1)", "UPDATE sales SET who = 'old' WHERE id = 1")
    ran(served, pipeline)
    ran(served, pipeline)  # nothing is new: no version
    assert _versions(served, name) == [(1001, "append"), (1000, "replace")]
    client.post(f"/platform/jobs/{pipeline}_0/reset-state")
    ran(served, pipeline)
    assert _versions(served, name) == [(1001, "replace"), (1001, "append"), (1000, "replace")]
    sales.run("DELETE FROM sales WHERE id > 1")
    client.post(f"/platform/jobs/{pipeline}_0/reset-state")
    ran(served, pipeline)
    assert client.get(f"/v1/datasets/{name}/rows").json()["rows"] == [[1, "old", "1.50"]]


def test_a_job_beside_a_step_of_its_output(served: Served, sales: Sales) -> None:
    """The dataset that a job has filled is there for steps of SQL."""
    name, total = (served.name(each).replace("-", "_") for each in ("sold", "total"))
    ran(served, made(served, [job(sales.input, {"plugin": "dataset", "table_name": name})]))
    config = {"job_type": "data-transform", "query_type": "sql", "output_datasets": [total]}
    step = {"name": "sum", "config": {**config, "query": f"select sum(amount) as amount from {name}"}}
    new = {"name": served.name("sum"), "description": "all of it", "pipeline_config": {"jobs": [step]}}
    pipeline = served.client().post("/pipelines/", json=new).json()
    ran(served, told(pipeline["id"]))
    assert "750750" in str(served.client().get(f"/v1/datasets/{total}/rows").json())


def test_passwords_are_in_no_answer_and_no_log(served: Served, sales: Sales, store: Store) -> None:
    url = sales.url.replace("headrace@", "nobody:hunter2secret@")
    secrets.set(served.app, "wrong", url)
    wrong = {**sales.input, "auth_parameters": {"config_id": "wrong"}}
    missing = {**sales.input, "auth_parameters": {"config_id": "missing_one"}}
    pipeline = made(served, [job(wrong, into(store, "a")), job(missing, into(store, "b"))])
    run = begun(served.client(), pipeline)
    found = ended(served, pipeline, run)
    assert found["last_status"] == "FAILED"
    logs = served.client().get(f"/platform/pipeline/pipeline_run/{run}/logs").text
    assert "The table public.sales cannot be moved: " in logs
    assert "is to lie in the secret missing_one, and there is none of this name" in logs
    whole = served.client().get(f"/v1/runs/{found['id']}").text + logs + str(found)
    assert "hunter2secret" not in whole


def test_a_secret_of_the_project_comes_before_that_of_all(served: Served, sales: Sales, store: Store) -> None:
    pipeline = made(served, [job(sales.input, into(store, "a"))])
    project = projects.named(served.app, "authored")
    secrets.set(served.app, "sales", "sqlite:///nowhere", project)
    try:
        trace = ended(served, pipeline, begun(served.client(), pipeline))["trace"]
        assert trace == (
            "The secret sales does not say how public.sales is reached: it is no URL that begins with postgresql://, "
            "and no JSON object."
        )
    finally:
        secrets.delete(served.app, "sales", project)
    with closing(psycopg.connect(sales.url)):
        ran(served, pipeline)


def _versions(served: Served, name: str) -> list[tuple[int, str]]:
    """Rows and operation of each, the newest first."""
    known = served.app.store.datasets
    dataset = known.find(name)
    assert dataset is not None
    return [(each.rows, each.operation.value) for each in known.versions(dataset.id, 10)]
