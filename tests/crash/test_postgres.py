"""PostgreSQL is restarted, loses its connections, stands still, or is heard badly; no run minds."""

import contextlib
import random
import signal
from collections.abc import Callable, Iterator

import pytest
from tests.crash.conftest import LONG, MakeWorks
from tests.crash.feeder import Feeder
from tests.crash.proxy import Loss, Proxy
from tests.crash.works import Works, pause
from tests.postgres import Server

LEASE = 30.0 if LONG else 2.0  # seconds
TIMES = 40 if LONG else 4

Trouble = Callable[[random.Random], object]


@pytest.fixture
def proxy(postgres_server: Server) -> Iterator[Proxy]:
    with contextlib.closing(Proxy("127.0.0.1", postgres_server.port)) as made:
        yield made


@pytest.fixture
def database(postgres_url: str) -> str:
    """The name of a new database."""
    return postgres_url.rpartition("/")[2]


def drive(works: Works, seed: int, trouble: Trouble, times: int = TIMES) -> None:
    """Runs under two engines with trouble again and again; when it is over they end, and every promise is kept."""
    engines = [works.start(HEADRACE_LEASE=str(LEASE)) for _ in range(2)]
    works.wait(lambda: all("runs in" in engine.log.read_text() for engine in engines), "the engines are up")
    draw = random.Random(seed)
    feeder = Feeder(works, seed)
    for _ in range(times):
        feeder.feed()
        works.wait_for_more()
        trouble(draw)
    works.wait_until_final()
    assert all(engine.lives for engine in engines), works.said()
    works.kill_engines()
    works.wait_until_nothing_lives()
    works.check()


def test_the_server_is_restarted_at_once(
    make_works: MakeWorks, postgres_server: Server, postgres_url: str, seed: int
) -> None:
    def restart(draw: random.Random) -> None:
        postgres_server.restart(draw.choice([signal.SIGQUIT, signal.SIGINT]))

    drive(make_works(database=postgres_url), seed, restart)


def test_the_server_ends_every_session(
    make_works: MakeWorks, postgres_server: Server, postgres_url: str, database: str, seed: int
) -> None:
    def terminate(draw: random.Random) -> None:
        for _ in range(draw.randrange(1, 4)):
            postgres_server.terminate(database)
            pause(draw.uniform(0, 0.1))

    drive(make_works(database=postgres_url), seed, terminate)


def test_the_server_stands_still_for_longer_than_the_lease(
    make_works: MakeWorks, postgres_server: Server, postgres_url: str, seed: int
) -> None:
    def stop(draw: random.Random) -> None:
        postgres_server.pause()
        pause(LEASE * draw.uniform(0.5, 2))
        postgres_server.resume()

    drive(make_works(database=postgres_url), seed, stop, 3 if LONG else 1)


def test_connections_are_reset_and_slow(
    make_works: MakeWorks, postgres_server: Server, postgres_url: str, database: str, proxy: Proxy, seed: int
) -> None:
    def disturb(draw: random.Random) -> None:
        proxy.delay = draw.choice([0, 0, 0.005, 0.05])
        pause(draw.uniform(0, 0.1))
        proxy.reset()

    drive(make_works(database=postgres_server.url(database, proxy.port), seen=postgres_url), seed, disturb)


@pytest.mark.parametrize("loss", list(Loss))
def test_a_commit_or_its_answer_is_lost(
    make_works: MakeWorks,
    postgres_server: Server,
    postgres_url: str,
    database: str,
    proxy: Proxy,
    loss: Loss,
    seed: int,
) -> None:
    def lose(draw: random.Random) -> None:
        proxy.lose(loss, draw.randrange(1, 4))

    drive(make_works(database=postgres_server.url(database, proxy.port), seen=postgres_url), seed, lose, 2 * TIMES)
    assert proxy.lost
