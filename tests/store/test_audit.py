"""The audit: added to, read, let go when it is old, and never changed."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from tests.store.conftest import AT

from headrace import errors
from headrace.model.audit import Deed, Outcome
from headrace.model.run import Run
from headrace.store import Store, auditing
from headrace.store.audit import Asked, Audit
from headrace.store.auditing import Auditor
from headrace.store.database import Database
from headrace.store.tables import audit


def deed(**given: Any) -> Deed:
    plain = Deed(at=AT, who="ada", deed="runs.cancel", noun="runs", outcome=Outcome.OK, via="v1")
    return replace(plain, **given)


def test_a_deed_reads_as_it_was_written(store: Store) -> None:
    whole = deed(
        user_id=1, token_id=2, object="7", run_id=7, project="mill", problem="x", address="::1", count=3, who="ä'\"%"
    )
    store.audit.add([whole, deed()])
    assert [(each.id, each.deed) for each in store.audit.list(Asked(), 9)] == [(2, deed()), (1, whole)]


def test_a_deed_about_a_run_has_the_name_of_its_project(store: Store, create: Callable[..., Run]) -> None:
    store.audit.add([deed(run_id=create().id), deed(run_id=99), deed(run_id=1, project="said")])
    assert [each.deed.project for each in store.audit.list(Asked(), 9)] == ["said", None, "demo"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Asked(), [4, 3, 2, 1]),
        (Asked(who="eve"), [2]),
        (Asked(run_id=7), [3]),
        (Asked(outcome="refused", via="v1"), [4]),
        (Asked(noun="triggers", deed="triggers.delete", object="5"), [4]),
        (Asked(since=AT + timedelta(hours=2)), [4, 3]),
        (Asked(until=AT + timedelta(hours=2)), [2, 1]),
        (Asked(project="nowhere"), []),
    ],
)
def test_deeds_are_found_by_what_they_are(store: Store, asked: Asked, found: Sequence[int]) -> None:
    hours = [AT + timedelta(hours=n) for n in range(4)]
    refused = {"outcome": Outcome.REFUSED, "noun": "triggers", "deed": "triggers.delete", "object": "5"}
    given = [{}, {"who": "eve"}, {"run_id": 7}, refused]
    store.audit.add([deed(at=at, **each) for at, each in zip(hours, given, strict=True)])
    assert [each.id for each in store.audit.list(asked, 9)] == found
    assert [each.id for each in store.audit.list(asked, 1, before=4)] == [each for each in found if each < 4][:1]


def test_the_database_itself_refuses_to_change_one(store: Store, database: Database) -> None:
    store.audit.add([deed()])
    with pytest.raises(exc.IntegrityError, match="only added to"), database.write() as connection:
        connection.execute(sa.update(audit).values(who="eve"))
    assert [each.deed.who for each in store.audit.list(Asked(), 9)] == ["ada"]


def test_what_is_old_goes_a_little_at_a_time(store: Store) -> None:
    store.audit.add([deed(at=AT + timedelta(days=n)) for n in range(4)])
    assert store.audit.drop(AT + timedelta(days=3), 2, dry=True) == 2
    assert [store.audit.drop(AT + timedelta(days=3), 2) for _ in range(3)] == [2, 1, 0]
    assert [each.id for each in store.audit.list(Asked(), 9)] == [4]


def test_nothing_that_was_noted_is_lost_at_an_end_in_good_order(store: Store) -> None:
    threads = [threading.Thread(target=lambda: [store.auditor.note(deed()) for _ in range(200)]) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    store.auditor.close()
    assert len(store.audit.list(Asked(), 1000)) == 800


def test_callers_whom_nobody_knows_are_counted(store: Store) -> None:
    for number in range(auditing.ADDRESSES * 2):
        for _ in range(3):
            store.auditor.count("v1", "not_authenticated", f"10.0.0.{number}", AT)
    store.auditor.close()
    told = [each.deed for each in store.audit.list(Asked(), 1000)]
    assert len(told) == auditing.ADDRESSES + 1, "however many there are"
    assert sum(each.count for each in told) == auditing.ADDRESSES * 2 * 3
    assert {each.outcome for each in told} == {Outcome.REFUSED}
    assert {each.count for each in told if each.address} == {3}


class Away(Audit):
    """A database that does not answer at first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.tries = 0

    def add(self, deeds: Sequence[Deed]) -> None:
        self.tries += 1
        if self.tries == 1:
            raise errors.StoreUnavailable(path="there", why="it is away")
        super().add(deeds)


def test_a_database_that_is_away_is_waited_for(database: Database, store: Store) -> None:
    away = Away(database)
    auditor = Auditor(away)
    auditor.note(deed())
    with contextlib.closing(auditor):
        waiting = threading.Event()
        while away.tries < 2:
            waiting.wait(0.01)
    assert len(store.audit.list(Asked(), 9)) == 1


def test_one_that_cannot_be_written_takes_no_other_along(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    for each in (deed(object="1"), deed(outcome=cast("Outcome", "odd")), deed(object="2")):
        store.auditor.note(each)
    store.auditor.close()
    assert {each.deed.object for each in store.audit.list(Asked(), 9)} == {"1", "2"}
    assert "a deed could not be written" in caplog.text
