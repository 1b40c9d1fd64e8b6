"""Streams that break off are gone on with."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.sockets import Site
from tests.client.losing import Proxy

from headrace import Client, errors
from headrace.client import stream
from headrace.client.stream import Sent
from headrace.client.values import Event, Run


def from_its_beginning(client: Client, run: Run) -> Iterator[Event]:
    return client.runs.follow(replace(client.runs.get(run.id), events=()))


def ids(events: Iterable[Event]) -> list[int]:
    return [each.id for each in events]


def test_a_run_is_followed_over_a_connection_that_breaks(behind: Client, proxy: Proxy, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    run = behind.runs.create("turn", variables={"until": str(gate)})
    seen: list[Event] = []
    broken = 0
    for event in from_its_beginning(behind, run):
        broken += proxy.reset()
        seen.append(event)
        if event.kind == "block.start":
            gate.touch()
    assert broken > 1
    assert ids(seen) == ids(behind.runs.get(run.id).events)


def test_a_run_that_begins_to_be_followed_late_is_told_whole(client: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    run = client.runs.create("turn", variables={"until": str(gate)})
    whole = client.runs.get(run.id)
    gate.touch()
    client.runs.get(run.id, wait=30)
    assert ids([*whole.events, *client.runs.follow(whole)]) == ids(client.runs.get(run.id).events)


def test_changes_of_a_pipeline(client: Client) -> None:
    after = client.runs.get(client.runs.create("grind", wait=30).id).events[-1].id
    run = client.runs.create("grind", wait=30)
    found: list[str] = []
    for change in client.changes(pipeline="grind", after=after):
        assert (change.project, change.pipeline, change.run_id) == ("mill", "grind", run.id)
        found.append(change.kind)
        if change.ends_run:
            break
    assert found[0] == "run.create"


def test_changes_go_on_after_the_last_that_was_seen(client: Client, behind: Client, proxy: Proxy) -> None:
    after = client.runs.get(client.runs.create("grind", wait=30).id).events[-1].id
    runs = [client.runs.create("grind", wait=30).id]
    seen: list[Event] = []
    for change in behind.changes(pipeline="grind", after=after):
        seen.append(change)
        if change.ends_run and len(runs) == 2:
            break
        if change.ends_run:
            assert proxy.reset()
            runs.append(client.runs.create("grind", wait=30).id)
    assert ids(seen) == [event for run in runs for event in ids(client.runs.get(run).events)]


def test_a_stream_of_a_server_that_is_gone_ends_in_time(site: Site, proxy: Proxy, tmp_path: Path) -> None:
    with Client(proxy.url, site.token, patience=0.3) as client:
        run = client.runs.create("turn", variables={"until": str(tmp_path / "gate")})
        followed = from_its_beginning(client, run)
        next(followed)
        proxy.close()
        with pytest.raises(errors.ServerUnreached):
            list(followed)
    (tmp_path / "gate").touch()


def test_what_refuses_a_stream_is_raised(client: Client) -> None:
    with pytest.raises(errors.RunNotFound):
        next(client.changes(run=99_999))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))


@given(st.lists(st.tuples(texts, st.integers(1, 2**60)), max_size=5), st.booleans())
def test_any_events_are_read_as_they_were_written(written: list[tuple[str, int]], cut: bool) -> None:
    def lines() -> Iterator[str]:
        for text, number in written:
            yield from (": a remark", f"id: {number}", "event: run", f"data: {stream.json_of({'text': text})}", "")
        yield from ("event: run", "data: {") if cut else ()

    assert list(stream.read(lines())) == [Sent("run", {"text": text}, str(number)) for text, number in written]
