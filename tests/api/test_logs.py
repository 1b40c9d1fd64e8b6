"""Logs: pages of lines, forward and back; the whole as text; lines that are told as they are written."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.api.conftest import SINGLE, Caller, Served, refused
from tests.api.sockets import Site, listening_at

from headrace.api.feed import Follower, Wanted
from headrace.api.telling import Lines
from headrace.api.v1.logs import Asked
from headrace.operations import run_logs

MURMUR = """
import logging, os, sys, time
from mage_ai.data_preparation.decorators import custom

@custom
def {name}(*args, **kwargs):
    for number in range(kwargs["lines"]):
        print("line", number)
    logging.getLogger("mill").warning("the stone is worn")
    if "until" in kwargs:
        sys.stdout.flush()
        while not os.path.exists(kwargs["until"]):
            time.sleep(0.01)
        print("the end", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def murmur(served: Served) -> str:
    """A pipeline of one block that writes `lines` lines, and one more once there is the file `until`."""
    (served.folder / "custom" / "murmur.py").write_text(MURMUR.format(name="murmur"))
    folder = served.folder / "pipelines" / "murmur"
    folder.mkdir()
    (folder / "metadata.yaml").write_text(SINGLE.format(name="murmur", block="murmur"))
    return "murmur"


@pytest.fixture(scope="module")
def logs(served: Served, murmur: str) -> str:
    """Where the logs of a run of 30 lines are, and a warning."""
    return f"/v1/runs/{served.run(murmur, lines=30)['id']}/logs"


@pytest.fixture(scope="module")
def site(served: Served) -> Iterator[Site]:
    with listening_at(served) as found:
        yield found


def _messages(client: Caller, where: str, **asked: object) -> list[str]:
    return [each["message"] for each in client.get(where, params=asked).json()["lines"]]


WHOLE = [f"line {number}" for number in range(30)]


def test_pages_forward_and_back(client: Caller, logs: str) -> None:
    first = client.get(logs, params={"limit": 20, "stream": "stdout"}).json()
    assert first["more"]
    second = client.get(logs, params={"cursor": first["next"], "stream": "stdout"}).json()
    assert not second["more"]
    assert [each["message"] for each in [*first["lines"], *second["lines"]]] == WHOLE
    back = client.get(logs, params={"before": second["previous"], "stream": "stdout", "limit": 5}).json()
    assert [each["message"] for each in back["lines"]] == WHOLE[15:20]
    line = first["lines"][0]
    assert line == {**line, "block": "murmur", "attempt": 1, "level": "INFO", "stream": "stdout", "message": "line 0"}


def test_only_what_is_asked_for(client: Caller, logs: str) -> None:
    assert _messages(client, logs, level="WARNING") == ["the stone is worn"]
    assert _messages(client, logs, text="LINE 7") == ["line 7"]
    assert _messages(client, logs, stream="stdout", tail=2) == WHOLE[-2:]
    assert _messages(client, logs, block="murmur", attempt=1, stream="stdout") == WHOLE
    assert _messages(client, logs, since="2100-01-01T00:00:00Z") == []
    assert _messages(client, logs, until="2000-01-01T00:00:00Z") == []


def test_the_whole_as_text(client: Caller, logs: str) -> None:
    answer = client.get(logs, headers={"Accept": "text/plain"}, params={"stream": "stdout"})
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert [each.partition(" INFO murmur: ")[2] for each in lines] == WHOLE
    preferred = client.get(logs, headers={"Accept": "text/plain;q=0.5, application/json"})
    assert preferred.headers["content-type"] == "application/json"


def test_what_is_asked_wrongly_is_refused(client: Caller, logs: str) -> None:
    for field, given in (("level", "LOUD"), ("limit", 5_001), ("limit", 0), ("since", "soon"),
                         ("attempt", 0), ("tail", 0), ("text", "")):  # fmt: skip
        refused(client.get(logs, params={field: given}), 422, field)
    refused(client.get(logs, params={"stream": "pipe"}), 422, "stream.0")
    for accepted in ("application/json", "text/plain"):
        for wrong in ("kgE!", "AAAA"):
            refused(client.get(logs, params={"cursor": wrong}, headers={"Accept": accepted}), 422, "cursor")
    refused(client.get(logs, params={"before": "AAAA"}), 422, "before")
    refused(client.get(logs, params={"cursor": "AAAA", "tail": 1}), 422, "tail")
    refused(client.get(logs, params={"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}), 422, "until")
    refused(client.get(logs, params={"block": "none"}), 404)
    refused(client.get(logs, params={"block": "murmur", "attempt": 9}), 404)
    refused(client.get("/v1/runs/999999/logs"), 404)
    refused(client.get(logs, params={"tail": 1}, headers={"Accept": "text/plain"}), 422)


@pytest.fixture
def begin(served: Served, murmur: str, tmp_path: Path) -> Callable[[], tuple[str, Path]]:
    def begun() -> tuple[str, Path]:
        """Where a run is followed that writes three lines and then waits; the file that it waits for."""
        gate = tmp_path / "open"
        asked = {"pipeline": murmur, "variables": {"lines": 3, "until": str(gate)}}
        return f"/v1/runs/{served.client().post('/v1/runs', json=asked).json()['id']}/stream", gate

    return begun


def test_lines_are_told_as_they_are_written(site: Site, begin: Callable[[], tuple[str, Path]]) -> None:
    where, gate = begin()
    with site.listen(f"{where}?until=final") as stream:
        told = [stream.next("log").data["message"] for _ in range(4)]
        gate.touch()
        rest = list(stream)
    assert sorted(told) == ["line 0", "line 1", "line 2", "the stone is worn"]
    assert [each.data["message"] for each in rest if each.name == "log"] == ["the end"]
    assert rest[-1].name == "end"
    assert "run.end" in [each.data.get("kind") for each in rest if each.name == "run"]


def test_who_comes_again_goes_on_with_lines_and_changes(site: Site, begin: Callable[[], tuple[str, Path]]) -> None:
    where, gate = begin()
    with site.listen(where) as stream:
        told = [stream.next("log").data["message"]]
        while len(told) < 4 or not stream.last_id.partition(".")[2]:
            told.append(stream.next("log").data["message"])
    gate.touch()
    with site.listen(f"{where}?until=final", last_id=stream.last_id) as again:
        rest = [each for each in again if each.name]
    assert [each.data["message"] for each in rest if each.name == "log"] == ["the end"]
    assert [each.data["kind"] for each in rest if each.name in ("run", "block_run")] == ["block.complete", "run.end"]


def test_the_last_lines_come_first_where_so_asked(served: Served, site: Site, logs: str) -> None:
    with site.listen(logs.replace("/logs", "/stream?tail=2&until=final")) as stream:
        assert len([each for each in stream if each.name == "log"]) == 2


def test_what_was_written_after_the_last_lines_were_read_is_told_too(served: Served, logs: str) -> None:
    """The growth of a log is not told to who has yet to read, so that he has to read once more."""
    asked = Asked(served.app, int(logs.split("/")[3]), run_logs.choice(), None, None)
    read = asked.page(None, None, 2, 2)

    async def told() -> list[int]:
        follower = Follower(Wanted(), asyncio.get_running_loop())
        lines = Lines(asked.following(None), "", follower, read)
        first = await lines.more()
        assert lines.is_stirred and follower.woken.is_set()
        second, third = await lines.more(), await lines.more()
        assert first and second and third is None and not lines.is_stirred
        return [len(first.lines), len(second.lines)]

    assert asyncio.run(told()) == [2, 31]


def test_only_lines_that_are_asked_for_are_told(site: Site, logs: str) -> None:
    with site.listen(logs.replace("/logs", "/stream?level=WARNING&until=final")) as stream:
        assert [each.data["message"] for each in stream if each.name == "log"] == ["the stone is worn"]
