"""A server that is reached through a proxy, and by too many at once."""

import ipaddress
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.api.conftest import PROBLEM, Caller, Served, refused, serving
from tests.api.sockets import Site, listening_at

from headrace.api import listening
from headrace.api.bounds import Connections
from headrace.api.listening import Listening
from headrace.api.v1 import problems
from headrace.model.access import Grant, Role
from headrace.model.failures import MOST
from headrace.operations import users

PASSWORD = "correct horse battery"
HERE = "127.0.0.1"  # from where a client of these tests comes


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server behind a proxy of this machine, where one may follow one stream."""
    trusted = (ipaddress.ip_network(HERE),)
    with serving(tmp_path_factory.mktemp("behind"), trusted_proxies=trusted, streams=1) as made:
        yield made


def login(caller: Caller, name: str, password: str, came_from: str, **headers: str) -> httpx.Response:
    body: dict[str, Any] = {"name": name, "password": password, "cookie": "Origin" in headers}
    return caller.post("/v1/sessions", json=body, headers={"X-Forwarded-For": came_from, **headers})


def test_logins_are_limited_where_they_come_from(behind: Served) -> None:
    """Each address that fails too often waits, and nobody else behind the same proxy."""
    name = behind.name("user")
    users.create(behind.app, name, PASSWORD, [Grant(Role.VIEWER)])
    stranger = behind.client(None)
    for number in range(MOST):
        refused(login(stranger, f"nobody {number}", "wrong", f"10.0.0.{number}, 203.0.113.7"), 401)
    refused(login(stranger, name, PASSWORD, "10.0.0.99, 203.0.113.7"), 429)
    assert login(stranger, name, PASSWORD, "203.0.113.8").status_code == 201
    behind.app.store.auditor.close()
    told = behind.client().get("/v1/audit", params={"deed": "sessions.login"}).json()["audit"]
    assert [each["address"] for each in told] == ["203.0.113.8"]


def test_nobody_is_believed_where_no_proxy_is_trusted(served: Served) -> None:
    served.app.failures.__init__()
    stranger = served.client(None)
    for number in range(MOST):
        refused(login(stranger, f"nobody {number}", "wrong", f"203.0.113.{number}"), 401)
    refused(login(stranger, "another", "wrong", "203.0.113.99"), 429)
    served.app.failures.__init__()


def test_a_cookie_is_for_https_alone_where_the_browser_came_by_it(behind: Served) -> None:
    name = behind.name("user")
    users.create(behind.app, name, PASSWORD, [Grant(Role.VIEWER)])
    stranger, by_tls = behind.client(None), {"X-Forwarded-Proto": "https", "Host": "localhost"}
    answer = login(stranger, name, PASSWORD, "203.0.113.9", Origin="https://localhost", **by_tls)
    assert answer.status_code == 201, answer.text
    assert "Secure" in answer.headers["set-cookie"]
    refused(login(stranger, name, PASSWORD, "203.0.113.9", Origin="http://localhost", **by_tls), 403)
    plain = login(stranger, name, PASSWORD, "203.0.113.9", Origin="http://localhost", Host="localhost")
    assert "Secure" not in plain.headers["set-cookie"]
    behind.wire.client.cookies.clear()


def test_one_caller_follows_so_many_streams(behind: Served) -> None:
    with listening_at(behind) as site, site.listen("/v1/changes"):
        another = behind.token(Role.VIEWER)[1]
        for path in ("/v1/changes", f"/v1/runs/{behind.run()['id']}/stream"):
            problem = refused(_asked(site, path), 429)
            assert problem["kind"] == "too_many_streams"
        with site.listen("/v1/changes", token=another) as stream:
            run = behind.run()
            assert stream.until("run.end", run["id"])


def test_connections_beyond_what_there_may_be_are_told_so(served: Served) -> None:
    with listening.bind(HERE, 0) as bound:
        bounded = Connections(served.application, 1, lambda: at.connections, problems.refusal)
        at = Listening(bounded, bound, lambda: None)
        at.start()
        url = f"{listening.url(bound)}/v1/health"
        with httpx.Client() as first, httpx.Client() as second:
            assert first.get(url).status_code == 200
            told = second.get(url)
            assert (told.status_code, told.headers["connection"]) == (503, "close")
            assert refused(told, 503)["kind"] == "too_many_connections"
            assert first.get(url).status_code == 200
        at.close()


def test_another_name_is_refused_as_everything_is(served: Served) -> None:
    answer = served.client().get("/v1/runs", headers={"Host": "evil.example"})
    assert refused(answer, 421)["kind"] == "host_unknown"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "evil" not in answer.text


def _asked(site: Site, path: str) -> httpx.Response:
    answer = httpx.get(site.url + path, headers={"Authorization": f"Bearer {site.token}"})
    assert answer.headers["content-type"] == PROBLEM
    return answer
