"""What holds for every resource of the Mage dialect: who is let in, how errors are told, envelopes, addresses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from tests.api.conftest import PROBLEM, URL, Caller, Served, Wire, mill

from headrace import clock, errors
from headrace.api import server
from headrace.api.entrance import Entrance
from headrace.api.feed import Feed
from headrace.api.mage import dates, entrance, envelopes
from headrace.api.mage.entrance import KEY
from headrace.api.mage.queries import Query
from headrace.app import App
from headrace.model.access import Role
from headrace.operations import projects, tokens
from headrace.settings import Settings, load

TRUE = "_http_error_codes=1"


@pytest.fixture
def nobody(served: Served) -> Caller:
    return served.client(None)


def error(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json"
    return answer.json()["error"]


def test_without_key_and_token_nobody_is_let_in(nobody: Caller) -> None:
    answer = nobody.get("/api/pipeline_runs")
    assert answer.status_code == 401
    assert answer.json() == {
        "error": {"code": 401, "message": "Invalid API key.", "type": "invalid_api_key"},
        "status": 200,
    }


@pytest.mark.parametrize("shown", [{"params": {"api_key": KEY}}, {"headers": {"X-API-KEY": KEY}}])
def test_the_key_alone_is_told_that_more_is_needed(nobody: Caller, shown: dict[str, Any]) -> None:
    answer = nobody.get("/api/pipeline_runs/1", **shown)
    assert answer.status_code == 200
    assert error(answer)["message"] == "Private access for detail only, invalid scope."
    assert error(answer)["type"] == "unauthorized_access"


def test_the_key_may_be_in_the_body(nobody: Caller) -> None:
    body: dict[str, Any] = {"pipeline_run": {}, "api_key": KEY}
    assert error(nobody.post("/api/pipeline_runs", json=body))["code"] == 403
    assert error(nobody.post("/api/pipeline_runs", json={**body, "api_key": "wrong"}))["code"] == 401


@pytest.mark.parametrize("how", ["bearer", "among others", "oauth-token", "jwt", "jwt in a cookie"])
def test_a_token_is_taken_in_each_way_it_is_shown(served: Served, nobody: Caller, how: str) -> None:
    said = served.said[Role.VIEWER]
    wrapped = entrance.wrapped(served.app, said, clock.now().timestamp() + 60)
    shown = {
        "bearer": {"Authorization": f"Bearer {said}"},
        "among others": {"Authorization": f"Basic eA==, Bearer {said}"},
        "oauth-token": {"OAUTH-TOKEN": said},
        "jwt": {"Authorization": f"Bearer {wrapped}"},
        "jwt in a cookie": {"Cookie": f"oauth_token={wrapped}"},
    }
    assert "pipeline_runs" in nobody.get("/api/pipeline_runs", headers=shown[how]).json()


def test_what_a_cookie_shows_changes_nothing_for_another_page(served: Served, nobody: Caller) -> None:
    wrapped = entrance.wrapped(served.app, served.said[Role.OWNER], clock.now().timestamp() + 60)
    headers = {"Cookie": f"oauth_token={wrapped}", "Origin": "https://elsewhere.example"}
    answer = nobody.put("/api/pipeline_runs/1", json={"pipeline_run": {"status": "cancelled"}}, headers=headers)
    assert error(answer)["type"] == "unauthorized_access"


def test_a_jwt_of_another_home_is_none(served: Served, nobody: Caller, tmp_path: Path) -> None:
    with App(Settings(home=tmp_path / "other")) as other:
        foreign = entrance.wrapped(other, served.said[Role.OWNER], clock.now().timestamp() + 60)
    answer = nobody.get("/api/pipeline_runs", headers={"OAUTH-TOKEN": foreign})
    assert answer.status_code == 401
    assert error(answer)["type"] == "invalid_oauth_token"


def test_what_signs_is_the_homes_own_and_its_owners_alone(served: Served) -> None:
    entrance.wrapped(served.app, "a token", 0.0)
    file = served.app.settings.home / entrance.FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text()) >= 32


def test_a_token_that_let_somebody_in_once_has_expired(served: Served) -> None:
    revoked, said = served.token(Role.OWNER)
    tokens.revoke(served.app, revoked)
    assert error(served.caller(said).get("/api/pipeline_runs"))["type"] == "expired_oauth_token"
    guess = served.caller("x" * 43).get("/api/pipeline_runs")
    assert guess.status_code == 401
    assert error(guess)["type"] == "invalid_oauth_token"


def test_a_resource_that_nobody_knows(client: Caller, nobody: Caller) -> None:
    answer = client.get("/api/nope/1/more")
    assert answer.status_code == 200
    assert error(answer)["code"] == 500
    assert answer.json()["url_parameters"] == {"resource": "nope", "pk": "1", "child": "more"}
    assert set(error(answer)) == {"code", "errors", "exception", "message"}
    assert nobody.get("/api/nope").status_code == 401
    assert client.get(f"/api/nope?{TRUE}").status_code == 404


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/pipelines/..%2F..%2Fetc%2Fpasswd", "Error: Invalid path (path traversal detected)"),
        (
            "/api/pipeline_runs?pipeline_uuid=../x",
            "Error: Invalid parameter value for 'pipeline_uuid' (path traversal detected)",
        ),
    ],
)
def test_what_climbs_out_of_a_folder(client: Caller, path: str, said: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.text) == (400, said)
    assert answer.headers["content-type"].startswith("text/plain")


def test_methods_that_a_path_has_not(client: Caller) -> None:
    for method in ("PATCH", "HEAD"):
        answer = client.request(method, "/api/pipeline_runs/1")
        assert (answer.status_code, answer.content) == (405, b"")
    assert client.get("/api/pipeline_schedules/1/pipeline_runs/1").status_code == 405


def test_pages_of_other_origins_may_call(nobody: Caller, client: Caller) -> None:
    asked = nobody.request("OPTIONS", "/api/pipeline_runs")
    assert (asked.status_code, asked.content) == (204, b"")
    for answer in (asked, client.get("/api/pipeline_runs"), nobody.get("/api/pipeline_runs")):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "DELETE" in answer.headers["access-control-allow-methods"]


def test_what_is_as_it_was_is_not_sent_again(client: Caller) -> None:
    path = "/api/pipeline_runs?_limit=0"
    mark = client.get(path).headers["etag"]
    again = client.get(path, headers={"If-None-Match": mark})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", mark)


def test_the_status_is_true_where_that_is_asked_for(client: Caller) -> None:
    plain, true = client.get("/api/pipeline_runs/99999"), client.get(f"/api/pipeline_runs/99999?{TRUE}")
    assert (plain.status_code, plain.json()["status"]) == (200, 200)
    assert (true.status_code, true.json()["status"]) == (404, 404)
    assert plain.json()["error"] == true.json()["error"]


@pytest.fixture(scope="module")
def truthful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """The owner's caller of a server with true statuses."""
    tmp_path = tmp_path_factory.mktemp("truthful")
    with App(Settings(home=tmp_path / "home", mage_http_error_codes=True)) as app:
        projects.register(app, mill(tmp_path / "mill"))
        feed = Feed()
        said = tokens.create(app, "owner", Role.OWNER)[1]
        transport = httpx.ASGITransport(server.build(app, feed, Entrance(app), "127.0.0.1"), raise_app_exceptions=False)
        with start_blocking_portal() as portal:
            yield Caller(Wire(portal, httpx.AsyncClient(transport=transport, base_url=URL)), said)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/pipeline_runs/99999", None, 404),
        ("GET", "/pipeline_runs/none", None, 404),
        ("GET", "/pipeline_runs/99999999999999999999999", None, 404),
        ("GET", "/pipeline_runs?_limit=ten", None, 400),
        ("GET", "/pipeline_runs?_limit=-1", None, 400),
        ("GET", "/pipeline_runs?_offset=99999999999999999999", None, 400),
        ("GET", "/pipeline_runs?start_timestamp=never", None, 400),
        ("GET", "/pipeline_runs?order_by[]=color", None, 400),
        ("PUT", "/pipeline_runs/1", b"{", 400),
        ("PUT", "/pipeline_runs/1", b"[]", 404),
        ("POST", "/pipeline_runs", b"", 400),
        ("POST", "/pipeline_schedules/99999/pipeline_runs/deadbeef", b"{}", 401),
        ("POST", "/pipeline_schedules/none/pipeline_runs/deadbeef", b"{}", 401),
        ("POST", "/pipeline_schedules/1/pipeline_runs/deadbeef", b"[]", 400),
        ("GET", "/nope", None, 404),
    ],
)
def test_what_is_wrong_is_told_in_an_envelope_with_its_status(
    truthful: Caller, method: str, path: str, body: bytes | None, status: int
) -> None:
    answer = truthful.request(method, f"/api{path}", content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert "Traceback" not in answer.text
    assert PROBLEM not in answer.headers["content-type"]
    assert error(answer)["message"]


def test_the_setting_is_read_from_the_environment(tmp_path: Path) -> None:
    home, name = {"HEADRACE_HOME": str(tmp_path)}, "HEADRACE_MAGE_HTTP_ERROR_CODES"
    assert [load({**home, name: said}).mage_http_error_codes for said in ("1", "true", "0", "")] == [
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(errors.BadSetting):
        load({**home, name: "maybe"})


def test_only_owners_ask_and_write_what_is_not_listed(served: Served) -> None:
    editor, owner = served.client(Role.EDITOR), served.client(Role.OWNER)
    assert "pipeline_runs" in owner.get("/api/pipeline_runs?color=red").json()
    asked = error(editor.get("/api/pipeline_runs?color=red"))
    assert asked["message"] == (
        "Query parameter color of value 'red' is not permitted on list operation for pipeline_runs."
    )
    run = served.run()["id"]
    written = error(editor.put(f"/api/pipeline_runs/{run}", json={"pipeline_run": {"color": "red"}}))
    assert (written["code"], written["type"]) == (403, "unauthorized_access")
    assert "pipeline_run" in owner.put(f"/api/pipeline_runs/{run}", json={"pipeline_run": {"color": "red"}}).json()


def test_a_project_is_in_the_address_or_it_is_the_first(client: Caller) -> None:
    here, there = client.get("/api/statuses").json(), client.get("/projects/mill/api/statuses").json()
    assert here["statuses"][0]["repo_path"] == there["statuses"][0]["repo_path"]
    assert client.get(f"/projects/none/api/statuses?{TRUE}").status_code == 404


def test_the_dialect_is_described(client: Caller) -> None:
    document = client.get("/api/openapi.json").json()
    show = document["paths"]["/pipeline_runs/{run_id}"]["get"]
    assert show["x-role"] == "viewer"
    assert document["paths"]["/statuses"]["get"]["security"] == []


@pytest.mark.parametrize("text", ["plain", "é"])
def test_json_is_ascii_with_a_space_after_each_comma_and_colon(text: str) -> None:
    written = envelopes.written({"status": text, "of": [1, {"n": None}], "none": []}).body
    assert bytes(written) == json.dumps({"status": text, "of": [1, {"n": None}], "none": []}).encode()


def test_json_is_ascii_and_finite() -> None:
    written = envelopes.written({"é": [float("nan"), float("inf"), 1.5], "path": Path("x")}).body
    assert bytes(written).isascii()
    assert json.loads(bytes(written)) == {"é": [None, None, 1.5], "path": "x"}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-01-02", "2026-01-02 00:00:00+00:00"),
        ("2026-01-02T03:04:05Z", "2026-01-02 03:04:05+00:00"),
        ("2026-01-02 03:04:05 +02:00", "2026-01-02 01:04:05+00:00"),
        ("2026-01-02 03:04:05.600000", "2026-01-02 03:04:05.600000+00:00"),
        ("Fri, 02 Jan 2026 03:04:05 GMT", "2026-01-02 03:04:05+00:00"),
    ],
)
def test_dates_are_read_as_they_are_written_anywhere(said: str, meant: str) -> None:
    assert dates.spaced(dates.read(said)) == meant
    assert dates.with_t(dates.read(said)) == meant.replace(" ", "T")


@pytest.mark.parametrize("said", ["", "soon", "2026-13-01", "9" * 400, "0001-01-01T00:00:00+14:00"])
def test_what_is_no_date(said: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        dates.read(said)


def test_a_query_is_read_as_mage_reads_it() -> None:
    query = Query([("status[]", "a,b"), ("status[]", "c"), ("one", "x"), ("one", "y"), ("off", "false"), ("on", "1")])
    assert query.several("status") == ["a", "b", "c"]
    assert query.either("one") == ["x"]
    assert (query.flag("off"), query.flag("on"), query.flag("neither")) == (False, True, False)
    assert (query.limit(), query.offset, query.has_limit) == (40, 0, False)
    assert query.unlisted(["one", "on"]) == ("status[]", "a,b")
    with pytest.raises(errors.BadField):
        Query([("n", "1.5")]).number("n")
