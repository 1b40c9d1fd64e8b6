"""Streams: what happens to runs is told as it happens, to whoever wants it, and again to who comes again."""

import asyncio
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from tests.api.conftest import Served, refused, serving
from tests.api.sockets import Site, Told, listening_at

from headrace.api import feed as feeds
from headrace.api import listening, progress, streaming
from headrace.api.feed import Batch, Follower, Wanted
from headrace.api.listening import Listening
from headrace.api.progress import Happened
from headrace.api.telling import Changes
from headrace.model.access import Role
from headrace.operations import tokens
from headrace.store.tables import events

EVENT = "INSERT INTO events (run_id, at, kind, status, reason) VALUES (%s, now(), %s, 'completed', 'test') RETURNING id"


@pytest.fixture(scope="module")
def site(served: Served) -> Iterator[Site]:
    with listening_at(served) as found:
        yield found


def test_a_run_is_told_as_it_happens(served: Served, site: Site) -> None:
    with site.listen("/v1/changes") as stream:
        run = served.run()
        told = [each for each in stream.until("run.end", run["id"]) if each["run_id"] == run["id"]]
    assert [each["kind"] for each in told][:2] == ["run.create", "run.start"]
    assert [each["block"] for each in told if each["kind"] == "block.complete"] == ["load", "sieve"]
    assert told[-1] == {**told[-1], "status": "completed", "pipeline": "grind", "project": "mill", "block": None}


def test_each_is_told_what_he_wants(served: Served, site: Site) -> None:
    with (
        site.listen("/v1/changes?pipeline=crack&kind=run") as cracked,
        site.listen("/v1/changes?pipeline=grind&kind=block.complete&kind=run.end") as ground,
    ):
        grind, crack = served.run("grind"), served.run("crack")
        of_crack, of_grind = cracked.until("run.end", crack["id"]), ground.until("run.end", grind["id"])
    assert {each["pipeline"] for each in of_crack} == {"crack"}
    assert {each["block"] for each in of_crack} == {None}
    assert {each["pipeline"] for each in of_grind} == {"grind"}
    assert {each["kind"] for each in of_grind} == {"block.complete", "run.end"}


def test_what_was_missed_comes_first(served: Served, site: Site) -> None:
    with site.listen("/v1/changes") as stream:
        first = served.run()
        stream.until("run.end", first["id"])
    second = served.run()
    with site.listen("/v1/changes", last_id=stream.last_id) as stream:
        told = stream.until("run.end", second["id"])
    assert {each["run_id"] for each in told} == {second["id"]}
    assert told[0]["kind"] == "run.create"


def test_a_run_that_has_ended_ends_its_stream(served: Served, site: Site) -> None:
    run = served.run()
    with site.listen(f"/v1/changes?run_id={run['id']}&until=final&after=0") as stream:
        told = list(stream)
    assert [each.data["kind"] for each in told if each.name in ("run", "block_run")][-1] == "run.end"
    assert told[-1] == Told("end", {"run_id": run["id"], "status": "completed"}, told[-1].id)


def test_a_stream_ends_once_its_run_has(served: Served, site: Site, tmp_path: Path) -> None:
    gate = tmp_path / "open"
    asked = {"pipeline": "turn", "variables": {"until": str(gate)}}
    run = served.client().post("/v1/runs", json=asked).json()
    with site.listen(f"/v1/changes?run_id={run['id']}&until=final&after=0") as stream:
        assert stream.next("block_run").data["block"] == "turn"
        gate.touch()
        assert list(stream)[-1].name == "end"


