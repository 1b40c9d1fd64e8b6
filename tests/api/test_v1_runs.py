"""Runs over HTTP: begun once under their key, listed by what they are to be, looked at, cancelled, run again."""

import base64
import json
import time
from typing import Any

import pytest
from tests.api.conftest import WAIT, Caller, Served, refused

from headrace import clock

WRONG: dict[str, list[Any]] = {
    "pipeline": [None, 3, "", "a\x00"],
    "project": [3, ""],
    "variables": [None, 3, [], "x"],
    "from": [3, []],
    "only": [None, "load", [3]],
    "timeout": [0, -1, "5", 1e10, True],
    "start": ["load"],
    "nothing": [1],
}
FILTERS = {
    "project": ["", "%00"],
    "pipeline": ["", "%00"],
    "trigger_id": ["0", "x", "1.5", str(2**63)],
    "backfill_id": ["0", "x", str(2**63)],
    "status": ["gone", ""],
    "created_from": ["", "soon", "3", "0001-01-01T00:00:00%2B14:00"],
    "execution_date_to": ["2026-02-30"],
    "variable": ["day", "day:", "day:{", "day:NaN", "day:" + "[" * 100 + "]" * 100],
    "passed_sla": ["maybe"],
    "blocks": ["2"],
    "limit": ["0", "1001", "x", str(2**70)],
    "cursor": ["x", "", "%00", "n" * 300],
    "nothing": ["1"],
}


@pytest.fixture(scope="module")
def run(served: Served) -> dict[str, Any]:
    return served.run(day="friday", api_password="correct horse")


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["runs"]]


def test_a_run_is_begun_and_looked_at(client: Caller, run: dict[str, Any]) -> None:
    shown = client.get(f"/v1/runs/{run['id']}").json()
    assert (run["status"], shown["status"]) == ("completed", "completed")
    assert shown["variables"] == {"day": "friday", "api_password": "***"}
    assert [block["block"] for block in shown["blocks"]] == ["load", "sieve"]
    assert shown["blocks"][1] == client.get(f"/v1/runs/{run['id']}/blocks/sieve").json()
    assert shown["blocks"][0]["attempts"][0]["outputs"][0]["name"] == "output_0"
    assert client.get(f"/v1/runs/{run['id']}/why").json()["reasons"]


@pytest.mark.parametrize("at", ["", "/why", "/events", "/logs", "/blocks/load", "/blocks/load/outputs"])
def test_a_run_is_found_by_its_uid_too(client: Caller, run: dict[str, Any], at: str) -> None:
    found = client.get(f"/v1/runs/{run['id']}{at}").json()
    for uid in (run["uid"], run["uid"].upper()):
        assert client.get(f"/v1/runs/{uid}{at}").json() == found
    refused(client.get(f"/v1/runs/3c90c3cc-0d44-4b50-8888-8dd25736052a{at}"), 404)
    refused(client.get(f"/v1/runs/{run['uid'][:-1]}{at}"), 404)
    for number in (0, 2**63):
        refused(client.get(f"/v1/runs/{number}{at}"), 422, "run_id")


def test_what_is_done_to_a_run_by_its_uid_is_audited_by_its_number(served: Served, run: dict[str, Any]) -> None:
    client = served.client()
    refused(client.post(f"/v1/runs/{run['uid']}/cancel"), 409)

    def noted() -> bool:
        deeds = client.get("/v1/audit", params={"limit": 100}).json()["audit"]
        return ("runs.cancel", run["id"]) in [(each["deed"], each["run_id"]) for each in deeds]

    served.until(noted)


def test_it_is_sent_again_only_when_it_has_changed(client: Caller, run: dict[str, Any]) -> None:
    first = client.get(f"/v1/runs/{run['id']}")
    mark = first.headers["etag"]
    for asked in (mark, f'"x", {mark}', f"W/{mark}", "*"):
        again = client.get(f"/v1/runs/{run['id']}", headers={"If-None-Match": asked})
        assert (again.status_code, again.content) == (304, b""), asked
    assert client.get(f"/v1/runs/{run['id']}", headers={"If-None-Match": '"x"'}).json() == first.json()


def test_under_one_key_it_is_the_same_run(client: Caller, served: Served) -> None:
    key = {"Idempotency-Key": served.name("key")}
    first = client.post("/v1/runs", json={"pipeline": "grind"}, headers=key)
    again = client.post("/v1/runs", json={"pipeline": "grind"}, headers={**key, **WAIT})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert first.headers["location"] == f"/v1/runs/{first.json()['id']}"
    refused(client.post("/v1/runs", json={"pipeline": "grind", "only": ["load"]}, headers=key), 409, "Idempotency-Key")


