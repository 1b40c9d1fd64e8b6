"""A PostgreSQL server that goes away, stands still or says no is unavailable for that moment, and used again after it."""

import contextlib
import select
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from psycopg.pq import TransactionStatus
from tests.newest import newest
from tests.postgres import Server
from tests.store.conftest import AT

from headrace import errors
from headrace import store as stores
from headrace.model import transitions
from headrace.model.access import Role
from headrace.model.limits import Limits
from headrace.model.pipeline import Pipeline
from headrace.model.run import Run, RunStatus
from headrace.store import Store, databases, postgres, tables
from headrace.store.changes import RunMoved
from headrace.store.script import Script, Statement
from headrace.store.users import NewUser

Live = Callable[..., None]

PATIENCE = 30.0  # seconds; the machine may be busy


@pytest.fixture
def place(tmp_path: Path, postgres_url: str) -> tuple[Path, str | None]:
    return tmp_path / "home", postgres_url


@pytest.fixture
def impatient(postgres_url: str) -> Iterator[Store]:
    """One that waits a second for an answer."""
    with contextlib.closing(Store(postgres.Postgres(postgres_url, 1.0))) as store:
        yield store


def answers(store: Store) -> bool:
    """Whether it does so again; the first question after a loss may still find a connection that is gone."""
    with contextlib.suppress(errors.StoreUnavailable):
        store.engines.living()
    return store.engines.living() == []


def test_sessions_that_are_ended_are_missed_once(
    store: Store, postgres_server: Server, postgres_url: str, create: Callable[..., Run]
) -> None:
    run = create()
    name = postgres_url.rpartition("/")[2]
    lost = pytest.raises(errors.StoreUnavailable, match=rf"PostgreSQL {name} at 127\.0\.0\.1:\d+ does not answer")
    with lost, store.runs.turn() as turn:
        postgres_server.terminate(name)
        turn.write({run.id: 0}, [RunMoved(run, transitions.end_run(RunStatus.FAILED, AT, reason="x"))])
    assert answers(store)
    assert store.runs.get(run.id) == run


def test_what_is_read_is_of_one_moment_and_who_writes_sees_what_others_have_committed(store: Store) -> None:
    database = store._database  # pyright: ignore[reportPrivateUsage]
    level = sa.text("SHOW transaction_isolation")
    for _ in range(2):  # by the same connections
        with database.read() as reading, database.write() as writing:
            assert (reading.scalar(level), writing.scalar(level)) == ("repeatable read", "read committed")
        with database.write() as writing:
            assert writing.scalar(level) == "read committed"


def test_a_server_that_crashed_keeps_what_was_committed(
    store: Store, postgres_server: Server, create: Callable[..., Run]
) -> None:
    run = create()
    postgres_server.restart()
    assert answers(store)
    assert store.runs.get(run.id) == run


def test_a_server_that_is_down_is_unavailable(store: Store, postgres_server: Server, place: tuple[Path, str]) -> None:
    store.engines.living()
    postgres_server.stop()
    try:
        for _ in range(2):
            with pytest.raises(errors.StoreUnavailable):
                store.engines.living()
        with pytest.raises(errors.StoreUnreached, match=r"cannot be reached: .*HEADRACE_DATABASE says where it is"):
            stores.open(*place)
    finally:
        postgres_server.start()
    assert answers(store)


def test_a_server_that_stands_still_is_waited_for_no_longer_than_patience(
    impatient: Store, store: Store, postgres_server: Server, create: Callable[..., Run]
) -> None:
    run = create()
    assert impatient.runs.get(run.id) == run
    postgres_server.pause()
    try:
        with pytest.raises(errors.StoreUnavailable):
            impatient.runs.get(run.id)
    finally:
        postgres_server.resume()
    assert store.runs.get(run.id) == run
    assert answers(impatient)