def test_what_is_asked_wrongly_is_refused(served: Served) -> None:
    served.run()  # of which a cursor is told below
    client, run = served.client(), served.run()["id"]
    refused(client.get("/v1/changes?until=final"), 422, "until")
    refused(client.get("/v1/changes", headers={"Last-Event-ID": "x"}), 422, "Last-Event-ID")
    refused(client.get("/v1/changes?after=7.kgEC"), 422, "after")
    refused(client.get("/v1/changes?run_id=999999&until=final"), 404)
    refused(client.get("/v1/changes?run_id=0"), 422, "run_id")
    refused(client.get("/v1/changes?kind=run end"), 422, "kind")
    assert "block.complete" in refused(client.get("/v1/changes?kind=run&kind=run.ended"), 422, "kind")["detail"]
    refused(client.get(f"/v1/runs/{run}/stream?until=final&block=none"), 404)
    refused(client.get(f"/v1/runs/{run}/stream?until=final&after=7.!"), 422, "after")
    refused(client.get(f"/v1/runs/{run}/stream?until=final&after=7.kgEC"), 422)
    refused(served.client(None).get("/v1/changes"), 401)


def test_a_mark_that_lies_beyond_all_events_is_the_last(served: Served, site: Site) -> None:
    with site.listen("/v1/changes?after=999999999999") as stream:
        run = served.run()
        assert stream.until("run.end", run["id"])[0]["kind"] == "run.create"


