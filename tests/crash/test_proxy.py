"""The proxy itself: what it is asked to lose is lost, and nothing else."""

import contextlib
from collections.abc import Iterator

import psycopg
import pytest
from tests.crash.proxy import Loss, Proxy
from tests.postgres import Server


@pytest.fixture
def proxy(postgres_server: Server) -> Iterator[Proxy]:
    with contextlib.closing(Proxy("127.0.0.1", postgres_server.port)) as made:
        yield made


@pytest.fixture
def url(postgres_server: Server, postgres_url: str, proxy: Proxy) -> str:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE kept (value int)")
    return postgres_server.url(postgres_url.rpartition("/")[2], proxy.port)


def insert(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO kept VALUES (%s)", [1])


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchall()[0][0]


def test_it_passes_on_what_it_gets(postgres_url: str, url: str) -> None:
    insert(url)
    assert (count(url), count(postgres_url)) == (1, 1)


@pytest.mark.parametrize(("loss", "kept"), [(Loss.ANSWER, 1), (Loss.REQUEST, 0)])
def test_a_commit_or_the_answer_to_it_is_lost(postgres_url: str, url: str, proxy: Proxy, loss: Loss, kept: int) -> None:
    proxy.lose(loss, 1)
    with pytest.raises(psycopg.OperationalError):
        insert(url)
    assert (count(postgres_url), proxy.lost) == (kept, 1)
    insert(url)
    assert (count(postgres_url), proxy.lost) == (kept + 1, 1)


def test_every_connection_is_reset(url: str, proxy: Proxy) -> None:
    with contextlib.closing(psycopg.connect(url)) as connection:
        assert proxy.reset() == 1
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    insert(url)


def test_a_server_that_is_not_there(postgres_server: Server, url: str) -> None:
    postgres_server.stop()
    with pytest.raises(psycopg.OperationalError):
        insert(url)
    postgres_server.start()
    insert(url)