def test_a_transaction_that_stands_still_is_ended_and_its_locks_are_free(
    postgres_url: str, store: Store, create: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an engine's is that was stopped in the middle of a turn."""
    monkeypatch.setattr(postgres, "IDLE", 100)
    run = create()
    with contextlib.closing(Store(postgres.Postgres(postgres_url, PATIENCE))) as stopped:
        with pytest.raises(errors.StoreUnavailable), stopped.runs.turn() as turn:
            turn.write({run.id: 0}, [RunMoved(run, transitions.end_run(RunStatus.FAILED, AT, reason="x"))])
            assert store.runs.request_cancel(run.id, AT) == AT, "this waits for the lock"
        assert answers(stopped)
    assert store.runs.get(run.id).status is RunStatus.INITIAL


@pytest.mark.parametrize("deed", ["claim", "claim_one", "create"])
def test_who_admits_a_run_waits_for_another_who_does_and_counts_it(
    store: Store, postgres_server: Server, postgres_url: str, create: Callable[..., Run], live: Live, deed: str
) -> None:
    pipeline = Pipeline("limited", limits=Limits(pipeline_runs=1))
    limited = store.projects.pin(Path("/projects/demo"), "demo", pipeline, "v", "s", 1, AT)
    waiting, admitted = create(pins=limited), create(pins=limited)
    live("one"), live("two")
    deeds = {
        "claim": lambda: store.runs.claim("two", 9, AT, own=False),
        "claim_one": lambda: store.runs.claim_one(waiting.id, "two", 0, AT),
        "create": lambda: create(pins=limited, owner="two"),
    }
    with ThreadPoolExecutor(1) as threads, store._database.write() as connection:
        connection.execute(sa.select(tables.limits).with_for_update())
        doing = threads.submit(deeds[deed])
        until(lambda: doing.done() or waits_for_a_lock(postgres_server, postgres_url))
        other = sa.update(tables.runs).where(tables.runs.c.id == admitted.id)
        connection.execute(other.values(owner="one", epoch=1, admitted_at=AT))
    doing.result(PATIENCE)
    found = [listed.run for listed in newest(store, 9)]
    assert [run.id for run in found if run.admitted_at] == [admitted.id]


def test_a_token_that_is_made_while_its_user_is_deleted_lets_nobody_in(
    store: Store, postgres_server: Server, postgres_url: str
) -> None:
    """Else it would be nobody's own, and its role that of all pipelines."""
    user = store.users.create(NewUser(username="ada"), AT).id
    with ThreadPoolExecutor(1) as threads, store._database.write() as connection:
        connection.execute(sa.select(tables.users).with_for_update(key_share=True))  # as who notes a login
        deleting = threads.submit(store.users.delete, user, AT)
        until(lambda: deleting.done() or waits_for_a_lock(postgres_server, postgres_url))
        token = store.tokens.create("ada", Role.OWNER, "hash", AT, user_id=user)
    assert deleting.result(PATIENCE)
    assert not store.tokens.get(token.id).stands(AT)


def test_what_is_read_at_once_is_of_one_moment(store: Store, create: Callable[..., Run]) -> None:
    counted = sa.select(sa.func.count()).select_from(tables.runs)
    with store._database.read() as connection:
        before = connection.scalar(counted)
        create()
        assert connection.scalar(counted) == before
    with store._database.read() as connection:
        assert connection.scalar(counted) == 1


def until(happened: Callable[[], bool]) -> None:
    """Asks again and again, for as long as patience lasts; what is asked takes its time."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it did not happen"


def waits_for_a_lock(server: Server, url: str) -> bool:
    with server.session() as admin:
        asking = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
        return admin.execute(asking, [url.rpartition("/")[2]]).fetchall()[0][0] > 0


def test_a_deadlock_is_a_matter_of_the_moment(store: Store, create: Callable[..., Run]) -> None:
    one, two = create(), create()
    first_held, second_held = threading.Event(), threading.Event()
    failed = list[Exception]()

    def turn(first: Run, second: Run, held: threading.Event, other: threading.Event) -> None:
        end = [RunMoved(each, transitions.end_run(RunStatus.FAILED, AT, reason="x")) for each in (first, second)]
        try:
            with store.runs.turn() as writing:
                writing.write({first.id: 0}, end[:1])
                held.set()
                other.wait(PATIENCE)
                writing.write({second.id: 0}, end[1:])
        except (errors.StoreUnavailable, errors.MoveRefused) as error:
            failed.append(error)

    threads = [
        threading.Thread(target=turn, args=(one, two, first_held, second_held)),
        threading.Thread(target=turn, args=(two, one, second_held, first_held)),
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(2 * PATIENCE)
    assert any(isinstance(error, errors.StoreUnavailable) and "deadlock" in str(error) for error in failed)


def test_a_full_disk_is_unavailable(store: Store) -> None:
    """As the server says it; a disk of its own would be needed to fill one."""
    raising = sa.text("DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$")
    full = pytest.raises(errors.StoreUnavailable, match="could not extend file")
    with full, store.runs._database.write() as connection:
        connection.execute(raising)


def test_a_commit_waits_for_the_disk_whatever_the_server_says(
    postgres_server: Server, postgres_url: str, store: Store
) -> None:
    name = postgres_url.rpartition("/")[2]
    with postgres_server.session() as admin:
        admin.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off'.encode())
        admin.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'".encode())
    with contextlib.closing(postgres.Postgres(postgres_url, PATIENCE)) as database, database.write() as connection:
        assert connection.scalar(sa.text("SHOW synchronous_commit")) == "on"
        assert connection.scalar(sa.text("SHOW transaction_isolation")) == "read committed"


def test_leases_go_by_the_clock_of_the_database(store: Store, live: Callable[..., None]) -> None:
    """Whatever the engines' own clocks say."""
    far = AT + timedelta(days=9999)
    live("one", lease=600.0, at=far)
    assert store.engines.bury_lapsed(0.0, far + timedelta(days=1)) == []
    assert store.engines.beat("one", 600.0, AT - timedelta(days=9999))
    lapse = store.engines.next_lapse(0.0, AT)
    assert lapse is not None
    assert 500 < lapse <= 600


@pytest.mark.parametrize("url", ["postgresql://[", "postgresql://u:top-secret@h/d?no_such_parameter=1"])
def test_a_url_that_is_none_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(errors.BadSetting, match="postgresql://user:password@host:port/name") as refused:
        databases.open(tmp_path, url)
    assert "top-secret" not in str(refused.value)


def test_a_password_is_never_said(tmp_path: Path, postgres_server: Server) -> None:
    url = f"postgresql://somebody:top-secret@127.0.0.1:{postgres_server.port}/nowhere"
    with pytest.raises(errors.StoreUnreached) as refused:
        stores.open(tmp_path, url)
    assert f"PostgreSQL nowhere at 127.0.0.1:{postgres_server.port}" in str(refused.value)
    assert "top-secret" not in str(refused.value)


def test_a_run_that_comes_while_others_are_looked_at_is_held_to_its_limit_as_well(
    store: Store, create: Callable[..., Run], live: Live
) -> None:
    """Each statement sees what was committed before it, so a later one may see a run that an earlier one did not."""
    busy, full = (
        store.projects.pin(
            Path("/projects/demo"), "demo", Pipeline(name, limits=Limits(pipeline_runs=1)), "v", "s", 1, AT
        )
        for name in ("busy", "full")
    )
    live("one"), live("two")
    waits = create(pins=busy).id
    create(pins=full, owner="two")
    came: list[int] = []

    def come(*_: object) -> None:
        if not came:
            came.append(0)
            came.append(create(pins=full).id)

    sa.event.listen(sa.Engine, "before_cursor_execute", come)
    try:
        claimed = store.runs.claim("one", 9, AT, own=False)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", come)
    assert len(came) == 2, "nothing came in between"
    assert claimed.taken == [waits]
    assert store.runs.get(came[1]).admitted_at is None


ONE = Statement(sa.select(sa.literal(1).label("one")))


def a_script(connection: sa.Connection) -> None:
    with Script(connection) as script:
        script.say(ONE, {})


def many_rows(connection: sa.Connection) -> None:
    connection.exec_driver_sql("UPDATE projects SET name = %(name)s", [{"name": name} for name in "ab"])


@pytest.mark.parametrize("say", [a_script, many_rows])
def test_a_transaction_that_stands_still_after_statements_that_were_sent_together_is_ended_too(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, say: Callable[[sa.Connection], None]
) -> None:
    monkeypatch.setattr(postgres, "IDLE", 100)
    closing = contextlib.closing(postgres.Postgres(postgres_url, PATIENCE))
    with closing as database, pytest.raises(errors.StoreUnavailable), database.write() as connection:
        say(connection)
        driver: Any = connection.connection.driver_connection
        assert select.select([driver], [], [], PATIENCE)[0], "the server has said something"


def test_a_transaction_is_begun_with_its_first_statement_and_not_without_any(postgres_url: str) -> None:
    with contextlib.closing(postgres.Postgres(postgres_url, PATIENCE)) as database:
        with database.write():
            pass
        with database.read() as connection:
            a_script(connection)
            level = connection.exec_driver_sql("SHOW transaction_isolation").scalar_one()
        assert level == "repeatable read"
        assert [list(row.values()) for row in database.ask(ONE)] == [[1]]  # which begins none
        with database._reading.connect() as connection:  # pyright: ignore[reportPrivateUsage]
            driver: Any = connection.connection.driver_connection
            assert driver.pgconn.transaction_status == TransactionStatus.IDLE


def test_a_session_that_is_another_at_each_statement_is_refused(postgres_url: str) -> None:
    """As a pooler of transactions gives them: somebody else has prepared there what we have not."""
    with contextlib.closing(postgres.Postgres(postgres_url, None)) as database:
        with database.read() as connection:
            connection.exec_driver_sql("PREPARE headrace_0 AS SELECT 2")
        with pytest.raises(errors.StorePooled, match="each transaction another session"):
            database.ask(ONE)


def test_tables_that_were_changed_are_a_matter_of_the_moment(postgres_url: str) -> None:
    """Whatever connections have ready is of the tables as they were; they are all done without from the first error on."""
    question = Statement(sa.select(tables.limits.c.id))
    with contextlib.closing(postgres.Postgres(postgres_url, PATIENCE)) as database:
        with database.read() as one, database.read() as other:
            for each in (one, other):
                Script(each).ask(question, {})
        with database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE limits ALTER COLUMN id TYPE NUMERIC")
        with pytest.raises(errors.StoreUnavailable, match="cached plan"):
            database.ask(question)
        for _ in range(2):
            assert database.ask(question) == []
