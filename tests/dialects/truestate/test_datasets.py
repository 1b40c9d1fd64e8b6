"""Datasets: made and given rows, found, and refused what does not fit; then nothing is written."""

from typing import Any

import pytest
from tests.api.conftest import Caller, Served
from tests.dialects.truestate import stories

from headrace.operations import datasets

AWAY = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
FIELDS = "id name description row_unique_identifier data_schema version row_count created_at updated_at"


def upsert(name: str, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"dataset_name": name, "row_unique_identifier": "id", "data": [*rows], **more}


def test_rows_make_a_dataset_and_then_change_it(served: Served, client: Caller) -> None:
    name = served.name("mills").replace("-", "_")
    made = client.put("/datasets/upsert/", json=upsert(name, {"id": 1, "flow": 2.5}, {"id": 2, "flow": 4.0}))
    assert made.status_code == 200
    assert set(made.json()) == set(FIELDS.split())
    assert (made.json()["row_count"], made.json()["data_schema"]) == (2, {"id": "int64", "flow": "double"})
    changed = client.put("/datasets/upsert", json=upsert(name, {"id": 2, "flow": 8.0}, {"id": 3, "flow": 1.0})).json()
    assert (changed["row_count"], changed["id"]) == (3, made.json()["id"])
    assert changed["version"] > made.json()["version"]
    assert sorted(datasets.head(served.app, name).rows) == [[1, 2.5], [2, 8.0], [3, 1.0]]
    assert client.get(f"/datasets/{changed['id']}").json() == changed
    assert client.get("/datasets/", params={"name": name}).json() == [changed]
    assert changed in client.get("/datasets?limit=1000").json()


def test_a_schema_says_which_columns_there_are(served: Served, client: Caller) -> None:
    name = served.name("typed").replace("-", "_")
    columns = {"id": "integer", "day": "date"}
    made = client.put("/datasets/upsert/", json=upsert(name, {"id": 1, "day": "2026-01-31"}, data_schema=columns))
    assert made.json()["data_schema"] == {"id": "int64", "day": "date32[day]"}


def test_a_dataset_that_is_not_there_is_told_so(client: Caller) -> None:
    answer = client.get(f"/datasets/{AWAY}/")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Dataset not found"})
    assert client.get("/datasets/", params={"name": "nowhere"}).json() == []
    assert client.get("/datasets/", params={"name": "a/b"}).json() == []


def test_the_row_and_the_column_that_do_not_fit_are_told(client: Caller) -> None:
    rows = [{"id": 1, "flow": 1.0}, {"id": 2, "flow": "much"}]
    stories.refused(client.put("/datasets/upsert/", json=upsert("never", *rows)), "body", "data", 1, "flow")


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"data": []}, ["data"], "data for the dataset"),
        ({"data": [{"id": 2**63, "a.b": 1}]}, ["data", 0, "id"], "data[0].id"),
        ({"data": [{"id": 1, "a.b": "\0"}]}, ["data", 0, "a.b"], "data[0].a.b"),
        ({"data": [{"id": 1, "a.b": 1}, {"id": 2, "a.b": "x"}]}, ["data", 1, "a.b"], "data[1].a.b for the dataset"),
        ({"data": [{"id": 1}, {"id": 1}]}, ["data", 1, "id"], "the row of number 0"),
        ({"data_schema": {"id": "some"}}, ["data_schema", "id"], "data_schema.id for the dataset"),
        ({"row_unique_identifier": "key"}, ["row_unique_identifier"], "'key'; expected one of the columns id"),
        ({"rows": []}, ["rows"], "not permitted"),
    ],
)
def test_what_does_not_fit_has_its_place_in_what_was_sent(
    client: Caller, change: dict[str, Any], place: list[Any], said: str
) -> None:
    (fault,) = client.put("/datasets/upsert/", json=upsert("never", {"id": 1}) | change).json()["detail"]
    assert fault["loc"] == ["body", *place]
    assert said in fault["msg"]
    assert client.get("/datasets/", params={"name": "never"}).json() == []


def test_rows_go_by_the_identifier_that_the_dataset_has(served: Served, client: Caller) -> None:
    name = served.name("by_id").replace("-", "_")
    before = client.put("/datasets/upsert/", json=upsert(name, {"id": 1, "item": "oats"})).json()
    other = {"row_unique_identifier": "item"}
    answer = client.put("/datasets/upsert/", json=upsert(name, {"id": 1, "item": "rye"}, **other))
    assert "expected id" in stories.refused(answer, "body", "row_unique_identifier")
    assert client.get(f"/datasets/{before['id']}").json() == before


def test_a_dataset_that_has_lost_its_identifier_can_have_another(served: Served, client: Caller) -> None:
    name = served.name("anew").replace("-", "_")
    client.put("/datasets/upsert/", json=upsert(name, {"id": 1, "item": "oats"}))
    made = stories.made(served, [stories.job("one", "select 'oats' as item", name)])
    stories.ended(served, client, client.post(f"/pipelines/{made['id']}/runs/").json())
    again = client.put("/datasets/upsert/", json=upsert(name, {"item": "rye"}, row_unique_identifier="item"))
    assert (again.json()["row_unique_identifier"], again.json()["row_count"]) == ("item", 2)


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"dataset_name": "a/b"}, "dataset_name", ""),
        ({"dataset_name": "a" * 300}, "dataset_name", ""),
        ({"data": []}, "data", "data for the dataset"),
        ({"data": [{}]}, "data", "data[0] for the dataset"),
        ({"data": [{"id": 1, "flow": 1.0}, {"id": 2}]}, "data", "flow"),
        ({"data": [{"id": 1, "flow": "much"}]}, "data", "flow"),
        ({"data": [{"id": 1, "flow": 1.0, "more": 2}]}, "data", "more"),
        ({"data": [{"id": 1, "flow": 1.0}, {"id": 1, "flow": 2.0}]}, "data", "id"),
        ({"data": [{"id": None, "flow": 1.0}]}, "data", "id"),
        ({"data": [1]}, "data", ""),
        ({"dataset_name": "never", "data": [{"id": 1, "of": [None]}]}, "data", "of"),
        ({"dataset_name": "never", "data": [{"id": 1, "of": {"a": {}}}]}, "data", "of"),
        ({"data_schema": {"id": "number of some kind"}}, "data_schema", ""),
    ],
)
def test_rows_that_do_not_fit_are_named_and_not_written(
    served: Served, client: Caller, change: dict[str, Any], field: str, said: str
) -> None:
    name = served.name("fit").replace("-", "_")
    before = client.put("/datasets/upsert/", json=upsert(name, {"id": 1, "flow": 1.0})).json()
    given = upsert(f"{name}_new" if "data_schema" in change else name, {"id": 1, "flow": 1.0}) | change
    assert said in stories.refused(client.put("/datasets/upsert/", json=given), "body", field)
    assert client.get(f"/datasets/{before['id']}").json() == before
    assert client.get("/datasets/", params={"name": f"{name}_new"}).json() == []
