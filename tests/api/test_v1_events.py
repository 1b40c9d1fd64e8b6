"""Events over HTTP: posted once under their key, and looked at."""

import pytest
from tests.api.conftest import Caller, Served, refused


def test_an_event_is_posted_and_listed(client: Caller, served: Served) -> None:
    payload = {"kind": served.name("order"), "lines": [1, 2.5, None], "api_token": "correct horse"}
    answer = client.post("/v1/events", json=payload)
    assert answer.status_code == 202
    newest = client.get("/v1/events?limit=1").json()["events"][0]
    assert newest["uid"] == answer.json()["uid"]
    assert newest["payload"] == {**payload, "api_token": "***"}


def test_under_one_key_it_is_the_same_event(client: Caller, served: Served) -> None:
    key, payload = {"Idempotency-Key": served.name("key")}, {"kind": "order"}
    first = client.post("/v1/events", json=payload, headers=key).json()
    assert client.post("/v1/events", json=payload, headers=key).json() == first
    refused(client.post("/v1/events", json={"kind": "other"}, headers=key), 409, "Idempotency-Key")


def test_it_begins_the_runs_that_ask_for_it(alone: Served) -> None:
    client, rules = alone.client(), [{"kind": "payload", "pattern": {"kind": ["order"]}}]
    new = {"pipeline": "grind", "name": "on order", "type": "event", "rules": rules}
    trigger = client.post("/v1/triggers", json=new).json()["id"]
    client.post("/v1/events", json={"kind": "order"})
    (run,) = alone.until(lambda: client.get(f"/v1/runs?trigger_id={trigger}").json()["runs"])
    assert client.get(f"/v1/runs/{run['id']}", headers={"Prefer": "wait=30"}).json()["status"] == "completed"


def test_lists_page_by_page(alone: Served) -> None:
    client = alone.client()
    made = [client.post("/v1/events", json={"n": n}).json()["uid"] for n in range(3)]
    newest = client.get("/v1/events?limit=2")
    rest = client.get(newest.links["next"]["url"]).json()
    assert [each["uid"] for each in (*newest.json()["events"], *rest["events"])] == made[::-1]
    assert rest["next"] is None


DEEP = b'{"a":' * 10_000 + b"1" + b"}" * 10_000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"3", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"a": NaN}', 400),
        (b'{"a": 1e400}', 400),
        (b'{"a": 18446744073709551616}', 400),
        (b'{"a": "\\ud800"}', 400),
        (b'{"\\u0000": 1}', 400),
        (b'{"a": 1, "a": 2}', 400),
        (b'{"a": "\xff"}', 400),
        (DEEP, 400),
        (b'{"a": "' + b"x" * 2**20 + b'"}', 422),
        (b'{"a": "' + b"x" * 10_000_000 + b'"}', 413),
    ],
    ids=lambda given: f"{given[:24]!r}" if isinstance(given, bytes) else "",
)
def test_what_is_no_event_is_refused(client: Caller, body: bytes, status: int) -> None:
    refused(client.post("/v1/events", content=body, headers={"Content-Type": "application/json"}), status)


def test_a_key_that_is_none(client: Caller) -> None:
    for key in ("", "k" * 256):
        refused(client.post("/v1/events", json={}, headers={"Idempotency-Key": key}), 422, "Idempotency-Key")
