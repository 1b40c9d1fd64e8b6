"""The tables defend themselves: what no move would do cannot be done at all."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import autogenerate
from alembic.migration import MigrationContext
from sqlalchemy import exc

from headrace import identity
from headrace.model.run import FINAL_BLOCK, FINAL_RUN, BlockRun, BlockStatus, Run, RunStatus
from headrace.model.trigger import FINAL_BACKFILL, BackfillStatus, TriggerType
from headrace.store import tables
from headrace.store.database import Database
from headrace.store.projects import Pinned

AT = datetime(2026, 3, 1, tzinfo=UTC)

Begin = Callable[..., tuple[Run, dict[str, BlockRun]]]


def put(database: Database, table: sa.Table, **columns: Any) -> None:
    """Sets these columns of every row."""
    with database.write() as connection:
        connection.execute(sa.update(table).values(columns))


def refused(database: Database, table: sa.Table, **columns: Any) -> None:
    with pytest.raises(exc.IntegrityError):
        put(database, table, **columns)


@pytest.mark.parametrize("status", RunStatus)
def test_a_run_has_an_end_exactly_when_it_is_final(database: Database, begin: Begin, status: RunStatus) -> None:
    begin()
    right, wrong = (AT, None) if status in FINAL_RUN else (None, AT)
    refused(database, tables.runs, status=status, ended_at=wrong)
    put(database, tables.runs, status=status, ended_at=right)


@pytest.mark.parametrize("status", BlockStatus)
def test_a_block_run_has_an_end_exactly_when_it_is_final(database: Database, begin: Begin, status: BlockStatus) -> None:
    begin()
    right, wrong = (AT, None) if status in FINAL_BLOCK else (None, AT)
    refused(database, tables.block_runs, status=status, attempt=1, ended_at=wrong)
    put(database, tables.block_runs, status=status, attempt=1, ended_at=right)


def test_statuses_are_words_that_are_known(database: Database, begin: Begin) -> None:
    begin()
    refused(database, tables.runs, status="paused")
    refused(database, tables.block_runs, status="paused")


def test_a_running_run_has_an_owner(database: Database, create: Callable[..., Run]) -> None:
    create()
    refused(database, tables.runs, status="running")


def test_a_running_block_has_an_attempt(database: Database, begin: Begin) -> None:
    begin()
    refused(database, tables.block_runs, status="running", attempt=0)


def test_only_a_queued_block_waits_for_its_next_try(database: Database, begin: Begin) -> None:
    begin()
    refused(database, tables.block_runs, status="running", attempt=1, retry_at=AT)
    refused(database, tables.block_runs, status="failed", ended_at=AT, retry_at=AT)
    put(database, tables.block_runs, status="queued", retry_at=AT)


def test_a_block_runs_once_in_a_run(database: Database, begin: Begin) -> None:
    begin("ab")
    refused(database, tables.block_runs, block="a")


def _attempt(database: Database, block_run: int, **columns: Any) -> None:
    row = {
        "uid": identity.new(),
        "block_run_id": block_run,
        "number": 1,
        "epoch": 1,
        "status": "running",
        "reason": "",
        "started_at": AT,
        "single": True,
        "log_lines": 0,
    }
    with database.write() as connection:
        connection.execute(sa.insert(tables.attempts).values({**row, **columns}))


def test_attempts_have_numbers_and_uids_of_their_own(database: Database, begin: Begin) -> None:
    _, blocks = begin()
    _attempt(database, blocks["a"].id, uid="x")
    _attempt(database, blocks["b"].id)
    for same in ({"number": 1}, {"number": 2, "uid": "x"}):
        with pytest.raises(exc.IntegrityError):
            _attempt(database, blocks["a"].id, **same)


@pytest.mark.parametrize("status", ["initial", "upstream_failed", "condition_failed"])
def test_an_attempt_has_begun(database: Database, begin: Begin, status: str) -> None:
    _, blocks = begin()
    with pytest.raises(exc.IntegrityError):
        _attempt(database, blocks["a"].id, status=status, ended_at=AT if status in FINAL_BLOCK else None)


def test_an_attempt_has_an_end_exactly_when_it_is_final(database: Database, begin: Begin) -> None:
    _, blocks = begin()
    for wrong in ({"status": "failed"}, {"ended_at": AT}):
        with pytest.raises(exc.IntegrityError):
            _attempt(database, blocks["a"].id, **wrong)


@pytest.fixture
def nightly(pinned: Pinned, trigger: Callable[..., int]) -> int:
    """An active time trigger."""
    return trigger(pinned, "nightly", type=TriggerType.TIME, interval="@daily")


@pytest.mark.usefixtures("nightly")
def test_a_trigger_has_an_interval_exactly_when_it_is_of_time(database: Database) -> None:
    refused(database, tables.triggers, type="api")
    refused(database, tables.triggers, interval=None)
    refused(database, tables.triggers, type="hourly", interval=None)
    put(database, tables.triggers, type="api", interval=None)


@pytest.mark.usefixtures("nightly")
def test_a_deleted_trigger_fires_no_more(database: Database) -> None:
    refused(database, tables.triggers, deleted_at=AT)
    refused(database, tables.triggers, deleted_at=AT, active=False, due_at=AT)
    put(database, tables.triggers, deleted_at=AT, active=False, due_at=None)


def test_two_triggers_of_a_pipeline_have_two_names(
    database: Database, nightly: int, pinned: Pinned, trigger: Callable[..., int]
) -> None:
    trigger(pinned, "other")
    refused(database, tables.triggers, name="nightly")
    with database.write() as connection:
        gone = sa.update(tables.triggers).where(tables.triggers.c.id != nightly)
        connection.execute(gone.values(active=False, due_at=None, deleted_at=AT))
    put(database, tables.triggers, name="nightly")


def insert(database: Database, table: sa.Table, **columns: Any) -> None:
    with database.write() as connection:
        connection.execute(sa.insert(table).values(columns))


def test_a_fire_time_has_one_run(database: Database, nightly: int, create: Callable[..., Run]) -> None:
    for _ in range(2):
        create(trigger_id=nightly)
    refused(database, tables.runs, fire_time=AT)


def test_a_gap_has_an_extent(database: Database, nightly: int) -> None:
    gap = {"trigger_id": nightly, "reason": "paused", "first": AT, "last": AT, "count": 1, "noticed_at": AT}
    insert(database, tables.gaps, **gap)
    refused(database, tables.gaps, count=0)
    refused(database, tables.gaps, first=AT + timedelta(days=1))
    refused(database, tables.gaps, trigger_id=99)


def test_only_a_file_rule_is_looked_at(database: Database, nightly: int) -> None:
    rule = {"kind": "payload", "subject": "", "pattern": {}, "statuses": [], "every": 1.0, "settle": 1.0}
    insert(database, tables.rules, trigger_id=nightly, place=0, **rule)
    refused(database, tables.rules, kind="mail")
    refused(database, tables.rules, look_at=AT)
    put(database, tables.rules, kind="file", look_at=AT)
    with pytest.raises(exc.IntegrityError):
        insert(database, tables.rules, trigger_id=nightly, place=0, **rule)


def test_an_occurrence_is_dealt_with_as_a_whole_and_once(database: Database) -> None:
    occurrence = {"uid": "x", "kind": "payload", "subject": "", "mark": "m", "payload": {}, "at": AT}
    insert(database, tables.occurrences, **occurrence)
    refused(database, tables.occurrences, handled_at=AT)
    refused(database, tables.occurrences, runs=1)
    refused(database, tables.occurrences, kind="mail")
    put(database, tables.occurrences, handled_at=AT, runs=0)
    with pytest.raises(exc.IntegrityError):
        insert(database, tables.occurrences, **occurrence | {"uid": "y"})


def test_a_limit_is_of_one_trigger_only_where_it_is_about_its_runs(
    database: Database, nightly: int, pinned: Pinned
) -> None:
    limit = {"project_id": pinned.project.id, "pipeline_id": pinned.pipeline_id, "block": "", "cap": 1, "skip": False}
    for of in (None, nightly):
        insert(database, tables.limits, kind="trigger_runs", trigger_id=of, **limit)
        with pytest.raises(exc.IntegrityError):
            insert(database, tables.limits, kind="trigger_runs", trigger_id=of, **limit)
    with pytest.raises(exc.IntegrityError):
        insert(database, tables.limits, kind="pipeline_runs", trigger_id=nightly, **limit)


@pytest.fixture
def backfill(database: Database, pinned: Pinned) -> None:
    """One that was written down."""
    written = {
        "name": "b",
        "interval_type": "day",
        "interval_units": 1,
        "which": "all",
        "variables": {},
        "settings": {},
    }
    moments = dict.fromkeys(("start_time", "end_time", "created_at", "updated_at"), AT)
    state = {"uid": "x", "status": "initial", "reason": "created", "total": 0, "made": 0}
    insert(database, tables.backfills, pipeline_id=pinned.pipeline_id, **written, **moments, **state)


@pytest.mark.usefixtures("backfill")
def test_a_backfill_that_was_started_has_a_plan(database: Database, nightly: int) -> None:
    refused(database, tables.backfills, status="running")
    refused(database, tables.backfills, status="running", dates=[])
    refused(database, tables.backfills, status="running", trigger_id=nightly)
    refused(database, tables.backfills, status="done")
    refused(database, tables.backfills, which="some")
    put(database, tables.backfills, status="running", dates=[], trigger_id=nightly)


@pytest.mark.usefixtures("backfill")
@pytest.mark.parametrize("status", BackfillStatus)
def test_a_backfill_has_an_end_exactly_when_it_is_final(
    database: Database, nightly: int, status: BackfillStatus
) -> None:
    right, wrong = (AT, None) if status in FINAL_BACKFILL else (None, AT)
    planned: dict[str, Any] = {"dates": [], "trigger_id": nightly}
    refused(database, tables.backfills, status=status, ended_at=wrong, **planned)
    put(database, tables.backfills, status=status, ended_at=right, **planned)


def test_nothing_hangs_in_the_air(database: Database, begin: Begin) -> None:
    begin()
    refused(database, tables.runs, pipeline_id=99)
    refused(database, tables.block_runs, run_id=99)
    refused(database, tables.events, run_id=99)
    with pytest.raises(exc.IntegrityError):
        _attempt(database, 99)


def test_uids_of_runs_are_unique(database: Database, begin: Begin) -> None:
    begin()
    begin()
    refused(database, tables.runs, uid="same")


def test_times_sort_as_they_read(database: Database, create: Callable[..., Run]) -> None:
    moments = [datetime(2026, 3, 1, 12, 0, 0, us, tzinfo=UTC) for us in (0, 1, 10, 999_999)]
    for at in reversed(moments):
        create(at=at)
    with database.read() as connection:
        found = connection.scalars(sa.select(tables.runs.c.execution_date).order_by(tables.runs.c.execution_date))
        assert list(found) == moments
        later = sa.select(sa.func.count()).where(tables.runs.c.execution_date > moments[1])
        assert connection.scalar(later) == 2


def test_a_transaction_that_fails_leaves_nothing(database: Database, begin: Begin) -> None:
    run, _ = begin()
    with pytest.raises(RuntimeError), database.write() as connection:
        connection.execute(sa.update(tables.runs).values(reason="half"))
        raise RuntimeError
    with database.read() as connection:
        assert connection.scalar(sa.select(tables.runs.c.reason)) == run.reason


def test_the_migrations_make_the_tables_that_are_written_down(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert autogenerate.compare_metadata(context, tables.metadata) == []


def checks(database: Database) -> dict[str, dict[str | None, str]]:
    """Alembic does not compare CHECKs; these are their names and texts, as the database has them."""
    with database.read() as connection:
        seen = sa.inspect(connection)
        found = {name: seen.get_check_constraints(name) for name in tables.metadata.tables}
    return {table: {each["name"]: each["sqltext"] for each in of_table} for table, of_table in found.items()}


def test_the_migrations_make_the_constraints_that_are_written_down(database: Database, empty: Database) -> None:
    with empty.write() as connection:
        tables.metadata.create_all(connection)
    assert checks(database) == checks(empty)
    assert sum(map(len, checks(database).values())) >= 10
