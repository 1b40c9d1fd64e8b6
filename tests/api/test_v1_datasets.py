"""Datasets over HTTP: rows come in, each write is a version, and nothing of what does not fit is written."""

import shutil
from typing import Any

import pytest
from tests.api.conftest import Caller, Served, refused

from headrace.model.access import Grant, Role
from headrace.operations import tokens, users

ROWS = [{"id": 1, "city": "Lyon", "price": 1.5}, {"id": 2, "city": None, "price": 2}]


def give(client: Caller, name: str, rows: Any, **more: Any) -> Any:
    return client.put(f"/v1/datasets/{name}/rows", json={"identifier": "id", "rows": rows, **more})


@pytest.fixture
def name(served: Served) -> str:
    return served.name("sales").replace("-", "_")


def test_rows_that_are_given_are_a_version(client: Caller, name: str) -> None:
    made = give(client, name, ROWS, description="what was sold")
    assert made.status_code == 200, made.text
    dataset = made.json()
    assert (dataset["name"], dataset["description"], dataset["row_identifier"]) == (name, "what was sold", "id")
    assert (dataset["newest"]["version"], dataset["newest"]["rows"], dataset["newest"]["operation"]) == (1, 2, "upsert")
    assert dataset["newest"]["schema"] == [
        {"name": "id", "type": "int64"},
        {"name": "city", "type": "string"},
        {"name": "price", "type": "double"},
    ]
    assert client.get(f"/v1/datasets/{name.upper()}").json() == dataset
    assert dataset in client.get("/v1/datasets?limit=1000").json()["datasets"]


def test_rows_take_the_place_of_those_with_their_identifier(client: Caller, name: str) -> None:
    give(client, name, ROWS)
    second = give(client, name, [{"id": 2, "city": "Turin", "price": 3}, {"id": 3, "city": "Graz", "price": 4.5}])
    assert second.json()["newest"]["rows"] == 3
    page = client.get(f"/v1/datasets/{name}/rows").json()
    assert (page["version"], page["total"], page["columns"]) == (2, 3, ["id", "city", "price"])
    assert sorted(page["rows"]) == [[1, "Lyon", 1.5], [2, "Turin", 3.0], [3, "Graz", 4.5]]
    before = client.get(f"/v1/datasets/{name}/rows?version=1&offset=1&limit=1").json()
    assert (before["rows"], before["offset"], before["total"]) == ([[2, None, 2.0]], 1, 2)
    versions = client.get(f"/v1/datasets/{name}/versions").json()
    assert [(each["version"], each["run_id"], each["rows"]) for each in versions["versions"]] == [
        (2, None, 3),
        (1, None, 2),
    ]
    first = client.get(f"/v1/datasets/{name}/versions?limit=1").json()
    assert first["next"] == "2"
    rest = client.get(f"/v1/datasets/{name}/versions?limit=1&cursor=2").json()
    assert [each["version"] for each in rest["versions"]] == [1]


def test_types_may_be_said(client: Caller, name: str) -> None:
    types = {"id": "integer", "day": "date", "at": "timestamp", "open": "boolean"}
    row = {"id": 1, "day": "2026-01-31", "at": "2026-01-31T06:00:00+01:00", "open": True}
    made = give(client, name, [row], types=types)
    assert [each["type"] for each in made.json()["newest"]["schema"]] == [
        "int64",
        "date32[day]",
        "timestamp[us, tz=UTC]",
        "bool",
    ]
    told = client.get(f"/v1/datasets/{name}/rows").json()["rows"]
    assert told == [[1, "2026-01-31", "2026-01-31 05:00:00.000000Z", True]]
    refused(give(client, name, [row | {"day": "soon", "id": 2}]), 422)


WRONG: list[tuple[Any, str, str]] = [
    ([{"id": 3, "city": 7, "price": 1}], "rows[0].city", "is 7; expected text or null"),
    ([*ROWS, {"id": 4, "city": "x", "price": "1"}], "rows[2].price", "is '1'; expected a number or null"),
    ([{"id": True, "city": "x", "price": 1}], "rows[0].id", "expected a whole number"),
    ([{"id": 2**63, "city": "x", "price": 1}], "rows[0].id", ""),
    ([{"id": 4, "city": "x"}], "rows[0].price", "is missing"),
    ([{"id": 4, "city": "x", "price": 1, "more": 1}], "rows[0].more", "is there"),
    ([{"id": None, "city": "x", "price": 1}], "rows[0].id", "is null"),
    ([ROWS[0], ROWS[0]], "rows[1].id", "the row of number 0 has it"),
    ([], "rows", ""),
    ([{}], "rows[0]", "a row without columns"),
    ([7], "rows.0", ""),
]


