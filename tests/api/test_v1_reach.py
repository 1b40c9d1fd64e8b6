"""Whoever has roles for the pipelines of some tags sees and does nothing beyond them, whichever route they take."""

import itertools
import json
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.access import LEAST
from tests.api.conftest import SINGLE, WAIT, Caller, Served, refused, serving
from tests.api.sockets import listening_at

from headrace.api import streaming
from headrace.model.access import Grant, Role
from headrace.operations import tokens, triggers, users
from headrace.store.happenings import Happenings

HIDDEN = "hidden_pipeline"  # in everything that is beyond reach
CODE = """
from mage_ai.data_preparation.decorators import custom

@custom
def {block}(*args, **kwargs):
    print("{block} says it")
    return "{block}"
"""


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with two pipelines, each with a tag, a trigger, a backfill and a run of its own."""
    with serving(tmp_path_factory.mktemp("split")) as served:
        for name, tag in (("seen_pipeline", "finance"), (HIDDEN, "sales")):
            _write(served, name, tag)
        yield served


@pytest.fixture(scope="module")
def things(split: Served) -> dict[str, dict[str, Any]]:
    """The ids of what each pipeline has."""
    return {name: _made(split, name) for name in ("seen_pipeline", HIDDEN)}


def _write(served: Served, name: str, tag: str) -> None:
    block = f"{name}_block"
    code = served.folder / "custom" / f"{block}.py"
    code.write_text(textwrap.dedent(CODE.format(block=block)))
    pipeline = served.folder / "pipelines" / name / "metadata.yaml"
    pipeline.parent.mkdir()
    pipeline.write_text(SINGLE.format(name=name, block=block).lstrip("\n") + f"tags: [{tag}]\n")


def _made(served: Served, name: str) -> dict[str, Any]:
    owner = served.client()
    run = owner.post("/v1/runs", json={"pipeline": name, "variables": {"of": name}}, headers=WAIT).json()
    assert run["status"] == "completed", run
    new = {"name": f"{name} trigger", "type": "api", "pipeline": name, "tags": [name]}
    trigger = owner.post("/v1/triggers", json=new).json()
    dates = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-02T00:00:00Z"}
    backfill = owner.post("/v1/backfills", json={"pipeline": name, "name": f"{name} backfill", **dates}).json()
    versions = owner.get(f"/v1/projects/mill/pipelines/{name}/versions").json()["versions"]
    return {
        "run_id": run["id"],
        "trigger_id": trigger["id"],
        "backfill_id": backfill["id"],
        "project": "mill",
        "pipeline": name,
        "block": f"{name}_block",
        "name": "output_0",
        "version": versions[0]["hash"],
        "engine": "nowhere",
        "token_id": 2**62,
        "user_id": 2**62,
    }


_numbers = itertools.count(1)


def caller(served: Served, *grants: Grant, most: Role = Role.OWNER) -> Caller:
    user = users.create(served.app, f"user {next(_numbers)}", None, grants)
    return served.caller(tokens.create(served.app, "theirs", most, user_id=user.id)[1])


@pytest.fixture(scope="module")
def finance(split: Served) -> Caller:
    """Somebody who may do everything to the pipelines of one tag."""
    return caller(split, Grant(Role.OWNER, "finance"))


STREAMED = ("stream", "changes")
ROUTES = [route for route in LEAST if not route.endswith((*STREAMED, "/sessions/current"))]


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_tells_of_what_is_beyond_reach(
    split: Served, things: dict[str, dict[str, Any]], finance: Caller, route: str
) -> None:
    method, path = route.split()
    there, queries = f"/v1{path}".format(**things[HIDDEN]), ("", f"?pipeline={HIDDEN}", f"?tag={HIDDEN}")
    bodies: list[Any] = [None, {}, {"pipeline": HIDDEN}] if method in ("POST", "PATCH", "PUT") else [None]
    for query, body in itertools.product(queries if method == "GET" else queries[:1], bodies):
        answer = finance.request(method, there + query, json=body)
        asked = (there, query, json.dumps(body), HIDDEN + "_block", "pipeline hidden_pipeline")
        told = answer.text
        for each in asked:
            told = told.replace(each, "")
        assert answer.status_code != 500, answer.text
        if answer.status_code < 400:
            assert HIDDEN not in told, (there, query, answer.text)
        elif HIDDEN in told:
            assert answer.status_code in (404, 422), answer.text
    if any(each in path for each in ("run_id", "trigger_id", "backfill_id", "{pipeline}")) and not path.endswith(
        "call"
    ):
        needed = LEAST[route]
        answer = finance.request(method, there, json=None if method == "GET" else {})
        assert answer.status_code in (404, 422), (route, needed, answer.text)


def test_everything_within_reach_is_there(things: dict[str, dict[str, Any]], finance: Caller) -> None:
    for route, least in LEAST.items():
        method, path = route.split()
        if method == "GET" and "engine" not in path and least is Role.VIEWER and not path.endswith(STREAMED):
            if path in ("/triggers/find", "/runs/counts") or path.startswith("/datasets/"):
                continue
            answer = finance.get(f"/v1{path}".format(**things["seen_pipeline"]))
            assert answer.status_code == 200, (route, answer.text)


def test_lists_and_counts_are_of_what_is_within_reach(split: Served, finance: Caller) -> None:
    pipelines = [each["name"] for each in finance.get("/v1/projects/mill/pipelines").json()["pipelines"]]
    assert pipelines == ["seen_pipeline"], "one that cannot be read is nobody's who has tags"
    assert {each["pipeline"] for each in finance.get("/v1/runs").json()["runs"]} == {"seen_pipeline"}
    assert {each["pipeline"] for each in finance.get("/v1/triggers").json()["triggers"]} == {"seen_pipeline"}
    assert {each["pipeline"] for each in finance.get("/v1/backfills").json()["backfills"]} == {"seen_pipeline"}
    mine, everybody = finance.get("/v1/runs/counts").json(), split.client().get("/v1/runs/counts").json()
    assert mine["completed"] < everybody["completed"]
    assert finance.get("/v1/events").json()["events"] == []


def test_what_takes_an_administrator_is_not_opened_by_a_role_for_a_tag(finance: Caller) -> None:
    for path in ("/v1/tokens", "/v1/users", "/v1/secrets", "/v1/audit"):
        assert refused(finance.get(path), 403)["kind"] == "not_allowed"
    refused(finance.post("/v1/projects", json={"path": "/tmp"}), 403)
    refused(finance.post("/v1/events", json={"order": 1}), 403)


def test_a_run_within_reach_is_begun_retried_and_cancelled(split: Served, finance: Caller) -> None:
    run = finance.post("/v1/runs", json={"pipeline": "seen_pipeline"}, headers=WAIT)
    assert run.status_code == 201, run.text
    assert run.json()["status"] == "completed"
    again = finance.post(f"/v1/runs/{run.json()['id']}/retry", json={"whole": True}, headers=WAIT)
    assert again.json()["status"] == "completed", again.text
    refused(finance.post(f"/v1/runs/{run.json()['id']}/cancel"), 409)


def test_a_trigger_within_reach_is_made_run_and_deleted(finance: Caller) -> None:
    made = finance.post("/v1/triggers", json={"name": "mine", "type": "api", "pipeline": "seen_pipeline"})
    assert made.status_code == 201, made.text
    there = f"/v1/triggers/{made.json()['id']}"
    assert finance.post(f"{there}/runs", json={}, headers=WAIT).json()["status"] == "completed"
    assert len(finance.get(f"{there}/token").json()["token"]) == 32
    assert finance.patch(there, json={"description": "x"}).json()["description"] == "x"
    assert finance.delete(there).status_code == 204


def test_no_trigger_listens_to_what_is_beyond_reach(finance: Caller) -> None:
    new: dict[str, Any] = {"name": "ear", "type": "event", "pipeline": "seen_pipeline"}
    for subject in (HIDDEN, f"mill/{HIDDEN}", "nowhere"):
        rules = [{"kind": "pipeline", "subject": subject}]
        refused(finance.post("/v1/triggers", json=new | {"rules": rules}), 404)
    own = finance.post("/v1/triggers", json=new | {"rules": [{"kind": "pipeline", "subject": "mill/seen_pipeline"}]})
    assert refused(own, 422)["kind"] == "bad_trigger", "it is seen; only, nothing listens to itself"
    made = finance.post("/v1/triggers", json=new | {"rules": [{"kind": "payload"}]})
    assert made.status_code == 201, made.text
    there = f"/v1/triggers/{made.json()['id']}"
    refused(finance.patch(there, json={"rules": [{"kind": "pipeline", "subject": HIDDEN}]}), 404)
    assert finance.delete(there).status_code == 204


def test_a_pipeline_of_another_tag_is_not_begun_and_not_named(finance: Caller) -> None:
    for body in ({"pipeline": HIDDEN}, {"pipeline": "nowhere"}, {"pipeline": "grind"}):
        problem = refused(finance.post("/v1/runs", json=body), 404)
        assert problem["detail"].endswith("it has seen_pipeline.")


def test_nobody_takes_what_a_deleted_pipeline_of_another_tag_has_left(split: Served, finance: Caller) -> None:
    owner = split.client()
    new = {"name": "ledger", "type": "python", "tags": ["sales"]}
    assert owner.post("/api/pipelines", json={"pipeline": new}).json()["pipeline"]
    run = owner.post("/v1/runs", json={"pipeline": "ledger"}, headers=WAIT).json()["id"]
    assert owner.delete("/api/pipelines/ledger").json()["pipeline"]
    taken = finance.post("/api/pipelines", json={"pipeline": {**new, "tags": ["finance"]}}).json()
    assert "ledger already exists" in taken["error"]["message"]
    refused(finance.get(f"/v1/runs/{run}"), 404)


def test_who_may_look_at_one_tag_and_change_another(split: Served, things: dict[str, dict[str, Any]]) -> None:
    both = caller(split, Grant(Role.VIEWER, "sales"), Grant(Role.EDITOR, "finance"))
    there = f"/v1/triggers/{things[HIDDEN]['trigger_id']}"
    assert both.get(there).status_code == 200
    refused(both.post(f"{there}/pause"), 403)
    refused(both.get(f"{there}/token"), 404)
    assert both.post(f"/v1/triggers/{things['seen_pipeline']['trigger_id']}/resume").status_code == 200
    refused(both.post("/v1/runs", json={"pipeline": HIDDEN}), 403)


def test_who_sees_everything_may_change_what_a_tag_is_for(split: Served, things: dict[str, dict[str, Any]]) -> None:
    some = caller(split, Grant(Role.VIEWER), Grant(Role.EDITOR, "finance"))
    assert some.get(f"/v1/runs/{things[HIDDEN]['run_id']}").status_code == 200
    assert some.post("/v1/runs", json={"pipeline": "seen_pipeline"}).status_code == 201
    refused(some.post("/v1/runs", json={"pipeline": HIDDEN}), 403)
    refused(some.post(f"/v1/triggers/{things[HIDDEN]['trigger_id']}/pause"), 403)


def test_no_file_says_what_somebody_may_not(split: Served, things: dict[str, dict[str, Any]]) -> None:
    """The store takes over what a project's files say."""
    some = caller(split, Grant(Role.VIEWER), Grant(Role.EDITOR, "finance"))
    written = triggers.adopt(split.app, triggers.find(split.app, str(things[HIDDEN]["trigger_id"])))
    file = split.folder / "pipelines" / HIDDEN / "triggers.yaml"
    before, there = file.read_text(), f"/v1/triggers/{written.id}"
    for answer in (
        lambda: some.post(f"{there}/pause"),
        lambda: some.patch(there, json={"variables": {"day": "another"}}),
        lambda: some.patch(there, json={"name": "another"}),
        lambda: some.delete(there),
    ):
        refused(answer(), 403)
        assert file.read_text() == before
    file.unlink()
    body = {"pipeline_trigger": {"pipeline_schedule_id": written.id}}
    assert "error" in some.post(f"/api/pipelines/{HIDDEN}/pipeline_triggers", json=body).json()
    assert not file.exists()