def test_a_key_is_answered_with_its_run_whatever_has_become_of_the_pipeline(alone: Served) -> None:
    client, app = alone.client(), alone.app
    asked, key = {"pipeline": "grind", "variables": {"day": "monday"}}, {"Idempotency-Key": "k"}
    first = client.post("/v1/runs", json=asked, headers={**key, **WAIT}).json()["id"]
    pipeline = app.store.projects.pipeline(alone.folder, "grind")
    assert pipeline

    def answered() -> int:
        again = client.post("/v1/runs", json=asked, headers=key)
        assert (again.status_code, again.json()["id"]) == (200, first)
        refused(client.post("/v1/runs", json={"pipeline": "grind"}, headers=key), 409, "Idempotency-Key")
        return client.post("/v1/runs", json=asked, headers={"Idempotency-Key": "another"}).status_code

    (alone.folder / "transformers" / "sieve.py").write_text("# of another version\n")
    app.store.pipelines.pause(pipeline, clock.now())
    assert answered() == 409
    (alone.folder / "pipelines" / "grind" / "metadata.yaml").unlink()
    assert answered() == 404


def test_what_cannot_be_run_is_refused_by_its_field(client: Caller) -> None:
    before = client.get("/v1/runs/counts").json()
    for field, values in WRONG.items():
        for value in values:
            answer = client.post("/v1/runs", json={"pipeline": "grind", field: value})
            problem = refused(answer, 400 if value == "a\x00" else 422)
            assert problem["errors"][0]["field"].startswith(field), (field, value, problem)
    refused(client.post("/v1/runs", json={"pipeline": "nowhere"}), 404, "pipeline")
    refused(client.post("/v1/runs", json={"pipeline": "broken"}), 422, "pipeline")
    refused(client.post("/v1/runs", json={"pipeline": "grind", "project": "nowhere"}), 404, "project")
    refused(client.post("/v1/runs", json={"pipeline": "grind", "from": "nowhere"}), 404, "from")
    refused(client.post("/v1/runs", json={"pipeline": "grind", "only": ["load", "nowhere"]}), 404, "only")
    refused(client.post("/v1/runs", json={"pipeline": "grind", "from": "load", "only": ["load"]}), 422, "only")
    assert client.get("/v1/runs/counts").json() == before


@pytest.mark.parametrize(
    ("variables", "status", "field"),
    [
        (b'"' + b"x" * 10_000_000 + b'"', 413, None),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400, "a value"),
        (b'{"a": NaN}', 400, "variables.a"),
        (b'{"a": "\\udc00"}', 400, "variables.a"),
        (b'{"a": ["\\u0000"]}', 400, "variables.a[0]"),
        (b'{"a": 1, "a": 1}', 400, "variables.a"),
    ],
    ids=["ten megabytes", "deep", "NaN", "surrogate", "NUL", "twice"],
)
def test_variables_that_nobody_can_keep(client: Caller, variables: bytes, status: int, field: str | None) -> None:
    body = b'{"pipeline": "grind", "variables": ' + variables + b"}"
    refused(client.post("/v1/runs", content=body, headers={"Content-Type": "application/json"}), status, field)


NAMES = b",".join(b'"k%d": 1' % number for number in range(100_000))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 65 + b'\\"' * 1_000_000, 400),
        (b"{" + NAMES + b', "z": 1, "z": 1}', 400),
        (b'{"\\u0041' + b"n" * 1_000_000 + b'": [' + b"0," * 500_000 + b"0]}", 422),
        (b"{" + NAMES + b"}", 422),
    ],
    ids=["quotes without an end", "twice among many", "far below a long name", "many fields"],
)
def test_no_body_takes_long_to_be_refused(client: Caller, body: bytes, status: int) -> None:
    """Each took minutes, or a hundred times its bytes, when it was read in a way that grows with its square."""
    began = time.process_time()
    answer = client.post("/v1/sessions", content=body)
    assert time.process_time() - began < 10
    refused(answer, status)
    assert len(answer.content) < 10_000


def test_a_body_is_json_whatever_its_header_says(client: Caller) -> None:
    for said in ({}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "text/plain"}):
        assert client.post("/v1/runs", content=b'{"pipeline": "grind"}', headers=said).status_code == 201
        refused(client.post("/v1/runs", content=b"pipeline=grind", headers=said), 400)


def test_cancelled_and_run_again(client: Caller, tmp_path: Any) -> None:
    new = {"pipeline": "turn", "variables": {"until": str(tmp_path / "until")}}
    number = client.post("/v1/runs", json=new).json()["id"]
    cancelled = client.post(f"/v1/runs/{number}/cancel", headers=WAIT)
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    refused(client.post(f"/v1/runs/{number}/cancel"), 409)
    (tmp_path / "until").touch()
    again = client.post(f"/v1/runs/{number}/retry", headers=WAIT)
    assert (again.status_code, again.json()["status"]) == (202, "completed")
    for body in ({"from": 3}, {"whole": "yes"}, {"from": "turn", "whole": True}, {"nothing": 1}):
        refused(client.post(f"/v1/runs/{number}/retry", json=body), 422)


def test_events_page_by_page(client: Caller, run: dict[str, Any]) -> None:
    whole = client.get(f"/v1/runs/{run['id']}").json()["events"]
    found, url = [], f"/v1/runs/{run['id']}/events?limit=3"
    while url:
        answer = client.get(url)
        found += answer.json()["events"]
        url = answer.links["next"]["url"] if answer.json()["next"] else ""
    assert found == whole
    refused(client.get(f"/v1/runs/{run['id']}/events?cursor=x"), 422, "cursor")