@pytest.mark.parametrize(("rows", "field", "why"), WRONG)
def test_rows_that_do_not_fit_are_named_and_nothing_is_written(
    client: Caller, name: str, rows: Any, field: str, why: str
) -> None:
    give(client, name, ROWS)
    answer = give(client, name, rows)
    assert answer.status_code in (400, 422)
    told = answer.json()
    assert why in told["detail"]
    assert field in str(told)
    assert client.get(f"/v1/datasets/{name}").json()["newest"]["version"] == 1


def test_rows_of_a_new_dataset_are_alike(client: Caller, name: str) -> None:
    for rows, field in (
        ([{"id": 1}, {"id": "x"}], "rows[1].id"),
        ([{"id": 1, "a": [1]}, {"id": 2, "a": [1, "x"]}], "rows[0].a"),
        ([{"id": 1}, {"key": 2}], "rows[1].key"),
        ([{"key": 1}], "identifier for the dataset"),
    ):
        assert field in refused(give(client, name, rows), 422)["detail"]
    refused(give(client, name, ROWS, types={"id": "integer", "city": "string", "price": "money"}), 422)
    refused(client.get(f"/v1/datasets/{name}"), 404, "name")


@pytest.mark.parametrize("wrong", ["a.b", "1a", "n" * 129, "ä", "a%20b", "_x"])
def test_names_that_are_none(client: Caller, wrong: str) -> None:
    refused(give(client, wrong, ROWS), 422, "name")
    for path in ("", "/versions", "/rows"):
        refused(client.get(f"/v1/datasets/{wrong}{path}"), 422, "name")


def test_versions_that_are_none(client: Caller, name: str) -> None:
    for path in ("", "/versions", "/rows"):
        refused(client.get(f"/v1/datasets/{name}{path}"), 404, "name")
    give(client, name, ROWS)
    refused(client.get(f"/v1/datasets/{name}/rows?version=9"), 404, "version")
    for query in ("version=x", "version=-1", "limit=10001", "offset=-1", "limit=x"):
        refused(client.get(f"/v1/datasets/{name}/rows?{query}"), 422, query.partition("=")[0])


def test_who_has_roles_for_tags_alone_sees_and_writes_none(client: Caller, served: Served, name: str) -> None:
    give(client, name, ROWS)
    user = users.create(served.app, served.name("user"), None, [Grant(Role.OWNER, "corn")]).id
    tagged = served.caller(tokens.create(served.app, "tagged", Role.OWNER, user_id=user)[1])
    assert tagged.get("/v1/datasets").json() == {"datasets": [], "next": None}
    refused(tagged.get(f"/v1/datasets/{name}/rows"), 404, "name")
    refused(give(tagged, name, [{"id": 9, "city": "x", "price": 1}]), 403)
    refused(give(tagged, f"{name}_new", ROWS), 403)
    assert client.get(f"/v1/datasets/{name}").json()["newest"]["version"] == 1
    refused(client.get(f"/v1/datasets/{name}_new"), 404, "name")


def test_a_dataset_is_begun_anew_once_its_table_is_lost(client: Caller, served: Served, name: str) -> None:
    made = give(client, name, ROWS).json()
    refused(client.post(f"/v1/datasets/{name}/restart"), 409, "name")
    refused(client.post(f"/v1/datasets/{name}_none/restart"), 404, "name")
    shutil.rmtree(served.app.settings.home / made["location"])
    begun = client.post(f"/v1/datasets/{name}/restart")
    assert begun.status_code == 200, begun.text
    assert (begun.json()["newest"], begun.json()["uid"]) == (None, made["uid"])
    (version,) = client.get(f"/v1/datasets/{name}/versions").json()["versions"]
    assert version["lost_at"] == version["cleaned_at"] is not None
    refused(client.get(f"/v1/datasets/{name}/rows"), 404)
    assert give(client, name, ROWS).json()["newest"]["version"] == 3