def test_a_token_may_no_more_than_it_says(split: Served, things: dict[str, dict[str, Any]]) -> None:
    low = caller(split, Grant(Role.EDITOR, "finance"), most=Role.VIEWER)
    assert low.get(f"/v1/runs/{things['seen_pipeline']['run_id']}").status_code == 200
    refused(low.post("/v1/runs", json={"pipeline": "seen_pipeline"}), 403)
    refused(low.get(f"/v1/runs/{things[HIDDEN]['run_id']}"), 404)


def test_streams_tell_of_what_is_within_reach_alone(
    split: Served, things: dict[str, dict[str, Any]], finance: Caller
) -> None:
    token = finance.token or ""
    with listening_at(split) as site:
        for path in (f"/v1/changes?run_id={things[HIDDEN]['run_id']}", f"/v1/runs/{things[HIDDEN]['run_id']}/stream"):
            refused(finance.get(path), 404)
        with (
            site.listen("/v1/changes", token=token) as live,
            site.listen("/v1/changes?after=0", token=token) as earlier,
        ):
            split.run(HIDDEN)
            split.run("grind")
            seen = split.run("seen_pipeline")
            told = [*live.until("run.end", seen["id"]), *earlier.until("run.end", seen["id"])]
    assert {each["pipeline"] for each in told} == {"seen_pipeline"}
    assert len({each["run_id"] for each in told}) > 1, "the earlier ones too"