def test_silence_is_broken(served: Served, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STILL", 0.05)
    with site.listen("/v1/changes") as stream:
        still = next(each for each in stream if each.id)
    assert still.name == ""
    assert int(still.id) == served.app.store.happenings.last()


def test_a_token_that_is_revoked_ends_its_stream(served: Served, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHECK", 0.05)
    token_id, said = served.token(Role.VIEWER)
    with site.listen("/v1/changes", token=said) as stream, site.listen("/v1/changes") as other:
        tokens.revoke(served.app, token_id)
        assert [each.name for each in stream] == [""]
        run = served.run()
        assert other.until("run.end", run["id"])


def test_a_token_that_is_revoked_ends_its_stream_of_what_was_before(
    alone: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much that is: it takes minutes to tell of a long past."""
    monkeypatch.setattr(streaming, "CHECK", 0.05)
    run, (token_id, said) = alone.run()["id"], alone.token(Role.VIEWER)
    with alone.app.store._database.write() as connection:
        row = {"run_id": run, "at": datetime.now(UTC), "kind": "run.test", "status": "completed", "reason": "test"}
        connection.execute(sa.insert(events), [row] * 15_000)
    with listening_at(alone) as site, site.listen("/v1/changes?after=0", token=said) as stream:
        assert next(each for each in stream if each.name)
        tokens.revoke(alone.app, token_id)
        assert sum(1 for _ in stream) < 10_000


def test_who_comes_again_sees_everything(either: Served) -> None:
    """However often he goes, and wherever he was: each event once at least, those of a run in their order."""
    drawn, seen, ended, comings = random.Random(5), dict[int, dict[str, Any]](), set[int](), 0
    since = str(either.app.store.happenings.last())
    asked = {either.client().post("/v1/runs", json={"pipeline": "grind"}).json()["id"] for _ in range(12)}
    with listening_at(either) as site:
        while ended != asked:
            comings, patience, here = comings + 1, drawn.randint(1, 15), set[int]()
            with site.listen("/v1/changes", last_id=since) as stream:
                for told in stream:
                    if told.name:
                        assert told.data["id"] not in here
                        here.add(told.data["id"])
                        seen.setdefault(told.data["id"], told.data)
                        ended |= {told.data["run_id"]} if told.data["kind"] == "run.end" else set()
                    patience -= 1
                    if not patience or ended == asked:
                        break
            since = stream.last_id or since
    assert comings > 5
    for run_id in asked:
        kept = [each.id for each in either.app.store.runs.events(run_id)]
        assert [event for event, told in seen.items() if told["run_id"] == run_id] == kept


def test_who_writes_late_is_heard(postgres_url: str, tmp_path: Path) -> None:
    """Two transactions of which the first is committed last: its event comes late, and the mark waits for it."""
    with (
        serving(tmp_path, postgres_url) as served,
        listening_at(served) as site,
        psycopg.connect(postgres_url) as slow,
        psycopg.connect(postgres_url) as quick,
    ):
        one, other = served.run()["id"], served.run()["id"]
        with site.listen("/v1/changes?kind=run") as stream, site.listen("/v1/changes?kind=run") as second:
            late = slow.execute(EVENT, [one, "run.late"]).fetchone()
            early = quick.execute(EVENT, [other, "run.early"]).fetchone()
            assert late and early and late[0] < early[0]
            quick.commit()
            assert stream.until("run.early")[-1]["id"] == early[0]
            assert second.until("run.early")
            slow.commit()
            assert stream.until("run.late")[-1]["id"] == late[0]
        with site.listen("/v1/changes", last_id=second.last_id) as again:
            assert {late[0], early[0]} <= {each["id"] for each in again.until("run.early")}


def test_progress_that_begins_waits_for_who_is_late(postgres_url: str, tmp_path: Path) -> None:
    with serving(tmp_path, postgres_url) as served, psycopg.connect(postgres_url) as slow:
        late = slow.execute(EVENT, [served.run()["id"], "run.late"]).fetchone()
        served.run()
        found = progress.from_now(served.app)
        assert late and found.mark == late[0] - 1
        assert found.look(served.app) == []
        slow.commit()
        assert [each.id for each in found.look(served.app)] == [late[0]]
        assert found.mark == served.app.store.happenings.last()


def test_each_event_is_marked_with_itself(served: Served) -> None:
    """Who has read a part of what was sent at once goes on behind that part."""
    run = served.run()
    kept = [each.id for each in served.app.store.runs.events(run["id"])]
    looked = progress.Progress(kept[0] - 1).look(served.app)
    assert [each.mark for each in looked if each.id in kept] == kept


def test_what_was_told_before_is_not_told_again(served: Served) -> None:
    """The feed gives what a follower has read for himself: only what is new of it is told."""
    first = served.app.store.runs.events(served.run()["id"])[0].id - 1

    async def told_twice() -> list[int]:
        follower = Follower(Wanted(), asyncio.get_running_loop())
        changes = Changes(served.app, served.feed, follower, first)
        assert [batch async for batch in changes.earlier()]
        follower.give(Batch(progress.Progress(first).look(served.app)))
        again = [each.id for batch in changes.new() for each in batch.happened]
        served.run()
        follower.give(Batch(progress.Progress(first).look(served.app)))
        later = [each.id for batch in changes.new() for each in batch.happened]
        assert later
        return again

    assert asyncio.run(told_twice()) == []


def _batch(text: bytes, count: int = 1) -> Batch:
    batch = Batch([Happened(None, 1)] * count)  # type: ignore[arg-type]
    batch.__dict__["written"] = text
    return batch


def test_who_reads_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for him is bounded, and gone once he is too far behind."""
    monkeypatch.setattr(feeds, "MOST_WAITING", 100)
    loop = asyncio.new_event_loop()
    follower = Follower(Wanted(), loop)
    for _ in range(100):
        follower.give(_batch(b""))
    assert not follower.lost
    assert follower.take()
    follower.give(_batch(b""))
    assert not follower.lost
    follower.give(_batch(b""))
    assert follower.lost
    assert follower.take() is None
    loop.close()


def test_the_end_of_the_server_ends_streams(tmp_path: Path) -> None:
    with serving(tmp_path) as served, listening.bind("127.0.0.1", 0) as bound:
        at = Listening(served.application, bound, lambda: None)
        at.start()
        site = Site(listening.url(bound), served.said[Role.VIEWER])
        run = served.run()["id"]
        with site.listen("/v1/changes") as stream, site.listen(f"/v1/runs/{run}/stream") as of_run:
            assert of_run.next("log")
            began = time.monotonic()
            served.feed.close()
            assert [each.name for each in stream] == [""]
            assert list(of_run) == []
            at.close()
            assert time.monotonic() - began < listening.PATIENCE
