"""What becomes of a request when the server refuses it, is away, or is not heard."""

import math
from pathlib import Path
from typing import Any

import pytest
from tests.api.sockets import Site
from tests.client.losing import Proxy

from headrace import Client, errors


def test_a_problem_is_the_error_that_the_server_had(client: Client) -> None:
    with pytest.raises(errors.RunNotFound, match="There is no run 9999"):
        client.runs.get(9999)
    with pytest.raises(errors.ProjectUnknown, match="there are mill"):
        client.runs.create("grind", "elsewhere")
    with pytest.raises(errors.PipelineNotFound):
        client.runs.create("no such")
    with pytest.raises(errors.BlockNotFound):
        client.runs.create("grind", start="no such")


def test_what_has_no_error_of_its_own_names_the_field(client: Client) -> None:
    with pytest.raises(errors.ServerRefused, match=r"422, bad_request: .*timeout") as refused:
        client.runs.create("grind", timeout=-1)
    assert refused.value.facts["status"] == 422
    assert isinstance(refused.value, errors.ServerProblem)


@pytest.mark.parametrize(
    "odd", [math.nan, math.inf, "half \ud800", object()], ids=["nan", "inf", "surrogate", "object"]
)
def test_what_json_has_not_is_not_sent(behind: Client, proxy: Proxy, odd: Any) -> None:
    with pytest.raises(errors.BadBody):
        behind.runs.create("grind", variables={"odd": odd})
    assert proxy.connections == 0


@pytest.mark.parametrize("token", ["not one of yours", None])
def test_a_wrong_token(site: Site, token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_TOKEN", raising=False)
    with Client(site.url, token) as stranger, pytest.raises(errors.NotAuthenticated):
        stranger.runs.page()


def test_an_answer_that_is_lost_costs_no_second_run(client: Client, behind: Client, proxy: Proxy) -> None:
    before = sum(client.runs.counts(pipeline="grind").values())
    behind.version()
    proxy.losing = 2
    run, is_new = behind.runs.begin("grind", wait=30)
    assert (proxy.lost, is_new) == (2, False)
    assert sum(client.runs.counts(pipeline="grind").values()) == before + 1
    assert client.runs.get(run.id).id == run.id


def test_an_answer_that_is_lost_costs_no_second_event(client: Client, behind: Client, proxy: Proxy) -> None:
    proxy.losing = 1
    uid = behind.events.post({"lost": "once"})
    posted = [each for each in client.events.list() if each.payload == {"lost": "once"}]
    assert [each.uid for each in posted] == [uid]


def test_what_is_not_safe_to_do_twice_is_not_done_twice(behind: Client, proxy: Proxy, tmp_path: Path) -> None:
    run = behind.runs.create("turn", variables={"until": str(tmp_path / "never")})
    proxy.losing = 1
    with pytest.raises(errors.ServerUnreached, match=proxy.url):
        behind.runs.cancel(run.id)
    assert proxy.lost == 1
    assert behind.runs.get(run.id, wait=30).status == "cancelled"


def test_a_server_that_is_away_for_a_moment_is_waited_for(behind: Client, proxy: Proxy) -> None:
    behind.version()
    proxy.reset()
    proxy.away = 2
    assert behind.runs.page().runs is not None
    assert proxy.away == 0


def test_a_server_that_stays_away_is_told_of(site: Site, proxy: Proxy) -> None:
    proxy.away = 100
    with Client(proxy.url, site.token, patience=0.3) as client, pytest.raises(errors.ServerProblem, match="503"):
        client.runs.page()


def test_a_server_that_never_answered_is_not_waited_for(site: Site, proxy: Proxy) -> None:
    proxy.close()
    with Client(proxy.url, site.token, patience=3600) as client, pytest.raises(errors.ServerUnreached, match=proxy.url):
        client.runs.create("grind")


def test_a_name_is_one_part_of_a_path(client: Client) -> None:
    with pytest.raises(errors.PipelineNotFound):
        client.pipelines.get("mill", "..grind?x#y")
    with pytest.raises(errors.ServerRefused, match="404"):
        client.pipelines.list("mill/../mill")