def test_a_mark_is_looked_at_without_reading_every_event(
    split: Served, things: dict[str, dict[str, Any]], finance: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last event of all is at the end of an index; the last one within reach is not."""
    asked, real = list[Happenings](), Happenings.last

    def last(self: Happenings) -> int:
        asked.append(self)
        return real(self)

    monkeypatch.setattr(Happenings, "last", last)
    with listening_at(split) as site:
        for path in ("changes", f"runs/{things['seen_pipeline']['run_id']}/stream"):
            with site.listen(f"/v1/{path}?after=999999999999", token=finance.token):
                pass
    assert len(asked) >= 2
    assert {each is split.app.store.happenings for each in asked} == {True}


def test_a_stream_of_everything_ends_when_its_caller_sees_less(split: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHECK", 0.05)
    user = users.create(split.app, "all of it", None, [Grant(Role.VIEWER)]).id
    _, token = tokens.create(split.app, "all of it", Role.VIEWER, user_id=user)
    with listening_at(split) as site, site.listen("/v1/changes", token=token) as stream:
        users.change(split.app, user, {"grants": [Grant(Role.VIEWER, "finance")]})
        assert list(stream) is not None


def test_a_stream_ends_when_its_run_is_beyond_reach(
    split: Served, things: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHECK", 0.05)
    user = users.create(split.app, "reader", None, [Grant(Role.VIEWER, "finance")]).id
    _, token = tokens.create(split.app, "reading", Role.VIEWER, user_id=user)
    with listening_at(split) as site:
        for path in ("changes?run_id={}", "runs/{}/stream"):
            users.change(split.app, user, {"grants": [Grant(Role.VIEWER, "finance")]})
            there = f"/v1/{path.format(things['seen_pipeline']['run_id'])}"
            with site.listen(there, token=token) as stream:
                users.change(split.app, user, {"grants": [Grant(Role.VIEWER, "other")]})
                assert list(stream) is not None