def test_a_run_that_is_not_there(client: Caller) -> None:
    for path in ("", "/why", "/events", "/blocks/load"):
        assert refused(client.get(f"/v1/runs/{2**62}{path}"), 404)["kind"] == "run_not_found"
    for path in ("x", "-1", "1.5", "9" * 30, "9" * 10_000):
        refused(client.get(f"/v1/runs/{path}"), 404)
    for number in (0, 2**63):
        refused(client.get(f"/v1/runs/{number}"), 422, "run_id")


def test_lists_by_what_runs_are(client: Caller, served: Served, run: dict[str, Any]) -> None:
    failed = served.run("crack")
    assert ids(client.get("/v1/runs?limit=1")) == [failed["id"]]
    assert failed["id"] in ids(client.get("/v1/runs?status=failed&status=cancelled&pipeline=crack&project=mill"))
    assert run["id"] not in ids(client.get("/v1/runs?status=failed&limit=1000"))
    by_variable = client.get("/v1/runs", params={"variable": 'day:"friday"', "limit": 1000})
    assert run["id"] in ids(by_variable)
    assert failed["id"] not in ids(by_variable)
    assert failed["id"] not in ids(client.get("/v1/runs?tag=corn&limit=1000"))
    span = {"created_from": run["created_at"], "created_to": failed["created_at"], "limit": 1000}
    assert run["id"] in ids(client.get("/v1/runs", params=span))
    assert failed["id"] not in ids(client.get("/v1/runs", params=span))
    assert ids(client.get("/v1/runs?project=nowhere")) == []
    assert ids(client.get("/v1/runs?passed_sla=true")) == []


def test_with_block_runs_only_when_they_are_asked_for(client: Caller, run: dict[str, Any]) -> None:
    query = "/v1/runs?oldest_first=true&limit=1000"
    assert {json.dumps(each["blocks"]) for each in client.get(query).json()["runs"]} == {"null"}
    found = {each["id"]: each for each in client.get(f"{query}&blocks=true").json()["runs"]}
    assert [each["status"] for each in found[run["id"]]["blocks"]] == ["completed", "completed"]


def test_lists_page_by_page(client: Caller, served: Served) -> None:
    made = [served.run(batch="paged")["id"] for _ in range(3)]
    url, found = '/v1/runs?variable=batch:"paged"&limit=2', list[int]()
    while url:
        answer = client.get(url)
        found += ids(answer)
        url = answer.links["next"]["url"] if answer.json()["next"] else ""
    assert found == made[::-1]
    cursor = client.get("/v1/runs?limit=1").json()["next"]
    assert refused(client.get(f"/v1/runs?status=failed&cursor={cursor}"), 422, "cursor")["kind"] == "bad_cursor"
    digest = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).partition(b":")[2]
    for forged in (b"0" * 20 + b"9" * 30, str(2**63).encode(), b"-1", b""):
        made = base64.urlsafe_b64encode(forged + b":" + digest).decode().rstrip("=")
        refused(client.get(f"/v1/runs?cursor={made}"), 422, "cursor")


def test_filters_that_mean_nothing_are_refused_by_name(client: Caller) -> None:
    for field, values in FILTERS.items():
        for value in values:
            refused(client.get(f"/v1/runs?{field}={value}"), 422, field)
    for moment in ("created", "started", "ended", "execution_date"):
        span = f"{moment}_from=2026-01-02&{moment}_to=2026-01-01"
        refused(client.get(f"/v1/runs?{span}"), 422, f"{moment}_to")


def test_what_is_masked_is_not_found_out_by_guesses(client: Caller, run: dict[str, Any]) -> None:
    right = client.get('/v1/runs?variable=api_password:"correct horse"')
    problem = refused(right, 422, "variable.api_password")
    wrong = client.get('/v1/runs?variable=api_password:"battery staple"')
    assert refused(wrong, 422) == problem
    assert ids(client.get('/v1/runs?variable=day:"friday"'))


def test_counts_are_those_of_the_list(client: Caller, run: dict[str, Any]) -> None:
    for asked in ("", "project=mill", "pipeline=grind"):
        counts = client.get(f"/v1/runs/counts?{asked}").json()
        for status, count in counts.items():
            assert len(ids(client.get(f"/v1/runs?{asked}&status={status}&limit=1000"))) == count
    assert set(client.get("/v1/runs/counts?pipeline=nowhere").json().values()) == {0}
    refused(client.get("/v1/runs/counts?nothing=1"), 422, "nothing")


def test_methods_that_are_none(client: Caller) -> None:
    answer = client.request("PUT", "/v1/triggers/1")
    refused(answer, 405)
    assert answer.headers["allow"] == "DELETE, GET, PATCH"
    refused(client.get("/v1/nowhere"), 404)
    refused(client.get("/v1/run%0As"), 404)
