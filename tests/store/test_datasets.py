"""What is remembered of datasets: their versions, which of them runs read, and which may go."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from tests.store import test_moves as moves
from tests.store.conftest import AT, TOKEN, Begin, together
from tests.store.test_committing import STAGED, committing, completed

from headrace import errors
from headrace.app import App
from headrace.model.dataset import Dataset, Operation, WriteMode
from headrace.model.rule import Rule, RuleKind
from headrace.model.run import BlockStatus, Run, RunStatus
from headrace.model.trigger import Definition, TriggerType
from headrace.operations import kept
from headrace.settings import Settings
from headrace.store import Store, bookmarks, tables
from headrace.store.bookmarks import Bookmark
from headrace.store.database import Database
from headrace.store.datasets import Pinned as PinnedVersion
from headrace.store.projects import Pinned
from headrace.store.script import Script
from headrace.store.triggers import Standing
from headrace.store.writes import Write
from headrace.store.written import Written

SCHEMA = ({"name": "id", "type": "int64"},)
LATER = AT + timedelta(days=40)
CREATE = Callable[..., Run]


def make(store: Store, name: str = "Sales") -> Dataset:
    return store.datasets.ensure(name, f"datasets/{name.lower()}", AT)


def write(store: Store, version: int, name: str = "Sales", at: datetime = AT, **given: Any) -> None:
    facts: dict[str, Any] = {"operation": WriteMode.REPLACE, "rows": 10 * version, "bytes": 100, "schema": SCHEMA}
    store.datasets.written(Written(dataset=name, version=version, at=at, **facts | given))


def end(database: Database, run: Run, **given: Any) -> None:
    with database.write() as connection:
        ended = {"status": RunStatus.COMPLETED, "ended_at": AT} | given
        connection.execute(sa.update(tables.runs).where(tables.runs.c.id == run.id).values(ended))


# Names


def test_a_dataset_is_found_however_its_name_is_spelt(store: Store) -> None:
    made = make(store, "Daily_Sales")
    assert make(store, "DAILY_SALES") == made
    assert store.datasets.find("daily_sales") == made
    assert store.datasets.find_uid(made.uid) == made
    assert (made.name, made.location, made.row_identifier) == ("Daily_Sales", "datasets/daily_sales", None)


def test_two_that_make_it_at_once_make_one(store: Store) -> None:
    one, other = together(lambda: make(store, "Sales"), lambda: make(store, "SALES"))
    assert one == other


@pytest.mark.parametrize("name", ["", "a/b", "a.b", "../x", "a" * 129, "1a", "_a", "ä", "a b", "a\n", "a\0"])
def test_what_is_no_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(errors.BadDatasetName):
        store.datasets.ensure(name, "datasets/x", AT)
    with pytest.raises(errors.BadDatasetName):
        store.datasets.find(name)
    assert store.datasets.all(10) == []


def test_they_are_listed_by_name_with_their_newest_version(store: Store) -> None:
    for name in ("b", "A", "c"):
        make(store, name)
    write(store, 1, "a")
    write(store, 4, "a")
    found = store.datasets.standing(store.datasets.all(10))
    assert [(each.dataset.name, each.newest and each.newest.version) for each in found] == [
        ("A", 4),
        ("b", None),
        ("c", None),
    ]
    assert [each.name for each in store.datasets.all(1, "A")] == ["b"]


# Versions


def test_a_version_is_as_it_was_recorded(store: Store) -> None:
    made = make(store)
    profile = {"id": {"nulls": 0, "min": 1, "max": 9}}
    write(store, 3, operation=WriteMode.UPSERT, keys=("id", "day"), profile=profile, attempt="attempt-1", at=LATER)
    (found,) = store.datasets.versions(made.id, 10)
    assert (found.version, found.operation, found.rows, found.bytes) == (3, WriteMode.UPSERT, 30, 100)
    assert (found.schema, found.profile, found.created_at, found.cleaned_at) == (SCHEMA, profile, LATER, None)
    assert (found.run_id, found.block, found.attempt) == (None, None, "attempt-1")
    changed = store.datasets.find("sales")
    assert changed is not None
    assert (changed.row_identifier, changed.updated_at) == ("id, day", LATER)


def test_who_names_no_identifier_leaves_the_one_there_is(store: Store) -> None:
    make(store)
    write(store, 1, operation=WriteMode.UPSERT, keys=("id",))
    write(store, 2)
    found = store.datasets.find("sales")
    assert found is not None
    assert found.row_identifier == "id"


def test_who_says_no_description_leaves_the_one_there_is(store: Store) -> None:
    make(store)
    write(store, 1, description="what was sold")
    write(store, 2)
    assert _description(store) == "what was sold"
    write(store, 3, description="what was sold, and where")
    assert _description(store) == "what was sold, and where"


def _description(store: Store) -> str:
    found = store.datasets.find("Sales")
    assert found
    return found.description


def test_versions_are_paged_the_newest_first(store: Store) -> None:
    made = make(store)
    for version in (1, 2, 5, 7):
        write(store, version)
    assert [each.version for each in store.datasets.versions(made.id, 2)] == [7, 5]
    assert [each.version for each in store.datasets.versions(made.id, 9, before=5)] == [2, 1]
    assert store.datasets.version(made.id, 6) is None
    assert store.datasets.version(made.id, 99) is None
    found = store.datasets.version(made.id, 5)
    assert found is not None
    assert found.version == 5


def test_a_version_is_recorded_once_and_only_of_what_there_is(store: Store) -> None:
    made = make(store)
    write(store, 1, attempt="attempt-1")
    for version, attempt in ((1, "attempt-2"), (2, "attempt-1")):
        with pytest.raises(exc.IntegrityError):
            write(store, version, attempt=attempt)
    with pytest.raises(errors.MoveRefused):
        write(store, 1, "nothing")
    assert len(store.datasets.versions(made.id, 10)) == 1


def test_what_the_same_attempt_has_made_is_settled_once(store: Store) -> None:
    made = make(store)
    facts: dict[str, Any] = {"dataset": "Sales", "operation": WriteMode.APPEND, "rows": 1, "bytes": 9, "at": AT}
    mine = Written(version=1, attempt="mine", schema=SCHEMA, **facts)
    together(*[lambda: store.datasets.settle(mine)] * 3)
    store.datasets.settle(replace(mine, rows=7))
    (found,) = store.datasets.versions(made.id, 10)
    assert (found.attempt, found.rows) == ("mine", 1)
    with pytest.raises(exc.IntegrityError):
        store.datasets.settle(replace(mine, attempt="another's"))


def test_a_version_is_awaited_until_its_attempt_has_ended(store: Store, begin: Begin) -> None:
    make(store)
    make(store, "other")
    assert not store.datasets.is_awaited("sales")
    run, row, attempt = committing(store, begin)
    assert store.datasets.is_awaited("Sales")
    assert not store.datasets.is_awaited("other")
    moves.write(store, run, *completed(run, row, attempt))
    assert not store.datasets.is_awaited("sales")


def begin_write(store: Store, made: Dataset, attempt: str, key: str = "key", at: datetime = AT) -> Write:
    return store.writes.begin(made.id, key, attempt, WriteMode.UPSERT, ["id", "day"], at)


def test_who_begins_a_write_again_goes_on_with_the_attempt_of_the_first(store: Store) -> None:
    made = make(store)
    first = begin_write(store, made, "first")
    assert (first.dataset, first.location, first.attempt) == ("Sales", "datasets/sales", "first")
    assert (first.operation, first.keys, first.begun_at) == (WriteMode.UPSERT, ("id", "day"), AT)
    assert begin_write(store, made, "second") == first
    assert begin_write(store, make(store, "other"), "second").attempt == "second"
    assert begin_write(store, made, "second", "another").attempt == "second"
    store.writes.end(first.id)
    assert begin_write(store, made, "third").attempt == "third"


def test_of_those_who_begin_the_same_write_at_once_one_does(store: Store) -> None:
    made = make(store)
    found = together(*[lambda n=n: begin_write(store, made, f"attempt-{n}") for n in range(4)])
    assert len({each.attempt for each in found}) == 1


def test_a_write_is_awaited_until_its_version_is_recorded(store: Store) -> None:
    made = make(store)
    assert not store.datasets.is_awaited("sales")
    there = begin_write(store, made, "mine")
    assert store.datasets.is_awaited("SALES")
    assert [each.id for each in store.writes.unrecorded_of(made.id)] == [there.id]
    assert store.writes.unrecorded_of(make(store, "other").id) == []
    write(store, 1, attempt="mine")
    assert not store.datasets.is_awaited("sales")
    assert store.writes.unrecorded() == []
    assert begin_write(store, made, "again") == replace(there, version=1), "its maker was not told"


def test_a_write_ends_with_the_record_of_its_version(store: Store) -> None:
    made = make(store)
    facts: dict[str, Any] = {"dataset": "Sales", "operation": WriteMode.UPSERT, "rows": 1, "bytes": 9, "at": AT}
    mine = Written(version=1, attempt="mine", schema=SCHEMA, **facts)
    for _ in range(2):
        there = begin_write(store, made, "mine")
        store.datasets.settle(mine, there.id)
        assert begin_write(store, made, "again", "key").attempt == "again"
        store.writes.end(begin_write(store, made, "again").id)
    assert [each.version for each in store.datasets.versions(made.id, 9)] == [1]


def test_writes_that_were_recorded_long_ago_are_forgotten(store: Store) -> None:
    made = make(store)
    begin_write(store, made, "mine", "recorded")
    begin_write(store, made, "other", "open")
    write(store, 1, attempt="mine")
    store.writes.drop(AT)
    assert begin_write(store, made, "again", "recorded").attempt == "mine"
    store.writes.drop(LATER)
    assert begin_write(store, made, "again", "recorded").attempt == "again"
    assert begin_write(store, made, "again", "open").attempt == "other", "nobody knows what has become of it"


def test_a_dataset_that_is_begun_anew_has_lost_what_it_had(store: Store, create: CREATE) -> None:
    made, other = make(store), make(store, "other")
    for version in (1, 2):
        write(store, version)
    write(store, 1, "other")
    store.datasets.clean(made.id, [1], LATER, AT)
    run = create()
    store.datasets.pin(run.id, ["sales", "other"])
    begin_write(store, made, "mine")
    assert store.datasets.restart(made.id, made.location, "datasets/sales-1", LATER)
    assert not store.datasets.restart(made.id, made.location, "datasets/sales-2", LATER), "another was faster"
    (here, there) = store.datasets.standing([store.datasets.find("sales") or made, other])
    assert (here.dataset.location, here.newest) == ("datasets/sales-1", None)
    assert there.newest
    assert [each.lost_at for each in store.datasets.versions(made.id, 9)] == [LATER, None], "the first was cleaned"
    assert store.datasets.kept(made.id) == []
    assert store.writes.unrecorded() == []
    assert store.datasets.pin(run.id, ["sales", "other"]) == {"other": PinnedVersion("datasets/other", 1)}
    write(store, 4)
    assert store.datasets.pin(run.id, ["sales"]) == {"sales": PinnedVersion("datasets/sales-1", 4)}


def test_what_has_become_a_version_is_readable_while_that_is(
    store: Store, database: Database, begin: Begin, place: tuple[Path, str | None]
) -> None:
    """Its file is still where it was left; those who read the dataset would not find it."""
    made = make(store)
    run, row, attempt = committing(store, begin)
    moves.write(store, run, *completed(run, row, attempt))
    home, url = place
    left = home / STAGED.path
    left.parent.mkdir(parents=True)
    left.write_bytes(b"x" * STAGED.bytes)
    end(database, run)
    write(store, 5)
    with App(Settings(home=home, database=url)) as app:
        assert kept.readable(app, [row.id]) == {row.id}
        store.datasets.clean(made.id, [4], LATER, LATER)
        assert kept.readable(app, [row.id]) == frozenset()
    assert store.datasets.readable([("SALES", 4), ("sales", 5), ("other", 4)]) == {("sales", 5)}


# Occurrences


def test_who_listens_hears_of_a_new_version(store: Store, pinned: Pinned) -> None:
    make(store)
    write(store, 1)
    assert store.occurrences.latest(10) == [], "nobody listened"
    rule = Rule(kind=RuleKind.DATASET, subject="SALES")
    definition = Definition(name="t", type=TriggerType.EVENT, rules=(rule,))
    made = store.triggers.create(pinned.pipeline_id, definition, TOKEN, Standing(None, AT), AT, active=True)
    write(store, 2, run_id=7, block="load")
    write(store, 3, operation=Operation.COMPACT)
    (found,) = store.occurrences.latest(10)
    assert (found.kind, found.subject) == (RuleKind.DATASET, "sales")
    assert (found.payload["dataset"], found.payload["version"]) == ("Sales", 2)
    assert (found.payload["rows"], found.payload["run_id"], found.payload["block"]) == (20, 7, "load")
    assert [each.id for each in store.occurrences.listeners([found])] == [made.id]


def test_a_paused_trigger_hears_nothing(store: Store, pinned: Pinned) -> None:
    make(store)
    definition = Definition(name="t", type=TriggerType.EVENT, rules=(Rule(kind=RuleKind.DATASET, subject="sales"),))
    store.triggers.create(pinned.pipeline_id, definition, TOKEN, Standing(None, AT), AT, active=False)
    write(store, 1)
    assert store.occurrences.latest(10) == []


# What runs read


def test_a_run_reads_what_was_current_when_it_was_pinned(store: Store, create: CREATE) -> None:
    make(store)
    make(store, "Never_Written")
    write(store, 1)
    run = create()
    pinned = store.datasets.pin(run.id, ["SALES", "nothing", "never_written"])
    assert pinned == {"SALES": PinnedVersion("datasets/sales", 1)}
    write(store, 2)
    assert store.datasets.pin(run.id, ["sales"])["sales"].version == 1, "the first pin holds"
    assert store.datasets.pin(create().id, ["sales"])["sales"].version == 2


def test_what_was_not_there_is_pinned_when_it_is(store: Store, create: CREATE) -> None:
    run = create()
    assert store.datasets.pin(run.id, ["sales"]) == {}
    make(store)
    write(store, 1)
    assert store.datasets.pin(run.id, ["sales"])["sales"].version == 1
    assert store.datasets.pin(run.id, []) == {}


def test_two_that_pin_a_run_at_once_pin_it_alike(store: Store, create: CREATE) -> None:
    names = [f"d{n}" for n in range(5)]
    for name in names:
        make(store, name)
        write(store, 1, name)
    run = create()
    one, other = together(lambda: store.datasets.pin(run.id, names), lambda: store.datasets.pin(run.id, names[::-1]))
    assert one == other
    assert len(one) == 5


def test_what_was_cleaned_of_a_run_that_had_ended_is_pinned_anew(
    store: Store, database: Database, create: CREATE
) -> None:
    made = make(store)
    write(store, 1)
    run, other = create(), create()
    store.datasets.pin(run.id, ["sales"])
    write(store, 2)
    store.datasets.pin(other.id, ["sales"])
    end(database, run)
    store.datasets.clean(made.id, [1], LATER, LATER)
    assert store.datasets.pin(run.id, ["sales"])["sales"].version == 2
    write(store, 3)
    assert store.datasets.pin(run.id, ["sales"])["sales"].version == 2, "that pin holds as well"
    assert store.datasets.pin(other.id, ["sales"])["sales"].version == 2


def test_two_that_pin_anew_at_once_pin_alike(store: Store, database: Database, create: CREATE) -> None:
    made = make(store)
    write(store, 1)
    run = create()
    store.datasets.pin(run.id, ["sales"])
    write(store, 2)
    end(database, run)
    store.datasets.clean(made.id, [1], LATER, LATER)
    found = together(*[lambda: store.datasets.pin(run.id, ["sales"])["sales"].version] * 3)
    assert found == [2, 2, 2]


# What may go


def old(store: Store, made: Dataset, before: datetime = LATER, newest: int = 1) -> list[int]:
    return store.datasets.old(made.id, before, newest)


def test_versions_go_that_were_superseded_long_ago(store: Store) -> None:
    made = make(store)
    for version in range(1, 6):
        write(store, version, at=AT + timedelta(days=version))
    assert old(store, made) == [1, 2, 3, 4], "the current one stays"
    assert old(store, made, newest=3) == [1, 2]
    assert old(store, made, newest=0) == [1, 2, 3, 4]
    assert old(store, made, before=AT + timedelta(days=3, seconds=1)) == [1, 2]
    assert old(store, make(store, "other")) == []


def test_what_an_open_run_reads_or_has_made_stays(store: Store, database: Database, create: CREATE) -> None:
    made = make(store)
    write(store, 1)
    reader, maker = create(), create()
    store.datasets.pin(reader.id, ["sales"])
    write(store, 2, run_id=maker.id)
    write(store, 3)
    write(store, 4)
    assert old(store, made) == [3]
    end(database, maker)
    assert old(store, made) == [2, 3]
    end(database, reader, retry_request={})
    assert old(store, made) == [2, 3], "it is asked to go on"
    end(database, reader, retry_request=None)
    assert old(store, made) == [1, 2, 3]


def test_what_was_cleaned_is_as_it_was_but_cannot_be_read(store: Store, create: CREATE) -> None:
    made = make(store)
    for version in range(1, 5):
        write(store, version)
    seen = old(store, made)
    store.datasets.clean(made.id, seen[:2], LATER, LATER)
    assert store.datasets.kept(made.id) == [3, 4]
    assert old(store, made) == [3]
    found = store.datasets.version(made.id, 1)
    assert found is not None
    assert (found.cleaned_at, found.rows) == (LATER, 10)


def test_what_is_not_old_any_more_is_not_cleaned(store: Store, create: CREATE) -> None:
    """Between the look and the deed it was pinned, or it is the current one."""
    made = make(store)
    write(store, 1)
    store.datasets.pin(create().id, ["sales"])
    write(store, 2)
    store.datasets.clean(made.id, [1, 2], LATER, LATER)
    assert store.datasets.kept(made.id) == [1, 2]


def test_a_run_goes_with_what_it_is_pinned_to(store: Store, database: Database, create: CREATE) -> None:
    make(store)
    write(store, 1)
    run = create("a")
    store.datasets.pin(run.id, ["sales"])
    with database.write() as connection:
        done = {"status": BlockStatus.COMPLETED, "ended_at": AT}
        connection.execute(sa.update(tables.block_runs).values(done))
    end(database, run)
    assert store.retention.forget(run.id) is not None
    with database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.run_datasets)) == 0


# Bookmarks and lineages


def test_a_bookmark_moves(store: Store, database: Database, pinned: Pinned) -> None:
    def move(at: int, block: str = "load") -> Bookmark:
        value, attempt = {"id": at}, f"attempt-{at}"
        moved = Bookmark(pipeline_id=pinned.pipeline_id, block=block, value=value, attempt=attempt, updated_at=AT)
        with database.write() as connection, Script(connection) as script:
            bookmarks.move(script, [moved])
        return moved

    assert store.bookmarks.find(pinned.pipeline_id, "load") is None
    for at in (1, 2):
        moved = move(at)
        assert store.bookmarks.find(pinned.pipeline_id, "load") == moved
    other = move(3, "other")
    assert store.bookmarks.find(pinned.pipeline_id, "other") == other
    assert store.bookmarks.find(pinned.pipeline_id, "load") == moved
    store.bookmarks.reset(pinned.pipeline_id)
    assert store.bookmarks.find(pinned.pipeline_id, "load") is None


def test_a_lineage_is_kept_for_a_version(store: Store, pinned: Pinned) -> None:
    assert store.lineages.find(pinned.version_id) is None
    for content in ({"a": 1}, {"a": 2}):
        store.lineages.keep(pinned.version_id, content)
        assert store.lineages.find(pinned.version_id) == content
    together(*[lambda n=n: store.lineages.keep(pinned.version_id, {"n": n}) for n in range(3)])
    assert store.lineages.find(pinned.version_id) in [{"n": n} for n in range(3)]
