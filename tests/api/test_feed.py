"""The feed while something happens between two of its questions: each test stops it just there."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests import postgres
from tests.api.conftest import Served, serving

from headrace.api.feed import Follower, Wanted
from headrace.api.progress import Progress
from headrace.app import App
from headrace.store.happenings import Happenings

EVENT = (
    "INSERT INTO events (run_id, at, kind, status, reason) VALUES (%s, now(), 'test', 'completed', 'test') RETURNING id"
)
MANY = (
    "INSERT INTO events (run_id, at, kind, status, reason)"
    " SELECT %s, now(), 'test', 'completed', 'test' FROM generate_series(1, 6000)"
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


class Engines:
    """Two that write events of a run each, the quick one's of `other` at once, the slow one's of `one` when it commits."""

    def __init__(self, served: Served, url: str) -> None:
        self.app = served.app
        self.one, self.other = served.run()["id"], served.run()["id"]
        self.slow, self.quick = psycopg.connect(url), psycopg.connect(url, autocommit=True)

    @property
    def now(self) -> Progress:
        """Which has seen everything so far."""
        self.slow.rollback()
        return Progress(self.app.store.happenings.last())

    def late(self) -> int:
        """The id of an event of the slow one's."""
        return _written(self.slow, self.one)

    def early(self, run_id: int | None = None) -> int:
        """The id of one of the quick one's."""
        return _written(self.quick, run_id or self.other)

    def looked(self, progress: Progress) -> list[int]:
        return [each.id for each in progress.look(self.app)]


@pytest.fixture(scope="module")
def engines(postgres_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    url = postgres_server.create("feed", template="migrated")
    with serving(tmp_path_factory.mktemp("feed"), url) as served:
        made = Engines(served, url)
        with made.slow, made.quick:
            yield made
            made.slow.rollback()
    postgres_server.drop("feed")


def test_events_of_a_run_that_come_late_come_in_their_order(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """One engine writes late, and then again: both come to light between two questions of one look."""
    progress, late, early = engines.now, engines.late(), engines.early()
    assert engines.looked(progress) == [early]
    later: list[int] = []

    def writes() -> None:
        engines.slow.commit()
        later.append(engines.early(engines.one))

    _between(engines.app, monkeypatch, writes)
    assert [each for _ in range(3) for each in engines.looked(progress)] == [late, *later]


def test_what_somebody_still_writes_is_waited_for_however_much_it_is(engines: Engines) -> None:
    progress, late = engines.now, engines.late()
    engines.slow.execute(MANY, [engines.one])
    early = [engines.early(), engines.early()]
    assert engines.looked(progress) == early
    assert engines.looked(progress) == []
    assert progress.mark == late - 1
    engines.slow.commit()
    assert engines.looked(progress) == [*range(late, late + 6001)]
    assert progress.mark == early[-1]


def test_what_comes_in_parts_leaves_the_rest_missing(engines: Engines) -> None:
    progress = engines.now
    with psycopg.connect(engines.slow.info.dsn) as third:
        drawn = [engines.late(), _written(third, engines.other), engines.late(), engines.early()]
        assert engines.looked(progress) == drawn[3:]
        third.commit()
        assert engines.looked(progress) == drawn[1:2]
        assert progress.mark == drawn[0] - 1
    engines.slow.commit()
    assert engines.looked(progress) == [drawn[0], drawn[2]]
    assert progress.mark == drawn[3]


def test_what_was_taken_back_is_given_up_and_who_writes_elsewhere_is_not_waited_for(engines: Engines) -> None:
    progress = engines.now
    with psycopg.connect(engines.slow.info.dsn) as elsewhere:
        elsewhere.execute("UPDATE projects SET name = name")
        late, early = engines.late(), engines.early()
        assert engines.looked(progress) == [early]
        assert progress.mark == late - 1
        engines.slow.rollback()
        assert engines.looked(progress) == []
        assert progress.mark == early
        engines.late()
        engines.slow.rollback()
        early = engines.early()
        assert engines.looked(progress) == [early]
        assert progress.mark == early, "nobody writes any more: it was never missing"


def test_what_was_gone_long_ago_is_not_waited_for_while_somebody_writes(engines: Engines) -> None:
    """Of a past of which much was dropped nothing is asked for again."""
    begun = engines.now.mark
    gone, early = engines.late(), engines.early()
    engines.slow.rollback()
    engines.late()
    progress = Progress(begun, settled=early)
    assert engines.looked(progress) == [early]
    assert (progress.mark, gone < early) == (early, True)
    latest = engines.early()
    assert engines.looked(progress) == [latest]
    assert progress.mark == early


def test_what_comes_to_light_while_it_looks_comes_in_its_order(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer ends after his id was passed over and before it is asked who writes."""
    progress, late, early = engines.now, engines.late(), engines.early()
    _between(engines.app, monkeypatch, engines.slow.commit)
    looked = progress.look(engines.app)
    assert [(each.id, each.mark) for each in looked] == [(late, late), (early, early)]


def test_where_nothing_is_missing_a_look_is_one_question(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = engines.now
    early = engines.early()
    for name in ("writers", "within"):
        monkeypatch.delattr(Happenings, name)
    assert engines.looked(progress) == [early]


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

    for name in ("after", "within"):
        patch.setattr(app.store.happenings, name, wrapped(getattr(app.store.happenings, name)))
