"""The feed while something happens between two of its questions: each test stops it just there."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.api.conftest import Served, serving

from headrace.api.feed import Follower, Wanted
from headrace.api.progress import Progress
from headrace.app import App

EVENT = (
    "INSERT INTO events (run_id, at, kind, status, reason) VALUES (%s, now(), 'test', 'completed', 'test') RETURNING id"
)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


class Stopped:
    """Stops the first look of the feed once `arm` was called, before the database is asked."""

    def __init__(self, app: App, patch: pytest.MonkeyPatch) -> None:
        self.looks, self.goes, self._armed = threading.Event(), threading.Event(), threading.Event()
        self._real: Callable[..., Any] = app.store.happenings.after
        patch.setattr(app.store.happenings, "after", self._after)

    def arm(self) -> None:
        self._armed.set()

    def _after(self, *asked: Any) -> Any:
        if self._armed.is_set() and not self.looks.is_set():
            self.looks.set()
            assert self.goes.wait(30)
        return self._real(*asked)


def test_who_joins_while_it_looks_is_given_what_it_finds(
    alone: Served, monkeypatch: pytest.MonkeyPatch, loop: asyncio.AbstractEventLoop
) -> None:
    """What is recorded after somebody has joined is not for those alone who were there when the look began."""
    stopped, feed = Stopped(alone.app, monkeypatch), alone.feed
    first, second = Follower(Wanted(), loop), Follower(Wanted(), loop)
    feed._join(first)
    stopped.arm()
    assert stopped.looks.wait(30), "it looks, since somebody follows"
    feed._join(second)
    run = alone.run()
    stopped.goes.set()
    told = alone.until(second.take)
    assert told.happened[0].happening.event.kind == "run.create"
    assert {each.happening.event.run_id for each in told.happened} == {run["id"]}
    assert alone.until(first.take).happened == told.happened


def test_events_of_a_run_that_come_late_come_in_their_order(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One engine writes late, and then again: both come to light between two questions of one look."""
    with serving(tmp_path, postgres_url) as served, psycopg.connect(postgres_url) as slow:
        one, other = served.run()["id"], served.run()["id"]
        with psycopg.connect(postgres_url, autocommit=True) as quick:
            progress = Progress(served.app.store.happenings.last())
            late = _written(slow, one)
            early = _written(quick, other)
            assert [each.id for each in progress.look(served.app)] == [early]
            later: list[int] = []

            def writes() -> None:
                slow.commit()
                later.append(_written(quick, one))

            _between(served.app, monkeypatch, writes)
            seen = [each.id for _ in range(3) for each in progress.look(served.app)]
            assert seen == [late, *later]


def _written(connection: "psycopg.Connection[Any]", run_id: int) -> int:
    (number,) = connection.execute(EVENT, [run_id]).fetchone() or (0,)
    return number


def _between(app: App, patch: pytest.MonkeyPatch, deed: Callable[[], None]) -> None:
    """Has the deed done once, after the first question that is asked from now on."""
    left = [deed]

    def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*given: Any) -> Any:
            found = real(*given)
            if left:
                left.pop()()
            return found

        return asked

    for name in ("after", "those"):
        patch.setattr(app.store.happenings, name, wrapped(getattr(app.store.happenings, name)))
